package gitrepo_test

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"sandpiper/sandbox/gitrepo"
)

// A small repository that unfolds into a large object is refused before it does,
// also when the object comes as changes to another one.
func TestObjectsThatUnfold(t *testing.T) {
	s := serve(t, httptest.NewServer, "", "")
	large := filepath.Join(s.root, "work/large")
	for _, name := range []string{"whole", "delta"} {
		if err := os.WriteFile(large, []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(large, 3<<20); err != nil {
			t.Fatal(err)
		}
		s.git(t, "work", "checkout", "-q", "-B", name)
		s.git(t, "work", "-c", "core.bigFileThreshold=1g", "add", "large")
		s.git(t, "work", "commit", "-q", "-m", name)
		s.git(t, "work", "push", "-q", "origin", name)
	}
	b := newBox(t, loopback)
	b.c.LimitObjects(1 << 20)
	for _, branch := range []string{"whole", "delta"} {
		b.kind(b.clone(gitrepo.CloneOptions{URL: s.url, Dir: "r", Branch: branch, Depth: 1}), gitrepo.KindInvalid)
		b.want("r", "-")
	}
	b.kind(b.clone(gitrepo.CloneOptions{URL: filepath.Join(s.root, "r.git"), Dir: "r", Branch: "whole"}), gitrepo.KindInvalid)
	b.ok(b.clone(gitrepo.CloneOptions{URL: s.url, Dir: "r", Depth: 1})) // the rest is fine
	b.clean("r")
	b.git(".", "clone", "-q", "-b", "whole", filepath.Join(s.root, "r.git"), "real")
	b.put("real/README.md", "changed\n")
	b.ok(os.Truncate(b.path("real/large"), 2<<20))
	b.kind(b.open("real").Add([]string{"."}), gitrepo.KindInvalid) // the real git made it too large
}
