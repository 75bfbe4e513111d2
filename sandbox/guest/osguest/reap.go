//go:build linux

package osguest

import (
	"context"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// orphanAge is how long an ended child that nobody knows is left alone. Whoever
// started it waits for it at once, so after that it is an orphan which the
// kernel gave to this process.
const orphanAge = time.Second

// registry knows the processes that a guest started itself.
type registry struct {
	mu   sync.Mutex
	pids map[int]struct{}
}

// start starts cmd and notes its number.
func (r *registry) start(cmd *exec.Cmd) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pids == nil {
		r.pids = map[int]struct{}{}
	}
	r.pids[cmd.Process.Pid] = struct{}{}
	return nil
}

func (r *registry) ended(pid int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.pids, pid)
}

func (r *registry) knows(pid int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.pids[pid]
	return ok
}

// ReapOrphans buries the processes that the kernel gave to this one after their
// parents' end, as the first process of a container must, until ctx ends. It
// leaves alone what this process started, whoever in it waits for that.
func (g *Guest) ReapOrphans(ctx context.Context) {
	children := make(chan os.Signal, 1)
	signal.Notify(children, syscall.SIGCHLD)
	defer signal.Stop(children)
	seen := map[int]time.Time{}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-children:
		case <-timer.C:
		}
		if seen = g.reapOnce(seen, time.Now()); len(seen) > 0 {
			timer.Reset(orphanAge)
		}
	}
}

// reapOnce buries the ended children that were seen long enough ago, and
// returns the others with the time since when they are known.
func (g *Guest) reapOnce(seen map[int]time.Time, now time.Time) map[int]time.Time {
	left := map[int]time.Time{}
	for _, pid := range endedChildren() {
		if g.own.knows(pid) {
			continue
		}
		since, ok := seen[pid]
		if !ok {
			since = now
		}
		if now.Sub(since) < orphanAge {
			left[pid] = since
			continue
		}
		for {
			if _, err := unix.Wait4(pid, nil, unix.WNOHANG, nil); err != unix.EINTR {
				break
			}
		}
	}
	return left
}

// endedChildren lists the children of this process that wait to be buried.
func endedChildren() []int {
	var ended []int
	for _, pid := range children() {
		if st, err := readStat("/proc", pid); err == nil && st.state == 'Z' {
			ended = append(ended, pid)
		}
	}
	return ended
}

// children lists the children of this process. Not every kernel keeps a list.
func children() (pids []int) {
	lists, _ := filepath.Glob("/proc/self/task/*/children") // the pattern is valid
	for _, list := range lists {
		data, err := os.ReadFile(list)
		if err != nil {
			continue // that thread has ended
		}
		for _, field := range strings.Fields(string(data)) {
			if pid, err := strconv.Atoi(field); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	if len(lists) > 0 {
		return pids
	}
	for _, s := range processes("/proc") {
		if s.parent == os.Getpid() {
			pids = append(pids, s.pid)
		}
	}
	return pids
}
