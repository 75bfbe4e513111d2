package sandboxtest

import (
	"bytes"
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
	must(t, s.SaveRun(t.Context(), want))
	got, err := s.Run(t.Context(), want.Result.ID)
	must(t, err)
	wantSame(t, got, want)
}

func runIsMissing(t *testing.T, s sandbox.RunStore) {
	_, err := s.Run(t.Context(), "nothing")
	wantKind(t, err, sandbox.KindNotFound)
	all, err := s.Runs(t.Context(), "nobody", 10)
	must(t, err)
	if len(all) != 0 {
		t.Errorf("an empty store lists %v", all)
	}
}

func runIsReplaced(t *testing.T, s sandbox.RunStore) {
	r := Record("ada", 1)
	must(t, s.SaveRun(t.Context(), r))
	r.Result.Stdout = "other"
	must(t, s.SaveRun(t.Context(), r))
	got, err := s.Run(t.Context(), r.Result.ID)
	must(t, err)
	wantSame(t, got, r)
	all, err := s.Runs(t.Context(), "ada", 10)
	must(t, err)
	if len(all) != 1 {
		t.Errorf("one run is listed %d times", len(all))
	}
}

func saveRuns(t *testing.T, s sandbox.RunStore, client string, numbers ...int) {
	t.Helper()
	for _, n := range numbers {
		must(t, s.SaveRun(t.Context(), Record(client, n)))
	}
}

