package manager_test

import (
	"errors"
	"testing"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/manager"
)

// TestWorkOfWorkspaces has sandboxes that nobody calls, and that do something or
// nothing by themselves.
func TestWorkOfWorkspaces(t *testing.T) {
	for _, tt := range []struct {
		name    string
		request manager.CreateRequest
		each    sandbox.Work // that it does in half a minute
		lives   bool
	}{
		{"a workspace that computes", manager.CreateRequest{Deprecated: true}, sandbox.Work{CPU: 3 * time.Second}, true},
		{"a workspace that sends", manager.CreateRequest{Deprecated: true}, sandbox.Work{SentBytes: 100_000}, true},
		{"a workspace that is stuck", manager.CreateRequest{Deprecated: true}, sandbox.Work{CPU: 20 * time.Millisecond, SentBytes: 500}, false},
		{"a sandbox", manager.CreateRequest{}, sandbox.Work{CPU: 3 * time.Second, SentBytes: 100_000}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, func(t *testing.T, b *bench) {
				s := b.create(tt.request)
				for range 40 {
					time.Sleep(30 * time.Second)
					b.work(s, tt.each)
				}
				if !tt.lives {
					b.now(s, sandbox.StateStopped)
					return
				}
				now := b.now(s, sandbox.StateStarted)
				if _, source := now.Activity.Last(); source != sandbox.ActivityWork {
					t.Errorf("what keeps it alive is %q", source)
				}
				b.docker.FailNext("work", errors.New("the engine has the hiccups"))
				time.Sleep(16 * time.Minute) // its work has ended
				b.now(s, sandbox.StateStopped)
			})
		})
	}
}

// work has a started sandbox do something by itself.
func (b *bench) work(s sandbox.Sandbox, w sandbox.Work) {
	b.t.Helper()
	h, ok := b.docker.Held(s.ID)
	if !ok {
		b.t.Fatal("the engine does not have it")
	}
	if h.State != sandbox.StateStarted {
		return
	}
	h.Work.CPU += w.CPU
	h.Work.SentBytes += w.SentBytes
	b.docker.Set(s.ID, &h)
}

// TestClientsTakeTurns lets one key ask for many sandboxes: another key's is the
// next but one to be made.
func TestClientsTakeTurns(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		b.docker.SetDelay("create", 9*time.Minute) // longer than all the answers take
		create := func(client string) sandbox.Sandbox {
			s, err := b.Create(sandbox.WithClient(t.Context(), client), manager.CreateRequest{Organization: org})
			must(t, err)
			return s
		}
		var last sandbox.Sandbox
		for range 12 {
			last = create("key:flood")
		}
		other := create("key:other")
		if flooded, position := b.QueuePosition(last.ID), b.QueuePosition(other.ID); flooded != 9 || position != 2 {
			t.Errorf("the last of many has the position %d, another client's first %d", flooded, position)
		}
		time.Sleep(20 * time.Minute)
		b.now(other, sandbox.StateStarted)
	})
}
