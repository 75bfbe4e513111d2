//go:build linux

package coreutils_test

import (
	"context"
	"io"
	"testing"

	"sandpiper/runtimes/wasm/coreutils"
	"sandpiper/sandbox/guest/osguest"
)

// afterwards cancels at the first write, and counts.
type afterwards struct {
	cancel context.CancelFunc
	writes int
}

func (a *afterwards) Write(b []byte) (int, error) {
	a.cancel()
	a.writes++
	return len(b), nil
}

// endless has one more line, always.
type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = '\n'
	}
	return len(b), nil
}

func TestCommandsThatCopyAreCutOff(t *testing.T) {
	dir := t.TempDir()
	g, err := osguest.New(osguest.Config{Home: dir, WorkDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"cat"}, {"tee"}, {"cat", "-n"}, {"head", "-c", "1000000000000"}} {
		ctx, cancel := context.WithCancel(t.Context())
		out := &afterwards{cancel: cancel}
		code := coreutils.Run(&coreutils.Call{
			Context: ctx, Args: args, Dir: dir, FS: g.FS(), Host: host{}, Stdin: endless{}, Stdout: out, Stderr: io.Discard,
		})
		cancel()
		if code == 0 || out.writes > 2 {
			t.Errorf("%v: exit code %d after %d writes", args, code, out.writes)
		}
	}
}
