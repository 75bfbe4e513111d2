package docker_test

import (
	"context"
	"testing"
	"time"

	"sandpiper/runtimes/docker"
	"sandpiper/sandbox"
	"sandpiper/sandbox/sandboxtest"
)

// newSpec returns a new small sandbox of an image.
func newSpec(ref string) sandbox.Spec {
	id := sandboxtest.NewUUID()
	return sandbox.Spec{
		ID: id, Name: "test-" + id[:8], Ref: ref, Token: "token-" + id,
		Resources: sandbox.Resources{CPU: 1, MemoryGiB: 1, DiskGiB: 1},
	}
}

// patience is how long anything that is waited for may take on the busiest
// machine: only what is broken takes as long.
const patience = 2 * time.Minute

// eventually waits until what is found is right, and shows it when it is not.
func eventually(t testing.TB, what string, look func() (found any, ok bool)) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		found, ok := look()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s; found %+v", what, found)
		}
	}
}

// execute runs a command in a sandbox.
func execute(t testing.TB, e *docker.Engine, spec sandbox.Spec, command string) (result string, exit int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience) // the sandbox's own limit ends it before
	defer cancel()
	result, exit, err := sandboxtest.Execute(ctx, e, spec, command)
	if err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	return result, exit
}
