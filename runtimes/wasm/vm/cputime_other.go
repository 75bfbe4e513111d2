//go:build !linux

package vm

import "time"

// threadClock stands in for a thread's CPU clock: it counts the time in which
// the run held the CPU.
type threadClock struct {
	sum   time.Duration
	since time.Time // zero while paused
}

func startThreadClock() threadClock { return threadClock{since: time.Now()} }

func (c *threadClock) pause() {
	c.sum = c.elapsed()
	c.since = time.Time{}
}

func (c *threadClock) resume() { c.since = time.Now() }

func (c *threadClock) elapsed() time.Duration {
	if c.since.IsZero() {
		return c.sum
	}
	return c.sum + time.Since(c.since)
}

// lowerPriority does nothing: priorities are not a thread's own here.
func lowerPriority() bool { return false }
