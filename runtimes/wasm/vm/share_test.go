package vm_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"sandpiper/runtimes/wasm/vm"
	. "sandpiper/runtimes/wasm/wasmtest"
	"sandpiper/sandbox"
)

// TestShareMemory has two runs that need 3 MiB each share 5 MiB.
func TestShareMemory(t *testing.T) {
	const pages = 48
	sleeper := Module{Imports: []Import{pollOneoff}, Memory: [2]uint32{pages, pages}, Data: clockSubscription('a', time.Hour, false),
		Funcs: []Func{{Export: "_start", Code: Code(I32(0), I32(64), I32(1), I32(128), Call(0), Drop())}}}
	m := load(t, newHost(t), sleeper.Bytes(), vm.LoadOptions{})
	share := vm.NewShare(2, 5<<20)
	cfg := vm.RunConfig{Share: share, Limits: limits}
	cfg.Limits.Wall = 10 * patience
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	first := make(chan sandbox.Status, 1)
	go func() {
		res, _ := start(ctx, m, cfg)
		first <- res.Status
	}()
	eventually(t, "the first to have its memory", func() bool { memory, _ := share.Usage(); return memory >= 3<<20 })
	if res, _ := start(ctx, m, cfg); res.Status == sandbox.StatusOK || res.Status == sandbox.StatusTimeout {
		t.Errorf("a second run of 3 MiB in 5: %+v", res)
	}
	cancel()
	if status := <-first; status != sandbox.StatusCancelled {
		t.Errorf("the first run of 3 MiB in 5: %v", status)
	}
	cfg.Limits.Wall = time.Second
	if res, _ := start(t.Context(), m, cfg); res.Status != sandbox.StatusTimeout {
		t.Errorf("memory was not given back: %+v", res)
	}
	if memory, _ := share.Usage(); memory != 0 {
		t.Errorf("%d bytes are in use without a run", memory)
	}
}

// spin runs a loop in a share for a time and returns its CPU time.
func spin(t *testing.T, m *vm.Module, share *vm.Share, d time.Duration) time.Duration {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	res, _ := start(ctx, m, vm.RunConfig{Share: share})
	return res.Usage.CPU
}

// TestShareCPU has three runs on one CPU of a share use no more than that.
func TestShareCPU(t *testing.T) {
	h := newHostWith(t, vm.Config{CacheDir: t.TempDir(), CPUs: 4})
	m := load(t, h, Command("", Forever()), vm.LoadOptions{})
	var share *vm.Share
	used := make([]time.Duration, 3)
	lasts := 600 * time.Millisecond
	for ; ; lasts *= 2 { // until a busy machine has given each a turn
		share = vm.NewShare(1, 1<<30)
		var w sync.WaitGroup
		for i := range used {
			w.Go(func() { used[i] = spin(t, m, share, lasts) })
		}
		w.Wait()
		if slices.Min(used) > 0 {
			break
		}
		if lasts > 4*time.Second {
			t.Fatalf("a run had no turn: %v", used)
		}
	}
	sum := used[0] + used[1] + used[2]
	if sum > lasts*3/2 {
		t.Errorf("three runs used %v in %v on one CPU", sum, lasts)
	}
	if _, cpu := share.Usage(); (cpu - sum).Abs() > lasts/4 {
		t.Errorf("the share says %v, the runs %v", cpu, sum)
	}
}

// TestSharePause stops runs, and kills one that is paused.
func TestSharePause(t *testing.T) {
	m := load(t, newHost(t), Command("", Forever()), vm.LoadOptions{})
	share := vm.NewShare(1, 1<<30)
	ended := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	long := limits
	long.Wall, long.CPU = 10*patience, 10*patience
	go func() {
		defer close(ended)
		start(ctx, m, vm.RunConfig{Share: share, Limits: long})
	}()
	used := func() time.Duration { _, cpu := share.Usage(); return cpu }
	eventually(t, "a run to begin", func() bool { return used() > 0 })
	share.Pause()
	eventually(t, "a run to pause", func() bool {
		before := used()
		time.Sleep(100 * time.Millisecond)
		return used() == before
	})
	before := used()
	share.Resize(2, 1<<30)
	time.Sleep(200 * time.Millisecond)
	if after := used(); after != before {
		t.Errorf("a paused run used %v, then %v", before, after)
	}
	share.Resume()
	eventually(t, "a run to go on", func() bool { return used() > before })
	share.Pause()
	cancel()
	select {
	case <-ended:
	case <-time.After(patience):
		t.Error("a paused run cannot be stopped")
	}
}

// TestFlow holds a run up until its reader is ready, and ends it when the reader
// has gone.
func TestFlow(t *testing.T) {
	m := load(t, newHost(t), Command("x\n", Code(write(0, 1, 0, 2), write(0, 1, 0, 2), write(0, 1, 0, 2)), fdWrite), vm.LoadOptions{})
	calls, waited := 0, 0
	flow := func() (func(context.Context), error) {
		switch calls++; calls {
		case 1:
			return func(context.Context) { waited++ }, nil
		case 3:
			return nil, errors.New("gone")
		}
		return nil, nil
	}
	res, out := start(t.Context(), m, vm.RunConfig{Flow: flow})
	if res.ExitCode != 141 || waited != 1 || out.stdout() != "x\nx\nx\n" {
		t.Errorf("exit code %d, waited %d times, output %q", res.ExitCode, waited, out.stdout())
	}
}
