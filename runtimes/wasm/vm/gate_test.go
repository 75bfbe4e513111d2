package vm

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// work has s use the CPU for d, asking at each tick whether others want it.
func work(ctx context.Context, g *gate, s *seat, d time.Duration) {
	const tick = time.Millisecond
	slice := time.Now().Add(sliceLength)
	for end := s.used + d; s.used < end && ctx.Err() == nil; {
		time.Sleep(tick)
		s.used += tick
		if !time.Now().Before(slice) {
			g.yield(ctx, s)
			slice = time.Now().Add(sliceLength)
		}
	}
}

func newSeat() *seat { return &seat{granted: make(chan struct{}, 1)} }

func TestGateServesShortRunsWithinASlice(t *testing.T) {
	for _, tokens := range []int{1, 2, 4} {
		synctest.Test(t, func(t *testing.T) {
			g := newGate(tokens)
			ctx, stop := context.WithCancel(t.Context())
			var stuck sync.WaitGroup
			for range 3 * tokens {
				stuck.Go(func() {
					s := newSeat()
					g.enter(ctx, s)
					work(ctx, g, s, time.Hour)
					g.leave(s)
				})
			}
			time.Sleep(5 * time.Second)
			for range 20 {
				began := time.Now()
				s := newSeat()
				g.enter(ctx, s)
				work(ctx, g, s, 60*time.Millisecond)
				g.leave(s)
				if delay := time.Since(began) - 60*time.Millisecond; delay > 2*sliceLength {
					t.Errorf("%d tokens: a run of 60 ms was delayed by %v", tokens, delay)
				}
			}
			stop()
			stuck.Wait()
			if g.free != tokens || len(g.waiting) != 0 {
				t.Errorf("%d of %d tokens free, %d waiting after all left", g.free, tokens, len(g.waiting))
			}
		})
	}
}

func TestGateSharesFairly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(2)
		ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
		defer stop()
		var runs sync.WaitGroup
		seats := make([]*seat, 5)
		for i := range seats {
			seats[i] = newSeat()
			runs.Go(func() {
				g.enter(ctx, seats[i])
				work(ctx, g, seats[i], time.Hour)
				g.leave(seats[i])
			})
		}
		runs.Wait()
		for i, s := range seats {
			if s.used < 3500*time.Millisecond || s.used > 4500*time.Millisecond {
				t.Errorf("run %d had %v of the CPU, want about 4s", i, s.used)
			}
		}
	})
}

// TestGateStarvesNobody has short runs come all the time.
func TestGateStarvesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(1)
		ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
		defer stop()
		var runs sync.WaitGroup
		long := newSeat()
		runs.Go(func() {
			g.enter(ctx, long)
			work(ctx, g, long, time.Hour)
			g.leave(long)
		})
		for range 3 {
			runs.Go(func() {
				for ctx.Err() == nil {
					s := newSeat()
					g.enter(ctx, s)
					work(ctx, g, s, 50*time.Millisecond)
					g.leave(s)
				}
			})
		}
		runs.Wait()
		if long.used < 700*time.Millisecond {
			t.Errorf("the long run had only %v of the CPU in 20s", long.used)
		}
	})
}

// TestGateAbandonedWaits cancels runs while they wait, in every order relative
// to the token's arrival.
func TestGateAbandonedWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(1)
		var runs sync.WaitGroup
		for i := range 200 {
			ctx, stop := context.WithTimeout(t.Context(), time.Duration(i%17)*time.Millisecond)
			runs.Go(func() {
				defer stop()
				s := newSeat()
				g.enter(ctx, s)
				if s.holding {
					time.Sleep(time.Duration(i%5) * time.Millisecond)
				}
				g.yield(ctx, s)
				g.leave(s)
				if s.holding {
					t.Error("a seat holds a token after leave")
				}
			})
		}
		runs.Wait()
		if g.free != 1 || len(g.waiting) != 0 {
			t.Errorf("%d of 1 tokens free, %d waiting after all left", g.free, len(g.waiting))
		}
	})
}
