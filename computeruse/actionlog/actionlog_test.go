package actionlog

import (
	"context"
	"testing"
	"testing/synctest"

	"sandpiper/computeruse/wire"
)

func TestOnlyTheNewestAreKept(t *testing.T) {
	var l Log
	if got := l.Since(0); len(got.Actions) != 0 || got.Next != 0 || got.Dropped != 0 {
		t.Errorf("an empty log has %+v", got)
	}
	for range Size + 5 {
		l.Add(wire.Action{Kind: "x"})
	}
	for since, want := range map[int64]struct{ count, first, dropped int64 }{
		0: {Size, 6, 5}, 3: {Size, 6, 2}, 5: {Size, 6, 0}, Size: {5, Size + 1, 0}, Size + 4: {1, Size + 5, 0},
		Size + 99: {Size, 6, 5}, // of an earlier toolbox
	} {
		got := l.Since(since)
		if int64(len(got.Actions)) != want.count || got.Actions[0].Number != want.first || got.Dropped != want.dropped || got.Next != Size+5 {
			t.Errorf("since %d: %d from %d, %d dropped, next %d", since, len(got.Actions), got.Actions[0].Number, got.Dropped, got.Next)
		}
	}
	if got := l.Since(Size + 5); len(got.Actions) != 0 {
		t.Errorf("there is nothing new, but %+v", got.Actions)
	}
}

func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l Log
		done := make(chan error, 2)
		for range 2 {
			go func() { done <- l.Wait(t.Context(), 0) }()
		}
		synctest.Wait()
		l.Add(wire.Action{})
		if a, b := <-done, <-done; a != nil || b != nil {
			t.Error(a, b)
		}
		if err := l.Wait(t.Context(), 0); err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		go cancel()
		if err := l.Wait(ctx, 1); err == nil {
			t.Error("it did not wait")
		}
	})
}
