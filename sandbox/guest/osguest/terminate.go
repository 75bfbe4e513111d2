//go:build linux

package osguest

import (
	"context"
	"os"
	"slices"
	"syscall"
	"time"
)

// Terminate asks all processes of the guest to end and waits until they have, or
// until ctx ends. In a container, whose first process this is, those are all
// processes there; elsewhere they are its descendants.
func (g *Guest) Terminate(ctx context.Context) {
	for _, s := range g.others() {
		_ = syscall.Kill(s.pid, syscall.SIGTERM) // it may have ended by itself
		if s.terminal != 0 {
			_ = syscall.Kill(s.pid, syscall.SIGHUP) // interactive shells heed nothing else
		}
	}
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for len(g.others()) > 0 {
		select {
		case <-ctx.Done():
			return
		case <-again.C:
		}
	}
}

// others returns the guest's processes that have not ended, without this one.
func (g *Guest) others() []stat {
	all := processes(g.proc)
	if os.Getpid() != 1 {
		all = kin(all, os.Getpid())
	}
	return slices.DeleteFunc(all, func(s stat) bool { return s.pid == os.Getpid() || s.state == 'Z' })
}
