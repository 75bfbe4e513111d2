package sandboxtest

import (
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"sandpiper/sandbox"
)

// epoch is a time that every store keeps exactly.
var epoch = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

func wantKind(t *testing.T, err error, kind sandbox.Kind) {
	t.Helper()
	if err == nil || sandbox.KindOf(err) != kind {
		t.Errorf("got error %v, want one of kind %s", err, kind)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantSame[T any](t *testing.T, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestRunStore checks that what newStore makes, empty each time, keeps the
// contract of sandbox.RunStore.
func TestRunStore(t *testing.T, newStore func(t *testing.T) sandbox.RunStore) {
	for _, tt := range []struct {
		name string
		run  func(t *testing.T, s sandbox.RunStore)
	}{
		{"a run comes back whole", runComesBack},
		{"a missing run", runIsMissing},
		{"saving again replaces", runIsReplaced},
		{"lists are the client's, newest first", runsAreListed},
		{"lists go on behind a run, and are filtered", runsArePaged},
		{"pruned by age, number and size", runsArePruned},
		{"many at once", runsConcurrently},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.run(t, newStore(t)) })
	}
}

// Record returns a record of a run in which every field is set, and which
// finished n seconds after a fixed time.
func Record(client string, n int) sandbox.RunRecord {
	r := sandbox.RunRecord{Client: client, FinishedAt: epoch.Add(time.Duration(n) * time.Second), Result: sandbox.Result{
		ID: fmt.Sprintf("%026d", n), Language: "python", Version: "3.12.0", Engine: sandbox.EngineWasm, Reason: "standard library only",
		Stdout: "héllo\x00\n", Stderr: "<oh>\u2028\n",
		Outputs: []sandbox.Display{{
			Data:     map[string]any{"text/plain": "x", "application/json": map[string]any{"a": []any{1.5, "b", nil, true}}},
			Metadata: map[string]any{"width": 3.0},
		}},
	}}
	r.Result.Outcome = sandbox.Outcome{
		Status: sandbox.StatusTimeout, ExitCode: 137, Signal: "SIGKILL", Message: "Stopped.",
		Diagnostics: []sandbox.Diagnostic{{File: "main.py", Line: 3, Column: 2, Severity: sandbox.SeverityError, Message: "no"}},
		Files:       []sandbox.File{{Name: "a/b.bin", Content: []byte{0, 255, 10}}},
		Usage:       sandbox.Usage{Wall: 1234567, CPU: 234567, MemoryBytes: 7 << 20},
	}
	r.Result.Truncated.Stderr = true
	return r
}

func runComesBack(t *testing.T, s sandbox.RunStore) {
	want := Record("ada", 1)
	must(t, s.SaveRuns(t.Context(), want))
	got, err := s.Run(t.Context(), want.Result.ID)
	must(t, err)
	wantSame(t, got, want)
}

func runIsMissing(t *testing.T, s sandbox.RunStore) {
	_, err := s.Run(t.Context(), "nothing")
	wantKind(t, err, sandbox.KindNotFound)
	all, err := s.Runs(t.Context(), sandbox.RunFilter{Client: "nobody", Limit: 10})
	must(t, err)
	if len(all) != 0 {
		t.Errorf("an empty store lists %v", all)
	}
}

func runIsReplaced(t *testing.T, s sandbox.RunStore) {
	r := Record("ada", 1)
	must(t, s.SaveRuns(t.Context(), r))
	r.Result.Stdout = "other"
	must(t, s.SaveRuns(t.Context(), r))
	got, err := s.Run(t.Context(), r.Result.ID)
	must(t, err)
	wantSame(t, got, r)
	all, err := s.Runs(t.Context(), sandbox.RunFilter{Client: "ada", Limit: 10})
	must(t, err)
	if len(all) != 1 {
		t.Errorf("one run is listed %d times", len(all))
	}
}

func saveRuns(t *testing.T, s sandbox.RunStore, client string, numbers ...int) {
	t.Helper()
	records := make([]sandbox.RunRecord, len(numbers))
	for i, n := range numbers {
		records[i] = Record(client, n)
	}
	must(t, s.SaveRuns(t.Context(), records...))
}

// listed returns the numbers of a client's runs as they are listed.
func listed(t *testing.T, s sandbox.RunStore, client string, limit int) []int {
	t.Helper()
	return numbersOf(t, s, sandbox.RunFilter{Client: client, Limit: limit})
}

func numbersOf(t *testing.T, s sandbox.RunStore, f sandbox.RunFilter) []int {
	t.Helper()
	all, err := s.Runs(t.Context(), f)
	must(t, err)
	numbers := []int{}
	for _, r := range all {
		var n int
		if _, err := fmt.Sscanf(r.Result.ID, "%d", &n); err != nil {
			t.Fatalf("listed a run %q", r.Result.ID)
		}
		wantSame(t, r, Record(f.Client, n).WithoutOutput())
		numbers = append(numbers, n)
	}
	return numbers
}

func runsAreListed(t *testing.T, s sandbox.RunStore) {
	saveRuns(t, s, "ada", 2, 5, 1)
	saveRuns(t, s, "bob", 3, 4)
	wantSame(t, listed(t, s, "ada", 10), []int{5, 2, 1})
	wantSame(t, listed(t, s, "ada", 2), []int{5, 2})
	wantSame(t, listed(t, s, "bob", 10), []int{4, 3})
}

func runsArePaged(t *testing.T, s sandbox.RunStore) {
	saveRuns(t, s, "ada", 1, 2, 3, 5, 7)
	saveRuns(t, s, "bob", 4, 6)
	same := Record("ada", 8) // at the same time as 7
	same.FinishedAt = Record("ada", 7).FinishedAt
	must(t, s.SaveRuns(t.Context(), same))
	id := func(n int) string { return Record("", n).Result.ID }
	wantSame(t, numbersOf(t, s, sandbox.RunFilter{Client: "ada", Before: same.Result.ID, Limit: 2}), []int{7, 5})
	wantSame(t, numbersOf(t, s, sandbox.RunFilter{Client: "ada", Before: id(5), Limit: 10}), []int{3, 2, 1})
	wantSame(t, numbersOf(t, s, sandbox.RunFilter{Client: "ada", Before: id(1), Limit: 10}), []int{})
	wantSame(t, numbersOf(t, s, sandbox.RunFilter{Client: "bob", Language: "python", Status: sandbox.StatusTimeout, Limit: 1}), []int{6})
	wantSame(t, numbersOf(t, s, sandbox.RunFilter{Client: "bob", Language: "ruby", Limit: 9}), []int{})
	wantSame(t, numbersOf(t, s, sandbox.RunFilter{Client: "bob", Status: sandbox.StatusOK, Limit: 9}), []int{})
	for _, missing := range []string{"gone", id(6)} { // 6 is bob's
		_, err := s.Runs(t.Context(), sandbox.RunFilter{Client: "ada", Before: missing, Limit: 10})
		wantKind(t, err, sandbox.KindNotFound)
	}
}

func runsArePruned(t *testing.T, s sandbox.RunStore) {
	saveRuns(t, s, "ada", 1, 2, 3, 4, 5, 6, 7, 8)
	size := Record("ada", 1).Size()
	for _, tt := range []struct {
		name string
		keep sandbox.Retention
		n    int
		left []int
	}{
		{"nothing to do", sandbox.Retention{}, 0, []int{8, 7, 6, 5, 4, 3, 2, 1}},
		{"age", sandbox.Retention{Since: epoch.Add(3 * time.Second)}, 2, []int{8, 7, 6, 5, 4, 3}},
		{"number", sandbox.Retention{Runs: 5}, 1, []int{8, 7, 6, 5, 4}},
		{"size", sandbox.Retention{Bytes: 3*size + size/2}, 2, []int{8, 7, 6}},
		{"all bounds", sandbox.Retention{Since: epoch, Runs: 3, Bytes: 2 * size}, 1, []int{8, 7}},
		{"everything", sandbox.Retention{Since: epoch.Add(time.Hour)}, 2, []int{}},
	} {
		n, err := s.PruneRuns(t.Context(), tt.keep)
		must(t, err)
		if n != tt.n {
			t.Errorf("%s: forgot %d, want %d", tt.name, n, tt.n)
		}
		wantSame(t, listed(t, s, "ada", 10), tt.left)
	}
}

func runsConcurrently(t *testing.T, s sandbox.RunStore) {
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for n := range 20 {
				r := Record("ada", w*100+n)
				if err := s.SaveRuns(t.Context(), r); err != nil {
					t.Error(err)
				}
				if got, err := s.Run(t.Context(), r.Result.ID); err != nil || got.Result.Stdout != r.Result.Stdout {
					t.Errorf("read back %v, %v", got, err)
				}
			}
		})
	}
	wg.Wait()
	if n := len(listed(t, s, "ada", 1000)); n != 160 {
		t.Errorf("%d runs are left of 160", n)
	}
}
