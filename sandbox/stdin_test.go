package sandbox_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"sandpiper/sandbox"
)

// readAll reads s to its end in pieces of a few bytes.
func readAll(t *testing.T, s *sandbox.Stdin) string {
	t.Helper()
	var all []byte
	for p := make([]byte, 3); ; {
		n, err := s.Read(t.Context(), p)
		if err == io.EOF {
			return string(all)
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p[:n]...)
	}
}

func TestStaticStdin(t *testing.T) {
	for _, text := range []string{"", "a", "hello, world"} {
		s := sandbox.StaticStdin([]byte(text))
		if !s.Ready() {
			t.Errorf("%q is not ready", text)
		}
		if waiting, open := s.Snapshot(); string(waiting) != text || open {
			t.Errorf("the snapshot of %q is %q, %t", text, waiting, open)
		}
		if got := readAll(t, s); got != text {
			t.Errorf("got %q, want %q", got, text)
		}
		if _, err := s.Write([]byte("x")); sandbox.KindOf(err) != sandbox.KindConflict {
			t.Errorf("a write: %v", err)
		}
	}
}

func TestLiveStdin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sandbox.LiveStdin()
		if s.Ready() {
			t.Error("it is ready with nothing in it")
		}
		got := make(chan string)
		go func() { got <- readAll(t, s) }()
		synctest.Wait()
		for _, text := range []string{"one ", "two"} {
			if n, err := s.Write([]byte(text)); n != len(text) || err != nil {
				t.Errorf("write: %d, %v", n, err)
			}
			synctest.Wait()
		}
		s.Close()
		s.Close()
		if text := <-got; text != "one two" {
			t.Errorf("got %q", text)
		}
		if _, err := s.Write([]byte("x")); sandbox.KindOf(err) != sandbox.KindConflict {
			t.Errorf("a write after the end: %v", err)
		}
	})
}

func TestStdinBoundsWhatWaits(t *testing.T) {
	s := sandbox.LiveStdin()
	if _, err := s.Write(make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Write([]byte("x")); n != 0 || sandbox.KindOf(err) != sandbox.KindTooLarge {
		t.Errorf("one byte more: %d, %v", n, err)
	}
	if _, err := s.Read(t.Context(), make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write([]byte("0123456789")); err != nil {
		t.Errorf("after some were read: %v", err)
	}
}

func TestStdinReadEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sandbox.LiveStdin()
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Minute, func() { cancel(sandbox.ErrKilled) })
		began := time.Now()
		if _, err := s.Read(ctx, make([]byte, 1)); !errors.Is(err, sandbox.ErrKilled) {
			t.Errorf("got %v", err)
		}
		if took := time.Since(began); took != time.Minute {
			t.Errorf("it took %v", took)
		}
		if n, err := s.Read(ctx, nil); n != 0 || err != nil {
			t.Errorf("reading nothing: %d, %v", n, err)
		}
	})
}

// TestStdinReaders lets several read at once: each byte comes to one of them,
// and none hears of an end that is not there.
func TestStdinReaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sandbox.LiveStdin()
		pieces := make(chan string)
		for range 4 {
			go func() { pieces <- readAll(t, s) }()
		}
		for range 50 {
			synctest.Wait()
			if _, err := s.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		s.Close()
		total := 0
		for range 4 {
			total += len(<-pieces)
		}
		if total != 50 {
			t.Errorf("%d bytes of 50 were read", total)
		}
	})
}

func TestStdinKeepsItsSnapshotApart(t *testing.T) {
	s := sandbox.StaticStdin([]byte("abc"))
	waiting, _ := s.Snapshot()
	waiting[0] = 'x'
	if got := readAll(t, s); got != "abc" {
		t.Errorf("got %q", got)
	}
}

// TestStdinOnDemand fetches input only when it is asked for.
func TestStdinOnDemand(t *testing.T) {
	s := sandbox.LiveStdin()
	asked := 0
	s.OnDemand(func() {
		asked++
		if asked == 2 {
			_ = s.Close()
			return
		}
		if _, err := s.Write([]byte("ab")); err != nil {
			t.Error(err)
		}
	})
	if s.Ready() || asked != 0 {
		t.Errorf("asked %d times before there was a reader", asked)
	}
	if got := readAll(t, s); got != "ab" || asked != 2 {
		t.Errorf("got %q, asked %d times", got, asked)
	}
}
