package vm

import (
	"time"

	"golang.org/x/sys/unix"
)

// threadClock measures the CPU time of the thread that it was started on. Its
// goroutine must stay locked to that thread.
type threadClock struct{ start time.Duration }

func startThreadClock() threadClock { return threadClock{threadTime()} }

func (c *threadClock) elapsed() time.Duration { return threadTime() - c.start }

// pause and resume have nothing to do: a thread that waits uses no CPU time.
func (c *threadClock) pause() {}

func (c *threadClock) resume() {}

func threadTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
