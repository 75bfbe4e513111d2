package scheduler

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/sandboxtest"
)

func newTest(t *testing.T, cfg Config) (*Scheduler, *sandboxtest.RunStore) {
	t.Helper()
	store := &sandboxtest.RunStore{}
	cfg.Runners, cfg.Store = []sandbox.CodeRunner{sandboxtest.NewRunner()}, store
	s := New(cfg)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, store
}

func runOne(t *testing.T, s *Scheduler, commands ...string) sandbox.Result {
	t.Helper()
	r, err := s.Submit(t.Context(), Request{Client: "ada", Program: sandboxtest.Program(commands...)})
	if err != nil {
		t.Fatal(err)
	}
	res, err := r.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	return res
}

func TestSubmitRefusesWhenTheHistoryIsBehind(t *testing.T) {
	s, _ := newTest(t, Config{})
	s.mu.Lock()
	s.history.unsavedBytes = maxUnsavedBytes + 1
	s.mu.Unlock()
	_, err := s.Submit(t.Context(), Request{Program: sandboxtest.Program("print")})
	if sandbox.KindOf(err) != sandbox.KindBusy {
		t.Errorf("got %v", err)
	}
}

func TestMemoryLetsGoOfOldRuns(t *testing.T) {
	h := newHistory()
	start := time.Unix(0, 0)
	text := strings.Repeat("x", 1<<20)
	for i := range 100 {
		h.add(&Run{id: fmt.Sprint(i)}, sandbox.Result{Stdout: text}, start)
	}
	h.evict(start.Add(time.Hour))
	if len(h.byID) != 100 {
		t.Errorf("%d runs are left of 100 that are not recorded", len(h.byID))
	}
	for range 100 {
		h.markSaved(1)
	}
	h.evict(start)
	if n := len(h.byID); n > 64 || n < 60 || h.bytes > maxReplayBytes || h.unsavedBytes != 0 {
		t.Errorf("%d runs of %d bytes are left, %d of them unsaved", n, h.bytes, h.unsavedBytes)
	}
	if h.byID["99"] == nil || h.byID["0"] != nil {
		t.Error("it is not the oldest that went")
	}
	h.evict(start.Add(replayTime))
	if len(h.byID) != 0 || len(h.order) != 0 || h.bytes != 0 {
		t.Errorf("%d runs of %d bytes are left later", len(h.byID), h.bytes)
	}
}

// TestMemoryCountsFilesThatAreNotRecorded holds that what a run keeps in memory
// counts, also where it is too much for its record.
func TestMemoryCountsFilesThatAreNotRecorded(t *testing.T) {
	h := newHistory()
	large := []sandbox.File{{Name: "f", Content: make([]byte, maxRecordFiles+1)}}
	h.add(&Run{id: "1"}, sandbox.Result{Outcome: sandbox.Outcome{Files: large}}, time.Unix(0, 0))
	if h.bytes <= maxRecordFiles || h.unsavedBytes != h.bytes {
		t.Errorf("it counts as %d bytes, %d of them unsaved", h.bytes, h.unsavedBytes)
	}
	if got := h.byID["1"].record.Result.Files; len(got) != 0 {
		t.Errorf("the record has %d files", len(got))
	}
}

func TestWaitingProgramsCountWhole(t *testing.T) {
	p := sandbox.Program{
		Files: []sandbox.File{{Name: "main", Content: make([]byte, 100)}},
		Stdin: sandbox.StaticStdin(make([]byte, 1000)),
		Args:  []string{"0123456789"},
		Env:   map[string]string{"A": "123456789"},
	}
	if got := weight(p); got != 1124 {
		t.Errorf("the program counts as %d bytes", got)
	}
}

func TestHistoryStaysWithinItsBounds(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  Config
		wait time.Duration
		want int // runs at most
	}{
		{"number, at the next tick", Config{RetainRuns: 5}, pruneInterval, 5},
		{"bytes, as they come", Config{RetainBytes: 30_000}, 0, 12},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, store := newTest(t, tt.cfg)
				for i := range 40 {
					runOne(t, s, fmt.Sprintf("print %d%s", i, strings.Repeat("x", 2000)))
				}
				time.Sleep(tt.wait)
				synctest.Wait()
				kept, err := store.Runs(t.Context(), sandbox.RunFilter{Client: "ada", Limit: 100})
				if err != nil || len(kept) > tt.want || len(kept) < tt.want-5 {
					t.Errorf("%d runs are kept, %v; want about %d", len(kept), err, tt.want)
				}
			})
		})
	}
}

func TestKeyringForgetsTheOldest(t *testing.T) {
	kr := newKeyring(3)
	key := func(i int) idemKey { return idemKey{"ada", fmt.Sprint(i)} }
	start := time.Unix(0, 0)
	for i := range 5 {
		kr.put(key(i), print{}, fmt.Sprint(i), start.Add(time.Duration(i)*time.Second))
	}
	kr.forget(key(3), "another run")
	for i := range 5 {
		if found := kr.find(key(i)) != nil; found != (i >= 2) {
			t.Errorf("key %d is remembered: %t", i, found)
		}
	}
	kr.forget(key(3), "3")
	kr.put(key(3), print{}, "again", start.Add(9*time.Second))
	kr.prune(start.Add(5 * time.Second))
	if kr.find(key(3)) == nil || len(kr.byKey) != 1 || len(kr.order) != 1 {
		t.Errorf("left are %v", kr.byKey)
	}
}

func TestFingerprint(t *testing.T) {
	base := func() sandbox.Program {
		p := sandboxtest.Program("print")
		p.Stdin = sandbox.StaticStdin([]byte("in"))
		return p
	}
	sum := func(p sandbox.Program) print {
		t.Helper()
		f, err := fingerprint(p)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	if one, two := sum(base()), sum(base()); one != two {
		t.Error("the same program has two fingerprints")
	}
	seen := map[print]string{sum(base()): "base"}
	for name, change := range map[string]func(p *sandbox.Program){
		"language": func(p *sandbox.Program) { p.Language = "python" },
		"version":  func(p *sandbox.Program) { p.Version = "3" },
		"file":     func(p *sandbox.Program) { p.Files[0].Content = []byte("other") },
		"name":     func(p *sandbox.Program) { p.Files[0].Name = "other" },
		"args":     func(p *sandbox.Program) { p.Args = []string{"a"} },
		"env":      func(p *sandbox.Program) { p.Env = map[string]string{"a": "b"} },
		"limits":   func(p *sandbox.Program) { p.Limits.Wall = 5 },
		"engine":   func(p *sandbox.Program) { p.Engine = "wasm" },
		"input":    func(p *sandbox.Program) { p.Stdin = sandbox.StaticStdin([]byte("other")) },
		"no input": func(p *sandbox.Program) { p.Stdin = nil },
		"live":     func(p *sandbox.Program) { p.Stdin = sandbox.LiveStdin() },
	} {
		p := base()
		change(&p)
		if other, ok := seen[sum(p)]; ok {
			t.Errorf("another %s has the fingerprint of %s", name, other)
		}
		seen[sum(p)] = name
	}
}
