package link_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"sandpiper/runtimes/wasm/frame"
	"sandpiper/runtimes/wasm/worker/link"
	"sandpiper/sandbox"
)

// pair returns two sides, the second of which takes files.
func pair(t testing.TB) (a, b *link.Link) {
	t.Helper()
	ours, theirs, err := frame.SocketPair()
	if err != nil {
		t.Fatal(err)
	}
	if a, err = link.New(ours, false); err != nil {
		t.Fatal(err)
	}
	if b, err = link.New(theirs, true); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		a.Release()
		b.Release()
	})
	return a, b
}

func TestMessages(t *testing.T) {
	a, b := pair(t)
	for _, size := range []int{0, 1, 64<<10 - 1, 64 << 10, 64<<10 + 1, 5 << 20} {
		data := bytes.Repeat([]byte("x"), size)
		sent := make(chan error, 1)
		go func() { sent <- a.Send(link.OpRun, 7, link.Run{Language: "é"}, data) }()
		m, err := b.Receive()
		if err != nil || <-sent != nil {
			t.Fatal(err)
		}
		var r link.Run
		if err := m.Decode(&r); err != nil || r.Language != "é" || m.Op != link.OpRun || m.ID != 7 || !bytes.Equal(m.Data, data) {
			t.Errorf("%d bytes: %v, %+v, %d bytes", size, err, r, len(m.Data))
		}
	}
	if err := a.Send(link.OpRun, 1, nil, make([]byte, 65<<20)); !errors.Is(err, frame.ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
}

// TestTurns sends a large message and small ones at the same time: the small ones do
// not wait for its end.
func TestTurns(t *testing.T) {
	a, b := pair(t)
	var senders sync.WaitGroup
	begun := make(chan struct{})
	senders.Go(func() {
		close(begun)
		_ = a.Send(link.OpRun, 1, nil, make([]byte, 8<<20))
	})
	senders.Go(func() {
		<-begun
		for id := range uint64(10) {
			_ = a.Send(link.OpSave, id+2, nil, nil)
		}
	})
	large, before := false, 0
	for range 11 {
		m, err := b.Receive()
		if err != nil {
			t.Fatal(err)
		}
		if m.ID == 1 {
			large = true
		} else if !large {
			before++
		}
	}
	senders.Wait()
	if before < 9 {
		t.Errorf("%d of 10 small messages came before the end of the large one", before)
	}
}

func TestFiles(t *testing.T) {
	a, b := pair(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := a.Send(link.OpSave, 1, link.Kernel{Kernel: 3}, nil, w); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	m, err := b.Receive()
	if err != nil || len(m.Files) != 1 {
		t.Fatalf("%+v, %v", m, err)
	}
	_, _ = io.WriteString(m.Files[0], "state")
	m.Close()
	if text, err := io.ReadAll(r); string(text) != "state" {
		t.Errorf("%q, %v", text, err)
	}
	// The side that takes none loses its connection and not its descriptors.
	if err := b.Send(link.OpEnd, 1, nil, nil, r); err == nil {
		if _, err := a.Receive(); err == nil {
			t.Error("files came to a side that takes none")
		}
	}
}

func TestFaults(t *testing.T) {
	busy := &sandbox.Error{Kind: sandbox.KindBusy, Message: "later", Field: "code", RetryAfter: time.Second}
	for name, err := range map[string]error{"gone": sandbox.ErrKernelGone, "stale": sandbox.ErrStateStale, "none": nil} {
		if got := link.NewFault(err).Err(); got != err {
			t.Errorf("%s: %v", name, got)
		}
	}
	var got *sandbox.Error
	if err := link.NewFault(busy).Err(); !errors.As(err, &got) || *got != *busy {
		t.Errorf("busy: %+v", err)
	}
	if err := link.NewFault(errors.New("secret path")).Err(); errors.As(err, &got) && got.Kind != sandbox.KindInternal {
		t.Errorf("internal: %+v", err)
	}
	for _, cause := range []error{sandbox.ErrInterrupted, sandbox.ErrKilled, sandbox.ErrClientGone, sandbox.ErrShutdown, context.Canceled, errors.New("why")} {
		signal, _ := sandbox.SignalOf(cause)
		if got, _ := sandbox.SignalOf(link.NewCancel(cause).Err()); got != signal {
			t.Errorf("%v: %s, want %s", cause, got, signal)
		}
	}
}

// TestManyPartial begins messages without end: each counts for more than what has come
// of it, so that their number is bounded too.
func TestManyPartial(t *testing.T) {
	ours, theirs, err := frame.SocketPair()
	if err != nil {
		t.Fatal(err)
	}
	l, err := link.New(ours, false)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Release()
	sent := make(chan int, 1)
	go func() {
		c, err := frame.NewConn(theirs, frame.Limits{Head: 24, Data: 1})
		n := 0
		for ; err == nil; n++ {
			head := binary.LittleEndian.AppendUint64([]byte{byte(link.OpSaid), 3, 0, 0, 0, 0, 0, 0}, uint64(n))
			err = c.Send(frame.Frame{Head: append(head, make([]byte, 8)...), Data: []byte("x")})
		}
		sent <- n
	}()
	if _, err := l.Receive(); err == nil {
		t.Error("a message came")
	}
	l.Release()
	if n := <-sent; n > 300_000 {
		t.Errorf("%d messages were begun", n)
	}
}

// FuzzReceive feeds a side with what is no message: it ends the connection, and keeps
// nothing.
func FuzzReceive(f *testing.F) {
	head := func(op, flags byte, id, body byte) string {
		return string([]byte{op, flags, 0, 0, 0, 0, 0, 0, id, 0, 0, 0, 0, 0, 0, 0, body, 0, 0, 0, 0, 0, 0, 0})
	}
	packet := func(head, data string) string {
		return string([]byte{byte(len(head)), 0, 0, 0, byte(len(data)), 0, 0, 0, 0, 0, 0, 0}) + head + data
	}
	f.Add([]byte(packet(head(3, 1, 1, 2), "{}abc")))
	f.Add([]byte(packet(head(3, 3, 1, 2), "{}abc") + packet(head(3, 0, 1, 0), "def")))
	f.Add([]byte(packet(head(3, 3, 1, 9), "{}") + packet(head(3, 1, 1, 0), "twice")))
	f.Add([]byte(packet(head(3, 0, 1, 2), "not begun")))
	f.Add([]byte(packet(head(3, 2, 1, 2), "")))
	f.Add([]byte(packet("short", "")))
	f.Add([]byte(strings.Repeat("\xff", 40)))
	f.Fuzz(func(t *testing.T, b []byte) {
		ours, theirs, err := frame.SocketPair()
		if err != nil {
			t.Fatal(err)
		}
		l, err := link.New(ours, true)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Release()
		if _, err := theirs.Write(b[:min(len(b), 64<<10)]); err != nil {
			t.Fatal(err)
		}
		_ = theirs.Close()
		size := 0
		for {
			m, err := l.Receive()
			if err != nil {
				break
			}
			size += len(m.Body) + len(m.Data)
			m.Close()
		}
		if size > len(b) {
			t.Errorf("%d bytes of %d", size, len(b))
		}
	})
}