// listed returns the numbers of a client's runs as they are listed.
func listed(t *testing.T, s sandbox.RunStore, client string, limit int) []int {
	t.Helper()
	all, err := s.Runs(t.Context(), client, limit)
	must(t, err)
	numbers := []int{}
	for _, r := range all {
		var n int
		if _, err := fmt.Sscanf(r.Result.ID, "%d", &n); err != nil {
			t.Fatalf("listed a run %q", r.Result.ID)
		}
		wantSame(t, r, Record(client, n).WithoutOutput())
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
				if err := s.SaveRun(t.Context(), r); err != nil {
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

// TestSnippetStore checks that what newStore makes, empty each time, keeps the
// contract of sandbox.SnippetStore.
func TestSnippetStore(t *testing.T, newStore func(t *testing.T) sandbox.SnippetStore) {
	for _, tt := range []struct {
		name string
		run  func(t *testing.T, s sandbox.SnippetStore)
	}{
		{"a snippet comes back whole", snippetComesBack},
		{"a missing snippet", snippetIsMissing},
		{"an expired snippet", snippetExpires},
		{"sharing again", snippetSharedAgain},
		{"two programs, one link", snippetCollides},
		{"pruned", snippetsArePruned},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.run(t, newStore(t)) })
	}
}

// Snippet returns a snippet in which every field but the expiry is set.
func Snippet(id string) sandbox.Snippet {
	return sandbox.Snippet{
		ID: id, Title: "A <title>", Language: "python",
		Files: []sandbox.File{{Name: "main.py", Content: []byte("print('é')\n")}, {Name: "data.bin", Content: []byte{0, 255}}},
		Stdin: "in\n", Args: []string{"a", ""}, Output: "é\n",
		AuthorHash: bytes.Repeat([]byte{7}, 32), CreatedAt: epoch,
	}
}

func snippetComesBack(t *testing.T, s sandbox.SnippetStore) {
	want := Snippet("abc")
	want.ExpiresAt = time.Now().Add(time.Hour).Truncate(time.Millisecond).UTC()
	must(t, s.PutSnippet(t.Context(), want))
	got, err := s.Snippet(t.Context(), "abc")
	must(t, err)
	wantSame(t, got, want)
}

func snippetIsMissing(t *testing.T, s sandbox.SnippetStore) {
	_, err := s.Snippet(t.Context(), "abc")
	wantKind(t, err, sandbox.KindNotFound)
	wantKind(t, s.DeleteSnippet(t.Context(), "abc"), sandbox.KindNotFound)
	must(t, s.PutSnippet(t.Context(), Snippet("abc")))
	must(t, s.DeleteSnippet(t.Context(), "abc"))
	_, err = s.Snippet(t.Context(), "abc")
	wantKind(t, err, sandbox.KindNotFound)
}

func snippetExpires(t *testing.T, s sandbox.SnippetStore) {
	old := Snippet("abc")
	old.ExpiresAt = time.Now().Add(-time.Second)
	must(t, s.PutSnippet(t.Context(), old))
	_, err := s.Snippet(t.Context(), "abc")
	wantKind(t, err, sandbox.KindNotFound)
	must(t, s.PutSnippet(t.Context(), Snippet("abc")))
	got, err := s.Snippet(t.Context(), "abc")
	must(t, err)
	wantSame(t, got, Snippet("abc"))
}

func snippetSharedAgain(t *testing.T, s sandbox.SnippetStore) {
	hours := func(n int) time.Time {
		return time.Now().Truncate(time.Hour).Add(time.Duration(n) * time.Hour).UTC()
	}
	for _, tt := range []struct {
		name               string
		first, again, want time.Time
	}{
		{"later", hours(2), hours(3), hours(3)},
		{"earlier", hours(3), hours(2), hours(3)},
		{"for ever", hours(2), time.Time{}, time.Time{}},
		{"no longer for ever", time.Time{}, hours(2), time.Time{}},
	} {
		first := Snippet(tt.name)
		first.ExpiresAt = tt.first
		must(t, s.PutSnippet(t.Context(), first))
		again := Snippet(tt.name)
		again.ExpiresAt, again.CreatedAt, again.AuthorHash = tt.again, epoch.Add(time.Hour), []byte{1}
		must(t, s.PutSnippet(t.Context(), again))
		got, err := s.Snippet(t.Context(), tt.name)
		must(t, err)
		first.ExpiresAt = tt.want
		wantSame(t, got, first)
	}
}

func snippetCollides(t *testing.T, s sandbox.SnippetStore) {
	must(t, s.PutSnippet(t.Context(), Snippet("abc")))
	for name, change := range map[string]func(n *sandbox.Snippet){
		"language": func(n *sandbox.Snippet) { n.Language = "lua" },
		"files":    func(n *sandbox.Snippet) { n.Files = n.Files[:1] },
		"stdin":    func(n *sandbox.Snippet) { n.Stdin = "other" },
		"args":     func(n *sandbox.Snippet) { n.Args = nil },
	} {
		other := Snippet("abc")
		change(&other)
		if err := s.PutSnippet(t.Context(), other); sandbox.KindOf(err) != sandbox.KindConflict {
			t.Errorf("other %s: got %v, want a conflict", name, err)
		}
	}
	got, err := s.Snippet(t.Context(), "abc")
	must(t, err)
	wantSame(t, got, Snippet("abc"))
}

func snippetsArePruned(t *testing.T, s sandbox.SnippetStore) {
	for i, expiry := range []time.Time{{}, epoch, epoch.Add(time.Second), time.Now().Add(time.Hour)} {
		n := Snippet(fmt.Sprint(i))
		n.ExpiresAt = expiry
		must(t, s.PutSnippet(t.Context(), n))
	}
	for _, tt := range []struct {
		now  time.Time
		want int
	}{{epoch, 1}, {epoch, 0}, {epoch.Add(time.Hour), 1}} {
		n, err := s.PruneSnippets(t.Context(), tt.now)
		must(t, err)
		if n != tt.want {
			t.Errorf("forgot %d, want %d", n, tt.want)
		}
	}
	for _, id := range []string{"0", "3"} {
		if _, err := s.Snippet(t.Context(), id); err != nil {
			t.Errorf("snippet %s: %v", id, err)
		}
	}
}

// TestCredentialStore checks that what newStore makes, empty each time, keeps
// the contract of sandbox.CredentialStore.
func TestCredentialStore(t *testing.T, newStore func(t *testing.T) sandbox.CredentialStore) {
	for _, tt := range []struct {
		name string
		run  func(t *testing.T, s sandbox.CredentialStore)
	}{
		{"a key comes back whole", keyComesBack},
		{"a key is replaced", keyIsReplaced},
		{"a key is used", keyIsUsed},
		{"a session comes back whole", sessionComesBack},
		{"a session ends", sessionEnds},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.run(t, newStore(t)) })
	}
}

