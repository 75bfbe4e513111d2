package computer

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// counter makes numbers, which are things as good as any.
type counter struct {
	mu      sync.Mutex
	last    int
	err     error
	dropped []int
}

func (c *counter) make() (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return 0, c.err
	}
	c.last++
	return c.last, nil
}

func (c *counter) drop(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dropped = append(c.dropped, n)
}

// testStock runs f with a stock of two that is kept, and returns when nothing is.
func testStock(t *testing.T, f func(c *counter, s *stock[int])) *counter {
	t.Helper()
	c := &counter{}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := newStock("number", 2, slog.New(slog.DiscardHandler), c.make, c.drop)
		var kept sync.WaitGroup
		kept.Go(func() { s.keep(ctx) })
		synctest.Wait()
		f(c, s)
		cancel()
		kept.Wait()
		if _, ok := s.take(); ok {
			t.Error("it has things after its end")
		}
	})
	return c
}

// count returns how many things are ready.
func count(s *stock[int]) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.ready)
}

// settle lets a stock make what is missing.
func settle() {
	time.Sleep(2 * refillDelay)
	synctest.Wait()
}

func TestStockGivesTheOldest(t *testing.T) {
	c := testStock(t, func(c *counter, s *stock[int]) {
		for want := range 5 {
			if got, ok := s.take(); !ok || got != want+1 {
				t.Errorf("took %d, %v, want %d", got, ok, want+1)
			}
			settle()
		}
	})
	if !slices.Equal(c.dropped, []int{6, 7}) {
		t.Errorf("dropped %v in the end, want what was there", c.dropped)
	}
}

func TestStockAdaptsToDemand(t *testing.T) {
	testStock(t, func(c *counter, s *stock[int]) {
		for range 100 {
			s.take()
		}
		settle()
		if n := count(s); n != 2*growth {
			t.Errorf("%d ready after a rush, want %d", n, 2*growth)
		}
		time.Sleep(time.Minute + calm)
		synctest.Wait()
		if n := count(s); n != 2 {
			t.Errorf("%d ready when it is calm again, want 2", n)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if len(c.dropped) != 2*growth-2 {
			t.Errorf("dropped %v, want all but two", c.dropped)
		}
	})
}

func TestStockOutlivesFailure(t *testing.T) {
	testStock(t, func(c *counter, s *stock[int]) {
		c.mu.Lock()
		c.err = errors.New("no more")
		c.mu.Unlock()
		for range 3 {
			s.take()
			settle()
		}
		if n := count(s); n != 0 {
			t.Errorf("%d ready, want none", n)
		}
		c.mu.Lock()
		c.err = nil
		c.mu.Unlock()
		s.take()
		settle()
		if n := count(s); n < 2 {
			t.Errorf("%d ready after the failure, want two", n)
		}
	})
}
