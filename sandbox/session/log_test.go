package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// collect reads a log to its end.
func collect(t *testing.T, r *Reader) (stdout, stderr string, dropped int64) {
	t.Helper()
	defer r.Close()
	var out, errs strings.Builder
	for {
		chunk, d, err := r.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return out.String(), errs.String(), dropped
		}
		if err != nil {
			t.Fatal(err)
		}
		dropped += d
		if chunk.Stream == Stdout {
			out.Write(chunk.Data)
		} else {
			errs.Write(chunk.Data)
		}
	}
}

func TestLogKeepsOrderAndOffsets(t *testing.T) {
	l := newStore(1 << 20).newLog(1 << 20)
	for i := range 10 {
		fmt.Fprintf(l.writer(Stdout), "o%d", i)
		fmt.Fprintf(l.writer(Stderr), "e%d", i)
	}
	l.store.ended(l)
	chunks, dropped := l.Pieces()
	var all bytes.Buffer
	for _, c := range chunks {
		if c.Offset != int64(all.Len()) {
			t.Errorf("offset %d, want %d", c.Offset, all.Len())
		}
		all.Write(c.Data)
	}
	if !strings.HasPrefix(all.String(), "o0e0o1e1") || dropped != 0 || all.Len() != 40 {
		t.Errorf("got %q, %d dropped", all.String(), dropped)
	}
	for from := range 41 {
		stdout, stderr, _ := collect(t, l.Reader(int64(from)))
		if len(stdout)+len(stderr) != 40-from {
			t.Errorf("from %d: %q %q", from, stdout, stderr)
		}
	}
}

// TestReadersGetEachByteOnce has many readers, which break off and resume, read
// a log that is much smaller than what is written to it.
func TestReadersGetEachByteOnce(t *testing.T) {
	l := newStore(1 << 20).newLog(4 * pieceSize)
	const size = 4 << 20
	written := make([]byte, size)
	for i := range written {
		written[i] = byte(rand.IntN(256))
	}
	var readers sync.WaitGroup
	for range 4 {
		r := l.Reader(0) // before the first byte, so that nothing is missed
		readers.Go(func() {
			var got []byte
			for {
				chunk, dropped, err := r.Next(t.Context())
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil || dropped != 0 || chunk.Offset != int64(len(got)) {
					t.Errorf("at %d: offset %d, %d dropped, %v", len(got), chunk.Offset, dropped, err)
					break
				}
				got = append(got, chunk.Data...)
				if rand.IntN(10) == 0 {
					next := l.Reader(int64(len(got))) // the new one comes before the old one goes
					r.Close()
					r = next
				}
			}
			r.Close()
			if !bytes.Equal(got, written) {
				t.Errorf("got %d bytes, or others", len(got))
			}
		})
	}
	for rest := written; len(rest) > 0; {
		n := min(len(rest), 1+rand.IntN(50000))
		_, _ = l.writer(Stdout).Write(rest[:n])
		rest = rest[n:]
	}
	l.store.ended(l)
	readers.Wait()
}

func TestLogSaysWhatItDropped(t *testing.T) {
	l := newStore(1 << 20).newLog(4 * pieceSize)
	_, _ = l.writer(Stdout).Write(make([]byte, 1<<20))
	fmt.Fprint(l.writer(Stderr), "end")
	l.store.ended(l)
	stdout, stderr, dropped := collect(t, l.Reader(0))
	if stderr != "end" || dropped == 0 || dropped+int64(len(stdout)) != 1<<20 {
		t.Errorf("%d bytes, %q, %d dropped", len(stdout), stderr, dropped)
	}
	if start, end := l.Bounds(); start != dropped || end != 1<<20+3 {
		t.Errorf("bounds %d, %d", start, end)
	}
	if l.cost > l.limit {
		t.Errorf("the log costs %d, more than %d", l.cost, l.limit)
	}
}

func TestManySmallPiecesAreCounted(t *testing.T) {
	l := newStore(1 << 20).newLog(4 * pieceSize)
	for range 100000 {
		_, _ = l.writer(Stdout).Write([]byte{1})
		_, _ = l.writer(Stderr).Write([]byte{2})
	}
	if len(l.pieces)*pieceCost > l.limit {
		t.Errorf("%d pieces", len(l.pieces))
	}
}

func TestSlowReadersAreNotWaitedForForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newStore(1 << 20).newLog(4 * pieceSize)
		r := l.Reader(0)
		began := time.Now()
		_, _ = l.writer(Stdout).Write(make([]byte, 1<<20))
		if waited := time.Since(began); waited != patience {
			t.Errorf("waited %v", waited)
		}
		l.store.ended(l)
		stdout, _, dropped := collect(t, r)
		if dropped == 0 || dropped+int64(len(stdout)) != 1<<20 {
			t.Errorf("%d bytes, %d dropped", len(stdout), dropped)
		}
	})
}

func TestReaderWaitsForItsContextOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newStore(1 << 20).newLog(1 << 20)
		r := l.Reader(0)
		defer r.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, _, err := r.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

func TestStoreDropsOldLogsFirst(t *testing.T) {
	s := newStore(1 << 20)
	fill := func(l *Log) { _, _ = l.writer(Stdout).Write(make([]byte, 400<<10)) }
	first, second, third := s.newLog(1<<20), s.newLog(1<<20), s.newLog(1<<20)
	fill(first)
	s.ended(first)
	fill(second)
	s.ended(second)
	fill(third)
	if _, dropped := first.Pieces(); dropped != 400<<10 {
		t.Errorf("%d bytes of the oldest log were dropped", dropped)
	}
	if _, dropped := second.Pieces(); dropped != 0 {
		t.Errorf("%d bytes of the second log were dropped", dropped)
	}
	s.remove(second)
	for range 5 {
		fill(third)
	}
	if s.used > s.limit || s.used < s.limit/4 {
		t.Errorf("%d bytes are used of %d", s.used, s.limit)
	}
	s.remove(first)
	s.remove(third)
	if s.used != 0 || len(s.cost) != 0 || len(s.old) != 0 {
		t.Errorf("%d bytes and %d logs are left", s.used, len(s.cost))
	}
}

// TestReaderOfADroppedLog follows a log of which nothing is left.
func TestReaderOfADroppedLog(t *testing.T) {
	s := newStore(1 << 20)
	l, other := s.newLog(1<<20), s.newLog(2<<20)
	r := l.Reader(0)
	defer r.Close()
	_, _ = l.writer(Stdout).Write(make([]byte, 1000))
	s.ended(l)
	_, _ = other.writer(Stdout).Write(make([]byte, 1<<20)) // makes the store drop the first
	chunk, dropped, err := r.Next(t.Context())
	if err != nil || dropped != 1000 || len(chunk.Data) != 0 || chunk.Offset != 1000 {
		t.Errorf("%d bytes at %d, %d dropped, %v", len(chunk.Data), chunk.Offset, dropped, err)
	}
	if _, _, err := r.Next(t.Context()); !errors.Is(err, io.EOF) {
		t.Errorf("then %v", err)
	}
}

func TestInputWaitsForItsReader(t *testing.T) {
	in := newInput()
	if err := in.put(t.Context(), make([]byte, maxInput), nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := in.put(ctx, []byte("x"), nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	in.close()
	data, err := io.ReadAll(in)
	if err != nil || len(data) != maxInput {
		t.Errorf("got %d bytes, %v", len(data), err)
	}
	if err := in.put(t.Context(), []byte("x"), nil); !errors.Is(err, ErrCompleted) {
		t.Errorf("got %v", err)
	}
}
