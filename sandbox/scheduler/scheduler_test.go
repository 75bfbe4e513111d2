package scheduler_test

import (
	"context"
	"io"
	"testing"
	"testing/synctest"

	"sandpiper/sandbox"
	"sandpiper/sandbox/sandboxtest"
	"sandpiper/sandbox/scheduler"
)

// follow reads every event of r.
func follow(t *testing.T, r *scheduler.Run) []sandbox.Event {
	t.Helper()
	var all []sandbox.Event
	for next := 0; ; {
		events, n, err := r.Events(t.Context(), next)
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatalf("events after %d: %v", next, err)
		}
		all, next = append(all, events...), n
	}
}

func submit(t *testing.T, s *scheduler.Scheduler, client string, p sandbox.Program) *scheduler.Run {
	t.Helper()
	r, err := s.Submit(t.Context(), scheduler.Request{Client: client, Program: p})
	if err != nil {
		t.Fatalf("submit: %v", err)
	}
	return r
}

func wait(t *testing.T, r *scheduler.Run) sandbox.Result {
	t.Helper()
	res, err := r.Wait(context.Background())
	if err != nil {
		t.Fatalf("wait: %v", err)
	}
	return res
}

func TestRunTellsItsStory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := scheduler.New(scheduler.Config{Runners: []sandbox.CodeRunner{sandboxtest.NewRunner()}, Store: &sandboxtest.RunStore{}})
		defer s.Close()
		r := submit(t, s, "ada", sandboxtest.Program("print hello", "eprint oh", "display text/html <b>", "exit 3"))
		var got []sandbox.EventType
		for _, e := range follow(t, r) {
			got = append(got, e.Type)
		}
		t.Log(got)
		res := wait(t, r)
		if res.Stdout != "hello\n" || res.Stderr != "oh\n" || res.ExitCode != 3 || len(res.Outputs) != 1 {
			t.Errorf("result %+v", res)
		}
	})
}
