package scheduler_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/sandboxtest"
	"sandpiper/sandbox/scheduler"
)

func TestSubmitRefuses(t *testing.T) {
	ok := sandboxtest.Program("print")
	with := func(change func(p *sandbox.Program)) sandbox.Program {
		p := ok
		change(&p)
		return p
	}
	tests := []struct {
		name    string
		program sandbox.Program
		key     string
		kind    sandbox.Kind
		field   string
	}{
		{"no language", with(func(p *sandbox.Program) { p.Language = "" }), "", sandbox.KindUnprocessed, "language"},
		{"unknown language", with(func(p *sandbox.Program) { p.Language = "cobol" }), "", sandbox.KindUnprocessed, "language"},
		{"unknown version", with(func(p *sandbox.Program) { p.Version = "9" }), "", sandbox.KindUnprocessed, "version"},
		{"no files", with(func(p *sandbox.Program) { p.Files = nil }), "", sandbox.KindUnprocessed, "files"},
		{"container", with(func(p *sandbox.Program) { p.Engine = sandbox.EngineContainer }), "", sandbox.KindUnprocessed, "engine"},
		{"unknown engine", with(func(p *sandbox.Program) { p.Engine = "jvm" }), "", sandbox.KindUnprocessed, "engine"},
		{"long key", ok, strings.Repeat("k", 256), sandbox.KindUnprocessed, scheduler.IdempotencyKeyField},
		{"failed language", with(func(p *sandbox.Program) { p.Language = "py" }), "", sandbox.KindUnavailable, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, scheduler.Config{})
			b.runner.SetState("python", sandbox.LanguageFailed, "the module is missing")
			_, err := b.Submit(t.Context(), scheduler.Request{Client: "ada", Program: tt.program, IdempotencyKey: tt.key})
			if e := asError(t, err); e.Kind != tt.kind || e.Field != tt.field || e.Message == "" {
				t.Errorf("got %#v", e)
			}
		})
	}
}

func TestPlace(t *testing.T) {
	containers := sandboxtest.NewRunner(sandbox.Language{ID: "go", Name: "Go", Version: "1.26", State: sandbox.LanguageReady},
		sandbox.Language{ID: "python", Name: "Python", Version: "3.14.0", Aliases: []string{"py"}, State: sandbox.LanguageReady})
	containers.SetEngine(sandbox.EngineContainer)
	s := scheduler.New(scheduler.Config{Runners: []sandbox.CodeRunner{sandboxtest.NewRunner(), containers}, Store: &sandboxtest.RunStore{}})
	defer s.Close()
	tests := []struct {
		name              string
		language, version string
		engine            sandbox.EngineChoice
		want, wantVersion string
	}{
		{"the first engine", "py", "", "", "wasm", "3.12.0"},
		{"the first engine, by name", "PYTHON3", "*", "auto", "wasm", "3.12.0"},
		{"the engine with the version", "py", "3.14", "", "container", "3.14.0"},
		{"the engine with the language", "go", "", "", "container", "1.26"},
		{"the engine asked for", "py", "", "container", "container", "3.14.0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := sandboxtest.Program("print")
			p.Language, p.Version, p.Engine = tt.language, tt.version, tt.engine
			r, err := s.Submit(t.Context(), scheduler.Request{Program: p})
			if err != nil {
				t.Fatal(err)
			}
			if got := r.Identity(); string(got.Engine) != tt.want || got.Version != tt.wantVersion || got.Reason == "" {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestIdempotency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, scheduler.Config{MaxRunning: 8})
		request := func(client, key, command string) scheduler.Request {
			p := sandboxtest.Program(command)
			p.Stdin = sandbox.StaticStdin([]byte("input"))
			return scheduler.Request{Client: client, Program: p, IdempotencyKey: key}
		}
		ids := make(chan string)
		for range 20 {
			go func() {
				r, err := b.Submit(context.Background(), request("ada", "k", "sleep 1s"))
				if err != nil {
					t.Error(err)
				}
				ids <- r.ID()
			}()
		}
		first := <-ids
		for range 19 {
			if id := <-ids; id != first {
				t.Errorf("run %s beside %s", id, first)
			}
		}
		synctest.Wait()
		if n := len(b.runner.Started()); n != 1 {
			t.Errorf("%d programs were started", n)
		}

		_, err := b.Submit(t.Context(), request("ada", "k", "sleep 2s"))
		if e := asError(t, err); e.Kind != sandbox.KindUnprocessed || e.Field != scheduler.IdempotencyKeyField {
			t.Errorf("another program: %#v", e)
		}
		for _, req := range []scheduler.Request{request("bob", "k", "sleep 1s"), request("ada", "l", "sleep 1s")} {
			if r, err := b.Submit(t.Context(), req); err != nil || r.ID() == first {
				t.Errorf("another client or key got run %v, %v", r, err)
			}
		}

		time.Sleep(2 * time.Second)
		r, err := b.Submit(t.Context(), request("ada", "k", "sleep 1s"))
		if err != nil || r.ID() != first {
			t.Errorf("after the end: %v, %v", r, err)
		}
		time.Sleep(time.Hour)
		b.wait(b.submit("ada", "print")) // lets the first go from memory
		r, err = b.Submit(t.Context(), request("ada", "k", "sleep 1s"))
		if err != nil || r.ID() != first || b.wait(r).Status != sandbox.StatusOK {
			t.Errorf("from the history: %v, %v", r, err)
		}
		time.Sleep(24 * time.Hour)
		r, err = b.Submit(t.Context(), request("ada", "k", "sleep 1s"))
		if err != nil || r.ID() == first {
			t.Errorf("after the retention: %v, %v", r, err)
		}
	})
}

func TestIdempotencyForgetsWhatDidNotRun(t *testing.T) {
	for _, command := range []string{"loop", "fail"} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, scheduler.Config{})
			req := scheduler.Request{Client: "ada", Program: sandboxtest.Program(command), IdempotencyKey: "k"}
			one, _ := b.Submit(t.Context(), req)
			one.Leave()
			b.wait(one)
			two, err := b.Submit(t.Context(), req)
			if err != nil || two.ID() == one.ID() {
				t.Errorf("%s: the second try is %v, %v", command, two, err)
			}
		})
	}
}

func TestIdempotencyOutlivesTheHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, scheduler.Config{RetainRuns: 2})
		req := scheduler.Request{Client: "ada", Program: sandboxtest.Program("print"), IdempotencyKey: "k"}
		first, err := b.Submit(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			time.Sleep(time.Second)
			b.wait(b.submit("bob", "print"))
		}
		time.Sleep(time.Hour)
		b.wait(b.submit("bob", "print")) // lets the first go from memory
		again, err := b.Submit(t.Context(), req)
		if err != nil || again.ID() == first.ID() {
			t.Errorf("got %v, %v", again, err)
		}
		b.wait(again)
		time.Sleep(time.Hour)
		b.wait(b.submit("bob", "print"))
		b.store.SetErr(errors.New("disk on fire"))
		if _, err := b.Submit(t.Context(), req); err == nil {
			t.Error("the store's error is lost")
		}
		if _, err := b.Recent(t.Context(), sandbox.RunFilter{Client: "ada", Limit: 10}); err == nil {
			t.Error("the store's error is lost")
		}
	})
}
