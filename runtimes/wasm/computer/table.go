package computer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"sandpiper/runtimes/wasm/shell/wire"
	"sandpiper/sandbox"
	"sandpiper/sandbox/guest"
)

// signalled is the cause of a process that a signal ended.
type signalled int

func (s signalled) Error() string { return fmt.Sprintf("signal %d", int(s)) }

// statusOf is how a process ended whose context was cancelled with cause, or that
// ended by itself with code.
func statusOf(ctx context.Context, code int) guest.ExitStatus {
	if ctx.Err() == nil {
		return guest.ExitStatus{Code: code}
	}
	n := 9
	if s, ok := errors.AsType[signalled](context.Cause(ctx)); ok {
		n = int(s)
	}
	return guest.ExitStatus{Code: 128 + n, Signal: guest.Signal(n)}
}

// entry is a process in the table.
type entry struct {
	pid, parent, group int
	command            string
	started            time.Time
	signal             func(n int) // delivers a signal
	cpu                func() time.Duration
	memory             func() int64 // bytes; nil for one that shares the sandbox's
	hangUp             func()       // tells it that its terminal is gone; nil without one
	idle               func() bool  // whether it only waits for commands; nil for one that never does
}

// table has a sandbox's processes. PID 1 is the sandbox itself.
type table struct {
	most int

	mu      sync.Mutex
	last    int
	entries map[int]*entry
	began   time.Time
}

func newTable(most int) *table {
	return &table{most: most, last: 1, entries: map[int]*entry{}, began: time.Now()}
}

// add gives e a PID, and a group of its own if it has none.
func (t *table) add(e *entry) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.entries) >= t.most {
		return &sandbox.Error{Kind: sandbox.KindBusy, Message: fmt.Sprintf("the sandbox may run %d processes at a time", t.most), RetryAfter: time.Second}
	}
	for {
		t.last++
		if t.last > 4<<20 {
			t.last = 2
		}
		if t.entries[t.last] == nil {
			break
		}
	}
	e.pid, e.started = t.last, time.Now()
	if e.group == 0 {
		e.group = e.pid
	}
	t.entries[e.pid] = e
	return nil
}

func (t *table) remove(e *entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.entries, e.pid)
}

// find returns the process pid, or for a negative number those of the group.
func (t *table) find(pid int) []*entry {
	t.mu.Lock()
	defer t.mu.Unlock()
	var found []*entry
	for _, e := range t.entries {
		if e.pid == pid || e.group == -pid {
			found = append(found, e)
		}
	}
	return found
}

// kill delivers a signal to a process, or to a group.
func (t *table) kill(pid, signal int) error {
	if pid == 1 || pid == -1 || pid == 0 {
		return os.ErrPermission
	}
	found := t.find(pid)
	if len(found) == 0 {
		return errNotRunning
	}
	if signal == 0 {
		return nil
	}
	for _, e := range found {
		e.signal(signal)
	}
	return nil
}

// terminate asks every process to end. A shell at a terminal heeds nothing but
// that its terminal goes.
func (t *table) terminate() {
	for _, e := range t.all() {
		e.signal(int(guest.SIGTERM))
		if e.hangUp != nil {
			e.hangUp()
		}
	}
}

// busy reports whether a process is there that does something. The shell of a
// session between two commands does nothing.
func (t *table) busy() bool {
	return slices.ContainsFunc(t.all(), func(e *entry) bool { return e.idle == nil || !e.idle() })
}

func (t *table) all() []*entry {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Collect(maps.Values(t.entries))
}

func (t *table) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.entries)
}

// list describes all processes, by PID.
func (t *table) list() []wire.Process {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := []wire.Process{{PID: 1, Group: 1, Started: t.began, State: "S", Command: "sandbox"}}
	for _, pid := range slices.Sorted(maps.Keys(t.entries)) {
		e := t.entries[pid]
		p := wire.Process{PID: pid, Parent: e.parent, Group: e.group, Started: e.started, State: "S", Command: e.command}
		if e.cpu != nil {
			p.CPU = e.cpu()
		}
		all = append(all, p)
	}
	return all
}
