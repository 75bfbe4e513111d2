package sandboxtest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"sandpiper/sandbox"
)

// TestStore checks that what newStore makes, empty each time, keeps the contract
// of sandbox.Store.
func TestStore(t *testing.T, newStore func(t *testing.T) sandbox.Store) {
	for _, tt := range []struct {
		name string
		run  func(t *testing.T, s sandbox.Store)
	}{
		{"a sandbox comes back whole", sandboxComesBack},
		{"names are free again when they may be", namesAreUnique},
		{"a sandbox is changed at once", sandboxIsChanged},
		{"the destroyed are forgotten", destroyedAreForgotten},
		{"changes of state are kept", stateChangesAreKept},
		{"lists have what they should", listsAreRight},
		{"pages hold still", pagesHoldStill},
		{"bad filters are refused", badFilters},
		{"snapshots", snapshotsAreKept},
		{"snapshots have pages", snapshotPages},
		{"warm pools", poolsAreKept},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.run(t, newStore(t)) })
	}
}

// Sandbox returns a started sandbox of organization "org" with something in
// every field.
func Sandbox(id string) sandbox.Sandbox {
	return sandbox.Sandbox{
		ID: id, Name: "name of " + id, Organization: "org", Snapshot: "small", Ref: "image:1", Engine: sandbox.EngineContainer,
		Runner: "local", Placed: "the only one", Target: "us", Entrypoint: []string{"sleep", "1"}, Runtime: "crun", User: "daytona",
		Env: map[string]string{"A": "1"}, Labels: map[string]string{"team": "blue", "odd \"key'": "50%"}, Public: true,
		Resources: sandbox.Resources{CPU: 1, MemoryGiB: 2, DiskGiB: 3},
		Network:   sandbox.Network{Allow: []string{"10.0.0.0/8"}, Domains: []string{"example.com"}},
		Volumes:   []sandbox.VolumeMount{{Volume: "v", Path: "/data", Subpath: "a"}},
		State:     sandbox.StateStarted, Desired: sandbox.DesiredStarted, Incarnation: 3, Cause: "by a test", ErrorReason: "none", Recoverable: true,
		Intervals: sandbox.Intervals{AutoStop: time.Minute, AutoArchive: time.Hour, AutoDelete: -time.Minute, TTL: time.Hour},
		Parent:    "parent", Linked: "linked", Backup: sandbox.BackupCompleted, BackupAt: epoch, Archive: "archive", KeyVersion: 2,
		CreatedAt: epoch, UpdatedAt: epoch.Add(time.Second), StartedAt: epoch.Add(2 * time.Second), StoppedAt: epoch.Add(3 * time.Second),
		LastEvent: epoch.Add(4 * time.Second), Activity: sandbox.Activity{sandbox.ActivityToolbox: epoch.Add(5 * time.Second)},
		DestroyAt: epoch.Add(time.Hour), DiskBytes: 7, Agent: "1.0", Isolation: "gVisor", Deprecated: true,
	}
}

func sandboxComesBack(t *testing.T, s sandbox.Store) {
	_, err := s.Sandbox(t.Context(), "a")
	wantKind(t, err, sandbox.KindNotFound)
	for _, want := range []sandbox.Sandbox{Sandbox("a"), {ID: "b", Name: "b", CreatedAt: epoch, UpdatedAt: epoch}} {
		must(t, s.AddSandbox(t.Context(), want))
		got, err := s.Sandbox(t.Context(), want.ID)
		must(t, err)
		wantSame(t, got, want)
		wantKind(t, s.AddSandbox(t.Context(), want), sandbox.KindConflict)
	}
	all, err := s.LiveSandboxes(t.Context())
	must(t, err)
	if len(all) != 2 || all[0].ID != "a" || all[1].ID != "b" {
		t.Errorf("live are %v", all)
	}
}