func hash(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }

func keyComesBack(t *testing.T, s sandbox.CredentialStore) {
	_, err := s.APIKeyByHash(t.Context(), hash(1))
	wantKind(t, err, sandbox.KindUnauthorized)
	for _, want := range []sandbox.APIKey{
		{ID: "one", Name: "One", Hash: hash(1), CreatedAt: epoch},
		{ID: "two", Name: "Two", Hash: hash(2), CreatedAt: epoch, LastUsedAt: epoch.Add(time.Hour)},
	} {
		must(t, s.PutAPIKey(t.Context(), want))
		got, err := s.APIKeyByHash(t.Context(), want.Hash)
		must(t, err)
		wantSame(t, got, want)
	}
	_, err = s.APIKeyByHash(t.Context(), hash(1)[:31])
	wantKind(t, err, sandbox.KindUnauthorized)
}

func keyIsReplaced(t *testing.T, s sandbox.CredentialStore) {
	must(t, s.PutAPIKey(t.Context(), sandbox.APIKey{ID: "one", Hash: hash(1), CreatedAt: epoch}))
	must(t, s.PutAPIKey(t.Context(), sandbox.APIKey{ID: "one", Name: "new", Hash: hash(2), CreatedAt: epoch}))
	_, err := s.APIKeyByHash(t.Context(), hash(1))
	wantKind(t, err, sandbox.KindUnauthorized)
	got, err := s.APIKeyByHash(t.Context(), hash(2))
	must(t, err)
	if got.Name != "new" {
		t.Errorf("got %+v", got)
	}
	wantKind(t, s.PutAPIKey(t.Context(), sandbox.APIKey{ID: "two", Hash: hash(2), CreatedAt: epoch}), sandbox.KindConflict)
}

func keyIsUsed(t *testing.T, s sandbox.CredentialStore) {
	must(t, s.PutAPIKey(t.Context(), sandbox.APIKey{ID: "one", Hash: hash(1), CreatedAt: epoch}))
	for _, at := range []time.Duration{90 * time.Second, 30 * time.Second} {
		must(t, s.TouchAPIKey(t.Context(), "one", epoch.Add(at)))
		got, err := s.APIKeyByHash(t.Context(), hash(1))
		must(t, err)
		wantSame(t, got.LastUsedAt, epoch.Add(time.Minute))
	}
	wantKind(t, s.TouchAPIKey(t.Context(), "two", epoch), sandbox.KindUnauthorized)
}

func sessionComesBack(t *testing.T, s sandbox.CredentialStore) {
	want := sandbox.Session{Hash: hash(1), CreatedAt: epoch, ExpiresAt: epoch.Add(time.Hour)}
	must(t, s.PutSession(t.Context(), want))
	got, err := s.SessionByHash(t.Context(), hash(1), epoch.Add(59*time.Minute))
	must(t, err)
	wantSame(t, got, want)
	_, err = s.SessionByHash(t.Context(), hash(2), epoch)
	wantKind(t, err, sandbox.KindUnauthorized)
	_, err = s.SessionByHash(t.Context(), hash(1), epoch.Add(time.Hour))
	wantKind(t, err, sandbox.KindUnauthorized)
}

func sessionEnds(t *testing.T, s sandbox.CredentialStore) {
	put := func(b byte, life time.Duration) {
		t.Helper()
		must(t, s.PutSession(t.Context(), sandbox.Session{Hash: hash(b), CreatedAt: epoch, ExpiresAt: epoch.Add(life)}))
	}
	put(1, time.Hour)
	put(2, time.Second)
	put(3, time.Hour)
	must(t, s.DeleteSession(t.Context(), hash(1)))
	must(t, s.DeleteSession(t.Context(), hash(9)))
	_, err := s.SessionByHash(t.Context(), hash(1), epoch)
	wantKind(t, err, sandbox.KindUnauthorized)
	n, err := s.PruneSessions(t.Context(), epoch.Add(time.Second))
	must(t, err)
	if n != 1 {
		t.Errorf("forgot %d sessions, want 1", n)
	}
	_, err = s.SessionByHash(t.Context(), hash(3), epoch)
	must(t, err)
}
