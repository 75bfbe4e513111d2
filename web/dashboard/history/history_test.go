package history_test

import (
	"fmt"
	"testing"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/manager"
	"sandpiper/web/dashboard/history"
)

func event(id string, from, to sandbox.State) manager.Event {
	return manager.Event{Kind: manager.EventState, Sandbox: sandbox.Sandbox{ID: id, State: to}, OldState: string(from), NewState: string(to)}
}

func TestBookIsBounded(t *testing.T) {
	var b history.Book
	start := time.Unix(0, 0)
	for i := range history.MaxEach + 5 {
		b.Note(event("a", sandbox.StateStopped, sandbox.StateStarted), start.Add(time.Duration(i)*time.Second))
	}
	changes := b.Of("a")
	if len(changes) != history.MaxEach || changes[0].At != start.Add((history.MaxEach+4)*time.Second) {
		t.Errorf("%d changes, the newest of %v", len(changes), changes[0].At)
	}
	for i := range history.MaxSandboxes {
		b.Note(event(fmt.Sprint(i), sandbox.StateStopped, sandbox.StateStarted), start.Add(time.Hour))
	}
	if b.Of("a") != nil || b.Of("0") == nil {
		t.Error("not the one that changed longest ago was forgotten")
	}
}

func TestBookKnowsCreationsAndNoWishes(t *testing.T) {
	var b history.Book
	made := event("a", sandbox.StateStarted, sandbox.StateStarted)
	made.Kind = manager.EventCreated
	b.Note(made, time.Unix(1, 0))
	wish := event("a", "started", "stopped")
	wish.Kind = manager.EventDesired
	b.Note(wish, time.Unix(2, 0))
	if got := b.Of("a"); len(got) != 1 || got[0].From != "" {
		t.Errorf("got %+v", got)
	}
}

func TestFollowEnds(t *testing.T) {
	var b history.Book
	events := make(chan manager.Event, 1)
	events <- event("a", sandbox.StateStarted, sandbox.StateStopped)
	close(events)
	if !b.Follow(events, nil) || len(b.Of("a")) != 1 {
		t.Error("a subscription that ended was not noticed")
	}
	done := make(chan struct{})
	close(done)
	if b.Follow(make(chan manager.Event), done) {
		t.Error("the end was taken for a lost subscription")
	}
}
