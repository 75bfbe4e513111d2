package wire_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"sandpiper/runtimes/wasm/shell/wire"
)

// sockets returns the two ends of a socket pair.
func sockets(t testing.TB) (a, b *os.File) {
	t.Helper()
	a, b, err := wire.SocketPair()
	if err != nil {
		t.Fatal(err)
	}
	return a, b
}

// peer starts one side.
func peer(t testing.TB, f *os.File, h wire.Handler) *wire.Peer {
	t.Helper()
	p, err := wire.NewPeer(f, h)
	if err != nil {
		t.Fatal(err)
	}
	go p.Serve()
	t.Cleanup(func() {
		p.Close()
		<-p.Done()
	})
	return p
}

func nothing(*wire.Message, func(*wire.Message)) {}

func TestCalls(t *testing.T) {
	a, b := sockets(t)
	peer(t, a, func(m *wire.Message, answer func(*wire.Message)) {
		switch m.Op {
		case wire.OpRead:
			answer(&wire.Message{Data: bytes.Repeat(m.Data, 2), Path: m.Path})
		case wire.OpStat:
			answer(wire.Fail(&fs.PathError{Op: "stat", Path: m.Path, Err: syscall.ENOTDIR}))
		case wire.OpOpen:
			answer(wire.Fail(fs.ErrNotExist))
		default:
			answer(wire.Fail(errors.New("no such thing")))
		}
	})
	client := peer(t, b, nothing)
	for _, size := range []int{0, 1, 1000, wire.MaxData / 2} {
		got, err := client.Call(t.Context(), &wire.Message{Op: wire.OpRead, Path: "é", Data: bytes.Repeat([]byte("x"), size)})
		if err != nil || len(got.Data) != 2*size || got.Path != "é" {
			t.Errorf("%d bytes: %d, %v", size, len(got.Data), err)
		}
	}
	for op, want := range map[wire.Op]error{wire.OpStat: syscall.ENOTDIR, wire.OpOpen: fs.ErrNotExist} {
		if _, err := client.Call(t.Context(), &wire.Message{Op: op}); !errors.Is(err, want) {
			t.Errorf("%s: %v", op, err)
		}
	}
	if _, err := client.Call(t.Context(), &wire.Message{Op: "none"}); err == nil || err.Error() != "no such thing" {
		t.Error(err)
	}
	if _, err := client.Call(t.Context(), &wire.Message{Op: wire.OpRun, Args: []string{strings.Repeat("x", 2<<20)}}); !errors.Is(err, wire.ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
}

func TestFiles(t *testing.T) {
	a, b := sockets(t)
	peer(t, a, func(m *wire.Message, answer func(*wire.Message)) {
		for i, f := range m.Files {
			if _, err := io.WriteString(f, string(rune('a'+i))); err != nil {
				t.Error(err)
			}
			_ = f.Close()
		}
		answer(&wire.Message{N: int64(len(m.Files))})
	})
	client := peer(t, b, nothing)
	for n := range 4 {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		files := []*os.File{w, w, w}[:n]
		got, err := client.Call(t.Context(), &wire.Message{Op: wire.OpSpawn, Files: files})
		_ = w.Close()
		if err != nil || got.N != int64(n) {
			t.Errorf("%d files: %+v, %v", n, got, err)
		}
		if text, err := io.ReadAll(r); string(text) != "abc"[:n] || err != nil {
			t.Errorf("%d files: wrote %q, %v", n, text, err)
		}
		_ = r.Close()
	}
}

func TestCancelAndEnd(t *testing.T) {
	a, b := sockets(t)
	waiting := make(chan func(*wire.Message), 2)
	server := peer(t, a, func(m *wire.Message, answer func(*wire.Message)) {
		if m.Op == wire.OpCancel {
			(<-waiting)(&wire.Message{Code: 130})
			return
		}
		waiting <- answer
	})
	client := peer(t, b, nothing)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if got, err := client.Call(ctx, &wire.Message{Op: wire.OpSpawn}); err != nil || got.Code != 130 {
		t.Errorf("cancelled: %+v, %v", got, err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := client.Call(t.Context(), &wire.Message{Op: wire.OpSpawn})
		ended <- err
	}()
	<-waiting
	server.Close()
	if err := <-ended; !errors.Is(err, wire.ErrGone) {
		t.Errorf("the other side went: %v", err)
	}
	if _, err := client.Call(t.Context(), &wire.Message{Op: wire.OpPS}); err == nil {
		t.Error("a call was answered by nobody")
	}
}

// FuzzReceive feeds a peer with what is no message: it ends the connection and
// keeps nothing.
func FuzzReceive(f *testing.F) {
	f.Add([]byte("\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00{}"))
	f.Add([]byte("\x02\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00{}abc"))
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Add([]byte("\x02\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00{}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		ours, theirs := sockets(t)
		p := peer(t, ours, func(m *wire.Message, answer func(*wire.Message)) { answer(&wire.Message{}) })
		if _, err := theirs.Write(b[:min(len(b), 64<<10)]); err != nil {
			t.Skip(err)
		}
		_ = theirs.Close()
		select {
		case <-p.Done():
		case <-time.After(time.Minute):
			t.Error("the connection did not end")
		}
	})
}
