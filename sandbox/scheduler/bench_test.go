package scheduler_test

import (
	"context"
	"testing"

	"sandpiper/sandbox"
	"sandpiper/sandbox/sandboxtest"
	"sandpiper/sandbox/scheduler"
)

// nullStore keeps nothing, so that the benchmark shows the scheduler alone.
type nullStore struct{ sandboxtest.RunStore }

func (*nullStore) SaveRuns(context.Context, ...sandbox.RunRecord) error { return nil }

// BenchmarkSubmit is what the scheduler adds to a run: from Submit to the result
// of a program that does nothing.
func BenchmarkSubmit(b *testing.B) {
	s := scheduler.New(scheduler.Config{
		Runners: []sandbox.CodeRunner{sandboxtest.NewRunner()},
		Store:   &nullStore{},
	})
	defer s.Close()
	req := scheduler.Request{Client: "ada", Program: sandboxtest.Program("print hello")}
	b.ReportAllocs()
	for b.Loop() {
		r, err := s.Submit(b.Context(), req)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := r.Wait(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
