package manager_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/manager"
	"sandpiper/sandbox/sandboxtest"
	"sandpiper/sandbox/scheduler"
)

const org = "org"

// A bench is a manager over two engines that hold nothing.
type bench struct {
	*manager.Manager
	t      *testing.T
	docker *sandboxtest.Engine
	wasm   *sandboxtest.Engine
	store  *sandboxtest.Store
	cfg    manager.Config
}

// inTime runs a test whose clock jumps ahead when everybody waits.
func inTime(t *testing.T, run func(t *testing.T, b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { run(t, newBench(t, nil)) })
}

// inSlowTime is inTime for days and weeks: the manager looks once a minute.
func inSlowTime(t *testing.T, run func(t *testing.T, b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		run(t, newBench(t, func(b *bench) { b.cfg.Tick, b.cfg.Reconcile = time.Minute, time.Hour }))
	})
}

func newBench(t *testing.T, change func(*bench)) *bench {
	t.Helper()
	b := &bench{
		t: t, docker: sandboxtest.NewEngine(sandbox.EngineContainer), wasm: sandboxtest.NewEngine(sandbox.EngineWasm), store: &sandboxtest.Store{},
		cfg: manager.Config{
			Secret:       []byte(strings.Repeat("s", 32)),
			Organization: sandbox.Organization{ID: org, Personal: true, MaxEach: sandbox.Resources{CPU: 4, MemoryGiB: 8, DiskGiB: 20}},
			Region:       sandbox.Region{ID: "local", Name: "local", Aliases: []string{"us", "eu"}},
			Log:          slog.New(slog.DiscardHandler),
		},
	}
	if change != nil {
		change(b)
	}
	b.open()
	return b
}

// open starts a manager over the engines and the store as they are.
func (b *bench) open() {
	b.t.Helper()
	b.cfg.Store, b.cfg.Engines = b.store, []sandbox.Engine{b.docker, b.wasm}
	b.cfg.Placer = scheduler.NewPlacer(scheduler.PlacerConfig{Engines: b.cfg.Engines, Region: b.cfg.Region, Parallel: 4, Log: b.cfg.Log})
	b.boot()
}

// boot starts a manager as b.cfg says.
func (b *bench) boot() {
	b.t.Helper()
	m, err := manager.New(b.t.Context(), b.cfg)
	must(b.t, err)
	b.t.Cleanup(func() { must(b.t, m.Close()) })
	must(b.t, m.Boot(b.t.Context()))
	b.Manager = m
}

// reopen lets another manager take over.
func (b *bench) reopen() {
	b.t.Helper()
	must(b.t, b.Close())
	b.open()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantKind(t *testing.T, err error, kind sandbox.Kind) *sandbox.Error {
	t.Helper()
	var e *sandbox.Error
	if !errors.As(err, &e) || e.Kind != kind {
		t.Fatalf("the error is %v, want %s", err, kind)
	}
	return e
}

// create makes a sandbox that is started.
func (b *bench) create(r manager.CreateRequest) sandbox.Sandbox {
	b.t.Helper()
	r.Organization = org
	s, err := b.Create(b.t.Context(), r)
	must(b.t, err)
	return b.is(s, sandbox.StateStarted)
}

// is checks the state of what a call returned.
func (b *bench) is(s sandbox.Sandbox, want sandbox.State) sandbox.Sandbox {
	b.t.Helper()
	if s.State != want {
		b.t.Fatalf("sandbox %s is %s (%s), want %s", s.ID, s.State, s.ErrorReason, want)
	}
	return s
}

// now reads a sandbox again and checks its state.
func (b *bench) now(s sandbox.Sandbox, want sandbox.State) sandbox.Sandbox {
	b.t.Helper()
	s, err := b.Sandbox(b.t.Context(), org, s.ID)
	must(b.t, err)
	return b.is(s, want)
}

// gone checks that nothing of a sandbox is left.
func (b *bench) gone(s sandbox.Sandbox) {
	b.t.Helper()
	_, err := b.Sandbox(b.t.Context(), org, s.ID)
	wantKind(b.t, err, sandbox.KindNotFound)
	if h, ok := b.docker.Held(s.ID); ok {
		b.t.Errorf("the engine still has %+v", h)
	}
}

// do returns what checks a call that answers with a sandbox in a state.
func (b *bench) do(want sandbox.State) func(sandbox.Sandbox, error) sandbox.Sandbox {
	return func(s sandbox.Sandbox, err error) sandbox.Sandbox {
		b.t.Helper()
		must(b.t, err)
		return b.is(s, want)
	}
}

func minutes(n int) *time.Duration {
	d := time.Duration(n) * time.Minute
	return &d
}

// sequence drops the IDs from the calls of an engine.
func sequence(e *sandboxtest.Engine) string {
	var all []string
	for _, call := range e.Calls() {
		method, _, _ := strings.Cut(call, " ")
		all = append(all, method)
	}
	return strings.Join(all, " ")
}

func names(all []sandbox.Sandbox) []string {
	var out []string
	for _, s := range all {
		out = append(out, s.Name)
	}
	slices.Sort(out)
	return out
}

// background is a context that outlives a test's deadline checks.
func background() context.Context { return context.Background() }