func namesAreUnique(t *testing.T, s sandbox.Store) {
	a, b := Sandbox("a"), Sandbox("b")
	b.Name = a.Name
	must(t, s.AddSandbox(t.Context(), a))
	err := s.AddSandbox(t.Context(), b)
	wantKind(t, err, sandbox.KindConflict)
	var e *sandbox.Error
	if errors.As(err, &e); e == nil || e.Field != "name" {
		t.Errorf("the error %v does not name the field", err)
	}
	elsewhere := Sandbox("c")
	elsewhere.Name, elsewhere.Organization = a.Name, "another"
	must(t, s.AddSandbox(t.Context(), elsewhere))
	_, _, err = s.UpdateSandbox(t.Context(), "a", func(o *sandbox.Sandbox) error {
		o.Desired = sandbox.DesiredDestroyed
		return nil
	})
	must(t, err)
	must(t, s.AddSandbox(t.Context(), b))
	must(t, s.AddSandbox(t.Context(), Sandbox("d")))
	_, _, err = s.UpdateSandbox(t.Context(), "d", func(o *sandbox.Sandbox) error {
		o.Name = b.Name
		return nil
	})
	wantKind(t, err, sandbox.KindConflict)
}

func sandboxIsChanged(t *testing.T, s sandbox.Store) {
	must(t, s.AddSandbox(t.Context(), Sandbox("a")))
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			_, _, err := s.UpdateSandbox(t.Context(), "a", func(o *sandbox.Sandbox) error {
				o.Incarnation++
				o.Labels["n"] = fmt.Sprint(o.Incarnation)
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	stop := errors.New("stop")
	_, _, err := s.UpdateSandbox(t.Context(), "a", func(o *sandbox.Sandbox) error {
		o.Incarnation = 99
		return stop
	})
	if !errors.Is(err, stop) {
		t.Errorf("the error is %v", err)
	}
	before, after, err := s.UpdateSandbox(t.Context(), "a", func(o *sandbox.Sandbox) error { return o.Become(sandbox.StateStopping) })
	must(t, err)
	if before.Incarnation != 23 || before.State != sandbox.StateStarted || after.State != sandbox.StateStopping || after.Labels["n"] != "23" {
		t.Errorf("before %+v, after %+v", before, after)
	}
	_, _, err = s.UpdateSandbox(t.Context(), "nobody", func(*sandbox.Sandbox) error { return nil })
	wantKind(t, err, sandbox.KindNotFound)
}

func destroyedAreForgotten(t *testing.T, s sandbox.Store) {
	for i, state := range []sandbox.State{sandbox.StateDestroyed, sandbox.StateDestroyed, sandbox.StateStopped} {
		o := Sandbox(fmt.Sprint(i))
		o.State, o.LastEvent = state, epoch.Add(time.Duration(i)*time.Hour)
		must(t, s.AddSandbox(t.Context(), o))
	}
	n, err := s.PruneSandboxes(t.Context(), epoch.Add(30*time.Minute))
	must(t, err)
	_, gone := s.Sandbox(t.Context(), "0")
	_, there := s.Sandbox(t.Context(), "1")
	if n != 1 || gone == nil || there != nil {
		t.Errorf("forgot %d: %v, %v", n, gone, there)
	}
}

func stateChangesAreKept(t *testing.T, s sandbox.Store) {
	made := sandbox.Sandbox{ID: "a", Name: "a", State: sandbox.StateCreating, Cause: "by a test", CreatedAt: epoch, UpdatedAt: epoch}
	must(t, s.AddSandbox(t.Context(), made))
	pooled := sandbox.Sandbox{ID: "b", Name: "b", State: sandbox.StateCreating, WarmPool: "pool", CreatedAt: epoch, UpdatedAt: epoch}
	must(t, s.AddSandbox(t.Context(), pooled))
	become := func(id string, at time.Duration, change func(*sandbox.Sandbox)) {
		t.Helper()
		_, _, err := s.UpdateSandbox(t.Context(), id, func(s *sandbox.Sandbox) error {
			s.UpdatedAt = epoch.Add(at)
			change(s)
			return nil
		})
		must(t, err)
	}
	become("a", time.Second, func(s *sandbox.Sandbox) { s.State, s.Cause = sandbox.StateStarted, "" })
	become("a", 2*time.Second, func(s *sandbox.Sandbox) { s.Public = true }) // no change of state
	become("a", 3*time.Second, func(s *sandbox.Sandbox) {
		s.State, s.ErrorReason, s.Cause = sandbox.StateError, "it broke", "by a test"
	})
	become("b", time.Second, func(s *sandbox.Sandbox) { s.State = sandbox.StateStarted }) // in its pool
	become("b", 2*time.Second, func(s *sandbox.Sandbox) { s.WarmPool, s.Cause = "", "by who claims it" })
	got, err := s.StateChanges(t.Context(), "a")
	must(t, err)
	wantSame(t, got, []sandbox.StateChange{
		{At: epoch.Add(3 * time.Second), From: sandbox.StateStarted, To: sandbox.StateError, Reason: "it broke"},
		{At: epoch.Add(time.Second), From: sandbox.StateCreating, To: sandbox.StateStarted},
		{At: epoch, To: sandbox.StateCreating, Reason: "by a test"},
	})
	got, err = s.StateChanges(t.Context(), "b")
	must(t, err)
	wantSame(t, got, []sandbox.StateChange{{At: epoch.Add(2 * time.Second), To: sandbox.StateStarted, Reason: "by who claims it"}})
	states := []sandbox.State{sandbox.StateStopped, sandbox.StateStarted}
	for i := range 2 * sandbox.MaxStateChanges {
		become("a", time.Duration(i)*time.Minute, func(s *sandbox.Sandbox) { s.State = states[i%2] })
	}
	got, err = s.StateChanges(t.Context(), "a")
	must(t, err)
	if last := epoch.Add((2*sandbox.MaxStateChanges - 1) * time.Minute); len(got) != sandbox.MaxStateChanges || !got[0].At.Equal(last) {
		t.Errorf("%d changes, the newest of %v", len(got), got[0].At)
	}
	become("a", 0, func(s *sandbox.Sandbox) { s.State, s.LastEvent = sandbox.StateDestroyed, epoch })
	_, err = s.PruneSandboxes(t.Context(), epoch.Add(time.Hour))
	must(t, err)
	if got, err = s.StateChanges(t.Context(), "a"); err != nil || len(got) > 0 {
		t.Errorf("they outlive the sandbox: %v, %v", got, err)
	}
}

// population adds sandboxes that differ in everything that filters look at.
func population(t *testing.T, s sandbox.Store, r *rand.Rand, n int) []sandbox.Sandbox {
	t.Helper()
	states := []sandbox.State{sandbox.StateStarted, sandbox.StateStopped, sandbox.StateError, sandbox.StateDestroyed}
	var all []sandbox.Sandbox
	for i := range n {
		o := Sandbox(fmt.Sprintf("%02x-%d", r.IntN(256), i))
		o.Name = fmt.Sprintf("%s-%d", pick(r, "web", "Web", "ÄPFEL", "db_x", "50%"), i)
		o.Organization = pick(r, "org", "org", "org", "other")
		o.State, o.Desired = states[r.IntN(len(states))], pick(r, sandbox.DesiredStarted, sandbox.DesiredStarted, sandbox.DesiredDestroyed)
		o.Snapshot, o.Target = pick(r, "small", "wasm"), pick(r, "us", "eu")
		o.Parent, o.WarmPool = pick(r, "", "p"), pick(r, "", "", "", "pool")
		o.Public, o.Recoverable = r.IntN(2) == 0, r.IntN(2) == 0
		o.Resources = sandbox.Resources{CPU: 1 + r.IntN(4), MemoryGiB: 1 + r.IntN(8), DiskGiB: 1 + r.IntN(10)}
		o.Labels = map[string]string{"team": pick(r, "blue", "red"), "env": pick(r, "a", "b")}
		o.CreatedAt = epoch.Add(time.Duration(r.IntN(10)) * time.Minute)
		o.LastEvent = epoch.Add(time.Duration(r.IntN(10)) * time.Minute)
		o.DestroyAt = pick(r, time.Time{}, epoch.Add(time.Duration(r.IntN(10))*time.Minute))
		must(t, s.AddSandbox(t.Context(), o))
		all = append(all, o)
	}
	return all
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// maybe returns v now and then, and the zero value otherwise.
func maybe[T any](r *rand.Rand, v T) T {
	var none T
	if r.IntN(5) == 0 {
		return v
	}
	return none
}

func randomFilter(r *rand.Rand) sandbox.SandboxFilter {
	yes, no := true, false
	return sandbox.SandboxFilter{
		Organization: "org",
		ID:           maybe(r, pick(r, "0", "A", "f1")), Name: maybe(r, pick(r, "WEB", "äpf", "%", "_", "db")), Partial: r.IntN(2) == 0,
		Text:   maybe(r, pick(r, "B", "äpf", "_", "f1")),
		Labels: maybe(r, map[string]string{"team": "blue", "env": "a"}), Engines: maybe(r, []sandbox.EngineName{sandbox.EngineWasm}),
		States:    maybe(r, pick(r, []sandbox.State{sandbox.StateStarted, sandbox.StateError}, []sandbox.State{sandbox.StateDestroyed})),
		Snapshots: maybe(r, []string{"wasm", "none"}), Targets: maybe(r, []string{"eu"}),
		Classes: maybe(r, pick(r, []string{"container"}, []string{"windows"}, []string{"android", "container"})),
		Parent:  maybe(r, "p"), WarmPool: maybe(r, "pool"),
		Min: maybe(r, sandbox.Resources{CPU: 2}), Max: maybe(r, sandbox.Resources{MemoryGiB: 6, DiskGiB: 8}),
		Public: maybe(r, pick(r, &yes, &no)), Recoverable: maybe(r, pick(r, &yes, &no)),
		CreatedAfter: maybe(r, epoch.Add(3*time.Minute)), CreatedBefore: maybe(r, epoch.Add(7*time.Minute)),
		EventAfter: maybe(r, epoch.Add(2*time.Minute)), EventBefore: maybe(r, epoch.Add(8*time.Minute)),
		DestroyAfter: maybe(r, epoch.Add(4*time.Minute)), DestroyBefore: maybe(r, epoch.Add(6*time.Minute)),
		IncludeErroredDestroyed: r.IntN(2) == 0, IncludeWarm: r.IntN(2) == 0,
		Sort: pick(r, "", sandbox.SortCreated, sandbox.SortUpdated, sandbox.SortActivity, sandbox.SortName, sandbox.SortID, sandbox.SortState,
			sandbox.SortSnapshot, sandbox.SortTarget, sandbox.SortCPU, sandbox.SortMemory, sandbox.SortDisk),
		Ascending: r.IntN(2) == 0, Limit: 1 + r.IntN(7),
	}
}

// listsAreRight compares the pages of many filters with what the filters say.
func listsAreRight(t *testing.T, s sandbox.Store) {
	r := rand.New(rand.NewPCG(1, 2))
	all := population(t, s, r, 60)
	found := 0
	for range 300 {
		f := randomFilter(r)
		want := expected(all, f)
		got := ids(readPages(t, s, f, func() {}))
		if !slices.Equal(got, want) {
			t.Fatalf("filter %+v:\n got %v\nwant %v", f, got, want)
		}
		found += len(got)
		f.Page = 1 + r.IntN(3)
		page, err := s.Sandboxes(t.Context(), f)
		must(t, err)
		from := min(len(want), (f.Page-1)*f.Limit)
		if got := ids(page.Items); page.Total != len(want) || !slices.Equal(got, want[from:min(len(want), from+f.Limit)]) {
			t.Fatalf("page %d of filter %+v: %v of %d, want some of %v", f.Page, f, got, page.Total, want)
		}
	}
	if found < 500 {
		t.Errorf("the filters found only %d sandboxes", found)
	}
}

func expected(all []sandbox.Sandbox, f sandbox.SandboxFilter) []string {
	var kept []sandbox.Sandbox
	for _, o := range all {
		if f.Admits(o) {
			kept = append(kept, o)
		}
	}
	slices.SortFunc(kept, func(a, b sandbox.Sandbox) int {
		if f.Ascending {
			return f.Sort.Key(a).Compare(f.Sort.Key(b))
		}
		return f.Sort.Key(b).Compare(f.Sort.Key(a))
	})
	return ids(kept)
}

func ids(all []sandbox.Sandbox) []string {
	out := []string{}
	for _, o := range all {
		out = append(out, o.ID)
	}
	return out
}

// readPages follows the cursors to the end and calls between after each page.
func readPages(t *testing.T, s sandbox.Store, f sandbox.SandboxFilter, between func()) []sandbox.Sandbox {
	t.Helper()
	var all []sandbox.Sandbox
	for {
		page, err := s.Sandboxes(t.Context(), f)
		must(t, err)
		all = append(all, page.Items...)
		if page.NextCursor == "" {
			return all
		}
		if len(page.Items) != f.Limit {
			t.Fatalf("a page that is not the last has %d sandboxes, want %d", len(page.Items), f.Limit)
		}
		f.Cursor = page.NextCursor
		between()
	}
}

// pagesHoldStill adds sandboxes in front of and behind the cursor, and deletes
// the one that it names.
func pagesHoldStill(t *testing.T, s sandbox.Store) {
	for i := range 9 {
		o := Sandbox(fmt.Sprint(i))
		o.CreatedAt = epoch.Add(time.Duration(i) * time.Minute)
		must(t, s.AddSandbox(t.Context(), o))
	}
	n := 0
	got := readPages(t, s, sandbox.SandboxFilter{Organization: "org", Limit: 3}, func() {
		o := Sandbox(fmt.Sprint("new", n))
		o.CreatedAt = epoch.Add(time.Hour)
		must(t, s.AddSandbox(t.Context(), o))
		_, _, err := s.UpdateSandbox(t.Context(), fmt.Sprint(6-3*n), func(o *sandbox.Sandbox) error {
			o.State = sandbox.StateDestroyed
			return nil
		})
		must(t, err)
		n++
	})
	if want := []string{"8", "7", "6", "5", "4", "3", "2", "1", "0"}; !slices.Equal(ids(got), want) {
		t.Errorf("got %v, want %v", ids(got), want)
	}
}

func badFilters(t *testing.T, s sandbox.Store) {
	cursor := sandbox.SandboxFilter{}.CursorAfter(Sandbox("a"))
	for field, f := range map[string]sandbox.SandboxFilter{
		"limit": {Limit: 201}, "page": {Page: -1}, "sort": {Sort: "colour"}, "states": {States: []sandbox.State{"asleep"}}, "cursor": {Cursor: "e30"},
	} {
		_, err := s.Sandboxes(t.Context(), f)
		var e *sandbox.Error
		if errors.As(err, &e); e == nil || e.Field != field || e.Kind != sandbox.KindUnprocessed {
			t.Errorf("%s: %v", field, err)
		}
	}
	_, err := s.Sandboxes(t.Context(), sandbox.SandboxFilter{Cursor: cursor, Sort: sandbox.SortName})
	wantKind(t, err, sandbox.KindUnprocessed)
}
