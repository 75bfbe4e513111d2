package scheduler_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"sandpiper/sandbox"
	"sandpiper/sandbox/sandboxtest"
	"sandpiper/sandbox/scheduler"
)

func TestProgramsGoWhereTheyCanRun(t *testing.T) {
	const lack = "needs numpy, which the WebAssembly Python does not have"
	languages := sandboxtest.Languages()
	failed := sandboxtest.Languages()[1]
	failed.State, failed.Stage = sandbox.LanguageFailed, "no image"
	for _, tt := range []struct {
		name       string
		containers [][]sandbox.Language
		engine     sandbox.EngineChoice
		needy      bool
		want       sandbox.EngineChoice
		reason     string
	}{
		{"needs nothing", [][]sandbox.Language{languages}, "", false, "wasm", "starts fastest"},
		{"needs a package", [][]sandbox.Language{languages}, "auto", true, "container", lack},
		{"asked for wasm", [][]sandbox.Language{languages}, "wasm", true, "wasm", "asked for by the request"},
		{"asked for a container", [][]sandbox.Language{languages}, "container", false, "container", "asked for by the request"},
		{"no container engine", nil, "", true, "wasm", lack + "; a container would have it, and this server has no container engine"},
		{"a container without the language", [][]sandbox.Language{languages[:1]}, "", true, "wasm", lack + "; this server's containers do not have Python"},
		{"a container that cannot now", [][]sandbox.Language{{failed}}, "", true, "wasm", lack + "; a container would have it, and cannot run the program now"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			runners := []sandbox.CodeRunner{sandboxtest.NewRunner(languages...)}
			for _, l := range tt.containers {
				r := sandboxtest.NewRunner(l...)
				r.SetEngine(sandbox.EngineContainer)
				runners = append(runners, r)
			}
			needs := func(p sandbox.Program) string {
				if p.Language != "python" {
					t.Errorf("asked about the language %q", p.Language)
				}
				if tt.needy {
					return lack
				}
				return ""
			}
			s := scheduler.New(scheduler.Config{Runners: runners, Store: &sandboxtest.RunStore{}, Needs: needs})
			defer s.Close()
			p := sandboxtest.Program("print hello")
			p.Language, p.Engine = "py", tt.engine
			r, err := s.Submit(t.Context(), scheduler.Request{Client: "ada", Program: p})
			if err != nil {
				t.Fatal(err)
			}
			if got := r.Identity(); got.Engine != tt.want || !strings.HasPrefix(got.Reason, tt.reason) {
				t.Errorf("it goes to %s: %s; want %s: %s", got.Engine, got.Reason, tt.want, tt.reason)
			}
		})
	}
}

func TestALanguageThatOnlyContainersHave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		container := sandboxtest.NewRunner(sandbox.Language{ID: "go", Name: "Go", Version: "1"})
		container.SetEngine(sandbox.EngineContainer)
		s := scheduler.New(scheduler.Config{Runners: []sandbox.CodeRunner{sandboxtest.NewRunner(), container}, Store: &sandboxtest.RunStore{}})
		defer s.Close()
		p := sandboxtest.Program("print hello")
		p.Language = "go"
		r, err := s.Submit(t.Context(), scheduler.Request{Client: "ada", Program: p})
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Identity(); got.Engine != sandbox.EngineContainer || got.Reason == "" {
			t.Errorf("got %+v", got)
		}
		<-r.Done()
	})
}

// TestWithoutContainers holds that what only containers would have is not shown
// where there are none, and that who asks for it hears why.
func TestWithoutContainers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		container := sandboxtest.NewRunner(sandbox.Language{ID: "go", Name: "Go", Version: "1"})
		container.SetEngine(sandbox.EngineContainer)
		s := scheduler.New(scheduler.Config{Runners: []sandbox.CodeRunner{sandboxtest.NewRunner(), container}, Store: &sandboxtest.RunStore{}})
		defer s.Close()
		all := len(s.Languages())
		container.SetState("go", sandbox.LanguageFailed, "no engine answers")
		if got := len(s.Languages()); got != all-1 {
			t.Errorf("%d languages are shown, %d with containers", got, all)
		}
		p := sandboxtest.Program("print hello")
		p.Language = "go"
		_, err := s.Submit(t.Context(), scheduler.Request{Client: "ada", Program: p})
		if sandbox.KindOf(err) != sandbox.KindUnavailable || !strings.Contains(err.Error(), "no engine answers") {
			t.Errorf("got %v", err)
		}
	})
}

// TestMissingLanguage holds that who asks for a language that could be installed
// hears how, with containers that might have it or without any.
func TestMissingLanguage(t *testing.T) {
	const how = "Go is not installed here: run `make compilers`"
	missing := func(name string) string {
		if name == "golang" {
			return how
		}
		return ""
	}
	golang := sandbox.Language{ID: "go", Name: "Go", Version: "1", Aliases: []string{"golang"}}
	tests := []struct {
		name, language string
		container      sandbox.LanguageState // of Go there; "" for no containers
		kind           sandbox.Kind
		want           string
	}{
		{"no containers", "golang", "", sandbox.KindUnprocessed, how},
		{"containers that are down", "golang", sandbox.LanguageFailed, sandbox.KindUnavailable, "no engine answers; without containers, " + how},
		{"a language that nobody knows", "cobol", "", sandbox.KindUnprocessed, `language "cobol" is not known here`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			runners := []sandbox.CodeRunner{sandboxtest.NewRunner()}
			if tt.container != "" {
				container := sandboxtest.NewRunner(golang)
				container.SetEngine(sandbox.EngineContainer)
				container.SetState("go", tt.container, "no engine answers")
				runners = append(runners, container)
			}
			s := scheduler.New(scheduler.Config{Runners: runners, Store: &sandboxtest.RunStore{}, Missing: missing})
			defer s.Close()
			p := sandboxtest.Program("print hello")
			p.Language = tt.language
			_, err := s.Submit(t.Context(), scheduler.Request{Client: "ada", Program: p})
			if sandbox.KindOf(err) != tt.kind || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s: %s", err, tt.kind, tt.want)
			}
		})
	}
}
