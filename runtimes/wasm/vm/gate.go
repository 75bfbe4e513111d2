package vm

import (
	"context"
	"sync"
	"time"
)

// sliceLength is how long a run keeps the CPU while others wait for it.
const sliceLength = 10 * time.Millisecond

// maxHandicap is how much longer than a new run one waits that had much of the
// CPU already. It is reached after handicapFactor times as much CPU time.
const (
	maxHandicap    = 250 * time.Millisecond
	handicapFactor = 4
)

// gate hands out the CPUs: as many seats hold one as there are tokens. A free
// token goes to the waiting run with the least rank, which is the time at which
// it began to wait plus a handicap that grows with the CPU time it has used: runs
// that had little come first, and nobody waits for ever.
type gate struct {
	mu      sync.Mutex
	tokens  int
	free    int     // below 0 while more hold a token than there are now
	waiting []*seat // few: the scheduler bounds the runs
	epoch   time.Time
}

// seat is a run's place at the gate. Only the gate and the run's own goroutine
// touch it.
type seat struct {
	used    time.Duration // CPU time so far
	rank    time.Duration // while waiting
	holding bool
	granted chan struct{} // receives when the gate gives the token
}

func newGate(tokens int) *gate { return &gate{tokens: tokens, free: tokens, epoch: time.Now()} }

// enter waits for a token, or for the end of ctx: then the seat holds none.
func (g *gate) enter(ctx context.Context, s *seat) {
	g.mu.Lock()
	if g.free > 0 {
		g.free--
		s.holding = true
		g.mu.Unlock()
		return
	}
	g.enqueue(s)
	g.mu.Unlock()
	g.await(ctx, s)
}

// leave gives the token back, if s holds it.
func (g *gate) leave(s *seat) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.release(s)
}

// yield hands the token on when a run waits that ranks before s, and waits for
// another turn.
func (g *gate) yield(ctx context.Context, s *seat) {
	g.mu.Lock()
	next := g.next()
	if !s.holding || next < 0 || g.waiting[next].rank > g.rank(s) {
		g.mu.Unlock()
		return
	}
	g.release(s)
	g.enqueue(s)
	g.mu.Unlock()
	g.await(ctx, s)
}

// wanted reports whether s should give its token back: because another ranks
// before it, or because there are fewer tokens now.
func (g *gate) wanted(s *seat) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	next := g.next()
	return g.free < 0 || next >= 0 && g.waiting[next].rank <= g.rank(s)
}

// resize changes how many tokens there are. Those that hold one too many give it
// back when they next ask whether it is wanted.
func (g *gate) resize(tokens int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.free += tokens - g.tokens
	g.tokens = tokens
	g.serve()
}

// await waits until the queued seat has a token. When ctx ends first, the seat
// leaves the queue.
func (g *gate) await(ctx context.Context, s *seat) {
	select {
	case <-s.granted:
	case <-ctx.Done():
		g.withdraw(s)
	}
}

// withdraw takes s out of the queue, or back the token that it was just given.
func (g *gate) withdraw(s *seat) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, w := range g.waiting {
		if w == s {
			g.remove(i)
			return
		}
	}
	<-s.granted
	g.release(s)
}

// release passes the token of s to the next seat. Preconditions: g.mu must be held.
func (g *gate) release(s *seat) {
	if !s.holding {
		return
	}
	s.holding = false
	g.free++
	g.serve()
}

// serve gives free tokens to those who wait. Preconditions: g.mu must be held.
func (g *gate) serve() {
	for i := g.next(); g.free > 0 && i >= 0; i = g.next() {
		g.grant(i)
	}
}

// grant gives a free token to a waiting seat. Preconditions: g.mu must be held.
func (g *gate) grant(i int) {
	g.free--
	w := g.waiting[i]
	g.remove(i)
	w.holding = true
	w.granted <- struct{}{} // never blocks: room for one, and one at most
}

// enqueue makes s wait. Preconditions: g.mu must be held.
func (g *gate) enqueue(s *seat) {
	s.rank = g.rank(s)
	g.waiting = append(g.waiting, s)
}

// rank is the rank of s if it began to wait now.
func (g *gate) rank(s *seat) time.Duration {
	return time.Since(g.epoch) + min(s.used/handicapFactor, maxHandicap)
}

// next returns the index of the seat that is served first, or -1.
// Preconditions: g.mu must be held.
func (g *gate) next() int {
	best := -1
	for i, w := range g.waiting {
		if best < 0 || w.rank < g.waiting[best].rank {
			best = i
		}
	}
	return best
}

// remove drops a waiting seat. Preconditions: g.mu must be held.
func (g *gate) remove(i int) {
	last := len(g.waiting) - 1
	copy(g.waiting[i:], g.waiting[i+1:])
	g.waiting[last] = nil
	g.waiting = g.waiting[:last]
}
