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

// execute runs a command in a sandbox.
func execute(t testing.TB, e *docker.Engine, spec sandbox.Spec, command string) (result string, exit int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	result, exit, err := sandboxtest.Execute(ctx, e, spec, command)
	if err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	return result, exit
}
