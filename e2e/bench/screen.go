package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"time"

	"github.com/coder/websocket"

	"sandpiper/e2e/rawclient"
	"sandpiper/e2e/testserver"
)

// desktopSnapshot is what sandboxes with a screen start from.
const desktopSnapshot = "sandpiper-desktop"

// measureScreen prints how soon a desktop that is started shows its first picture,
// how soon a browser has it, how soon it sees what its pointer did, and how long
// screenshots take. The pictures are not compressed, and
// the desktop draws the pointer, as for a client that cannot.
func measureScreen(ctx context.Context, srv *testserver.Server, n int) error {
	if err := exec.CommandContext(ctx, "docker", "info").Run(); err != nil {
		fmt.Printf("screen of a desktop: not measured, docker info says %v\n\n", err)
		return nil
	}
	c := rawclient.New(srv.URL, testserver.Key)
	begun, err := measureDesktopStart(ctx, c, srv.URL, 5)
	if err != nil {
		return err
	}
	s, err := c.Create(ctx, desktopSnapshot)
	if err != nil {
		return err
	}
	defer deleteAll(c, s)
	if err := c.Toolbox(ctx, http.MethodPost, s.ID, "/computeruse/start", nil, nil); err != nil {
		return err
	}
	var first, moved []time.Duration
	for range max(2, n/10) {
		started := time.Now()
		v, err := openScreen(ctx, srv.URL, s.ID)
		if err != nil {
			return err
		}
		first = append(first, time.Since(started))
		v.close()
	}
	v, err := openScreen(ctx, srv.URL, s.ID)
	if err != nil {
		return err
	}
	defer v.close()
	for i := range n {
		started := time.Now()
		if err := v.move(100+uint16(i%2)*200, 300); err != nil {
			return err
		}
		moved = append(moved, time.Since(started))
	}
	shots := make(map[string][]time.Duration)
	for range n {
		for _, kind := range screenshots {
			started := time.Now()
			if err := c.Toolbox(ctx, http.MethodGet, s.ID, "/computeruse/screenshot"+kind, nil, nil); err != nil {
				return err
			}
			shots[kind] = append(shots[kind], time.Since(started))
		}
	}
	fmt.Printf("screen of a desktop of %d by %d, ms\n", v.width, v.height)
	fmt.Printf("  start call to the first whole picture  p50 %s, slowest %s (%d desktops)\n", ms(percentile(begun, 50)), ms(percentile(begun, 100)), len(begun))
	fmt.Printf("  connect to the first whole picture     %s\n", quantiles(first))
	fmt.Printf("  pointer to the picture of it           %s\n", quantiles(moved))
	for _, kind := range screenshots {
		fmt.Printf("  GET screenshot%-24s %s\n", kind, quantiles(shots[kind]))
	}
	fmt.Println()
	return nil
}

// screenshots are the kinds of them that are measured.
var screenshots = []string{"", "/compressed?format=jpeg", "/compressed?format=png"}

// measureDesktopStart returns how long n desktops took from the call that starts
// them to the first whole picture.
func measureDesktopStart(ctx context.Context, c *rawclient.Client, url string, n int) (took []time.Duration, err error) {
	for range n {
		s, err := c.Create(ctx, desktopSnapshot)
		if err != nil {
			return nil, err
		}
		started := time.Now()
		err = c.Toolbox(ctx, http.MethodPost, s.ID, "/computeruse/start", nil, nil)
		if err == nil {
			var v *viewer
			if v, err = openScreen(ctx, url, s.ID); err == nil {
				took = append(took, time.Since(started))
				v.close()
			}
		}
		deleteAll(c, s)
		if err != nil {
			return nil, err
		}
	}
	return took, nil
}

// viewer is a client of RFB that takes plain pixels only.
type viewer struct {
	out           io.WriteCloser
	in            *bufio.Reader
	width, height uint16
}

// openScreen connects to a sandbox's screen and reads its first picture.
func openScreen(ctx context.Context, url, id string) (*viewer, error) {
	conn, res, err := websocket.Dial(ctx, url+"/sandboxes/"+id+"/desktop/socket", &websocket.DialOptions{
		HTTPHeader: http.Header{"Authorization": {"Bearer " + testserver.Key}}, Subprotocols: []string{"binary"},
	})
	if err != nil {
		return nil, fmt.Errorf("connect to the screen: %w", err)
	}
	if res.Body != nil {
		defer res.Body.Close()
	}
	stream := websocket.NetConn(ctx, conn, websocket.MessageBinary)
	v := &viewer{out: stream, in: bufio.NewReaderSize(stream, 64<<10)}
	if err := errors.Join(v.shakeHands(), v.say("\x02\x00\x00\x01\x00\x00\x00\x00"), v.picture(false)); err != nil {
		v.close()
		return nil, fmt.Errorf("read the first picture: %w", err)
	}
	return v, nil
}

func (v *viewer) close() { _ = v.out.Close() } // whether it ends well is not measured

func (v *viewer) say(s string) error {
	_, err := io.WriteString(v.out, s)
	return err
}

func (v *viewer) hear(n int) ([]byte, error) {
	b := make([]byte, n)
	_, err := io.ReadFull(v.in, b)
	return b, err
}

func (v *viewer) shakeHands() error {
	for _, step := range []struct {
		hear int
		say  string
	}{{12, "RFB 003.008\n"}, {2, "\x01"}, {4, "\x01"}} {
		if _, err := v.hear(step.hear); err != nil {
			return err
		}
		if err := v.say(step.say); err != nil {
			return err
		}
	}
	head, err := v.hear(24)
	if err != nil {
		return err
	}
	v.width, v.height = binary.BigEndian.Uint16(head), binary.BigEndian.Uint16(head[2:])
	_, err = v.hear(int(binary.BigEndian.Uint32(head[20:])))
	return err
}

// picture asks for the picture, or for what has changed of it, and reads it.
func (v *viewer) picture(changes bool) error {
	ask := []byte{3, 0, 0, 0, 0, 0}
	if changes {
		ask[1] = 1
	}
	ask = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(ask, v.width), v.height)
	if err := v.say(string(ask)); err != nil {
		return err
	}
	for {
		kind, err := v.in.ReadByte()
		switch {
		case err != nil:
			return err
		case kind == 0:
			return v.rectangles()
		case kind != 2: // a bell says nothing of the picture
			return fmt.Errorf("the screen sent a message %d", kind)
		}
	}
}

func (v *viewer) rectangles() error {
	head, err := v.hear(3)
	if err != nil {
		return err
	}
	for range binary.BigEndian.Uint16(head[1:]) {
		r, err := v.hear(12)
		if err != nil {
			return err
		}
		pixels := int64(binary.BigEndian.Uint16(r[4:])) * int64(binary.BigEndian.Uint16(r[6:]))
		if _, err := io.CopyN(io.Discard, v.in, 4*pixels); err != nil {
			return err
		}
	}
	return nil
}

// move moves the pointer and reads the picture of that.
func (v *viewer) move(x, y uint16) error {
	m := binary.BigEndian.AppendUint16([]byte{5, 0}, x)
	if err := v.say(string(binary.BigEndian.AppendUint16(m, y))); err != nil {
		return err
	}
	return v.picture(true)
}
