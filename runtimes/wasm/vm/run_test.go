package vm_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"sandpiper/runtimes/wasm/vm"
	. "sandpiper/runtimes/wasm/wasmtest"
	"sandpiper/sandbox"
)

func TestCancellation(t *testing.T) {
	h := newHost(t)
	m := load(t, h, Command("", Forever()), vm.LoadOptions{})
	blocked := load(t, h, echo(), vm.LoadOptions{})
	for _, tt := range []struct {
		cause  error
		signal string
		code   int
	}{
		{sandbox.ErrInterrupted, "SIGINT", 130},
		{sandbox.ErrKilled, "SIGKILL", 137},
		{sandbox.ErrClientGone, "SIGHUP", 129},
		{sandbox.ErrShutdown, "SIGTERM", 143},
	} {
		for _, m := range []*vm.Module{m, blocked} {
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(20*time.Millisecond, func() { cancel(tt.cause) })
			res, _ := start(ctx, m, vm.RunConfig{Stdin: sandbox.LiveStdin()}) // a limit ends it otherwise
			if res.Status != sandbox.StatusCancelled || res.Signal != tt.signal || res.ExitCode != tt.code {
				t.Errorf("%v: outcome %+v", tt.cause, res.Outcome)
			}
		}
	}
}

func TestCPULimit(t *testing.T) {
	m := load(t, newHost(t), Command("", Forever()), vm.LoadOptions{})
	cfg := vm.RunConfig{Limits: limits}
	cfg.Limits.CPU = 100 * time.Millisecond
	res, out := start(t.Context(), m, cfg)
	if res.Status != sandbox.StatusTimeout || !strings.Contains(out.stderr(), "stopped after 100 ms of CPU time") {
		t.Errorf("outcome %+v, stderr %q", res.Outcome, out.stderr())
	}
	if res.Usage.CPU < 100*time.Millisecond || res.Usage.CPU > 250*time.Millisecond {
		t.Errorf("used %v of the CPU", res.Usage.CPU)
	}
}

func TestOutputLimit(t *testing.T) {
	h := newHost(t)
	cfg := vm.RunConfig{Limits: limits}
	cfg.Limits.OutputBytes = 10
	for _, tt := range []struct {
		name      string
		wasm      []byte
		stdout    string
		truncated bool
	}{
		{"fits exactly", Command("0123456789", write(0, 1, 0, 10), fdWrite), "0123456789", false},
		{"one too many", Command("0123456789a", write(0, 1, 0, 11), fdWrite), "0123456789", true},
		{"both streams count", Command("0123456789", Code(write(0, 2, 0, 6), write(0, 1, 0, 6)), fdWrite), "0123", true},
	} {
		res, out := start(t.Context(), load(t, h, tt.wasm, vm.LoadOptions{}), cfg)
		if out.stdout() != tt.stdout || res.Truncated.Stdout != tt.truncated || res.Truncated.Stderr {
			t.Errorf("%s: stdout %q, truncated %+v", tt.name, out.stdout(), res.Truncated)
		}
		if over := res.Status == sandbox.StatusOutputLimit; over != tt.truncated {
			t.Errorf("%s: outcome %+v", tt.name, res.Outcome)
		}
	}
}

func TestHostFunctions(t *testing.T) {
	var log bytes.Buffer
	h := newHostWith(t, vm.Config{CacheDir: t.TempDir(), Log: slog.New(slog.NewTextHandler(&log, nil))})
	run := func(t *testing.T, host func(ctx context.Context, r *vm.Run)) (vm.Result, *capture) {
		m := load(t, h, Command(t.Name(), Call(0), From("driver", "call", "")), vm.LoadOptions{
			Imports: map[string]func(wazero.HostModuleBuilder){"driver": func(b wazero.HostModuleBuilder) {
				f := func(ctx context.Context, _ api.Module, _ []uint64) { host(ctx, vm.Current(ctx)) }
				b.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(f), nil, nil).Export("call")
			}},
		})
		cfg := vm.RunConfig{Limits: limits}
		cfg.Limits.Wall = 300 * time.Millisecond
		return start(t.Context(), m, cfg)
	}
	t.Run("exit", func(t *testing.T) {
		res, _ := run(t, func(_ context.Context, r *vm.Run) { r.Exit(7) })
		if res.Status != sandbox.StatusError || res.ExitCode != 7 {
			t.Errorf("outcome %+v", res.Outcome)
		}
	})
	t.Run("panic", func(t *testing.T) {
		res, out := run(t, func(context.Context, *vm.Run) { panic("broken host function") })
		if res.Status != sandbox.StatusInternal || strings.Contains(res.Message+out.stderr(), "broken") {
			t.Errorf("outcome %+v, stderr %q", res.Outcome, out.stderr())
		}
		if !strings.Contains(log.String(), "broken host function") {
			t.Errorf("log %q", log.String())
		}
	})
	t.Run("block", func(t *testing.T) {
		returned := false
		res, _ := run(t, func(ctx context.Context, r *vm.Run) {
			r.Block(ctx, func(ctx context.Context) { <-ctx.Done() })
			returned = true
		})
		if res.Status != sandbox.StatusTimeout || returned {
			t.Errorf("outcome %+v, the host function went on: %t", res.Outcome, returned)
		}
	})
	t.Run("work", func(t *testing.T) {
		res, _ := run(t, func(ctx context.Context, r *vm.Run) {
			for {
				r.Check(ctx)
			}
		})
		if res.Status != sandbox.StatusTimeout {
			t.Errorf("outcome %+v", res.Outcome)
		}
	})
	t.Run("sleep", func(t *testing.T) {
		res, _ := run(t, func(ctx context.Context, r *vm.Run) { r.Sleep(ctx, 20*time.Millisecond) })
		if res.Status != sandbox.StatusOK || res.Usage.Wall < 20*time.Millisecond {
			t.Errorf("outcome %+v", res.Outcome)
		}
	})
}

func TestBodyOutsideTheGuest(t *testing.T) {
	m := load(t, newHost(t), Command("", nil), vm.LoadOptions{})
	run := func(body vm.Body) vm.Result { return m.Run(t.Context(), vm.RunConfig{Limits: limits}, body) }
	if res := run(func(ctx context.Context, _ api.Module) error { vm.Current(ctx).Exit(4); return nil }); res.ExitCode != 4 {
		t.Errorf("exit: %+v", res.Outcome)
	}
	if res := run(func(context.Context, api.Module) error { panic("oops") }); res.Status != sandbox.StatusInternal {
		t.Errorf("panic: %+v", res.Outcome)
	}
	if res := run(func(context.Context, api.Module) error { return errors.New("broken") }); res.Status != sandbox.StatusInternal {
		t.Errorf("error: %+v", res.Outcome)
	}
}
