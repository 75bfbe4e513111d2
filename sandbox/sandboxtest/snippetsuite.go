package sandboxtest

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"sandpiper/sandbox"
)

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
	now := time.Now().Truncate(time.Second).UTC()
	hours := func(n int) time.Time { return now.Add(time.Duration(n) * time.Hour) }
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
	now := time.Now().Truncate(time.Second)
	hour := func(n int) time.Time { return now.Add(time.Duration(n) * time.Hour) }
	for i, expiry := range []time.Time{{}, hour(2), hour(3), hour(9)} {
		n := Snippet(fmt.Sprint(i))
		n.ExpiresAt = expiry
		must(t, s.PutSnippet(t.Context(), n))
	}
	for _, tt := range []struct {
		now  time.Time
		want int
	}{{hour(2), 1}, {hour(2), 0}, {hour(4), 1}} {
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
