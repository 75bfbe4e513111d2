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

// lowerPriority makes the kernel prefer other threads to the calling one, which
// cannot be undone, and reports whether it did. It is a third of a normal
// thread's share: a guest that hardly ran at all would be late for its ticks,
// for which Go's garbage collector has to wait.
func lowerPriority() bool {
	const nice = 5
	return unix.Setpriority(unix.PRIO_PROCESS, 0, nice) == nil
}
