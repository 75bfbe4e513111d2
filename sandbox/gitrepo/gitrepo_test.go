package gitrepo_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"sandpiper/sandbox/gitrepo"
)

func TestInitAndCommit(t *testing.T) {
	b := newBox(t, gitrepo.Nowhere(""))
	b.repo("r")
	b.clean("r")
	if got := b.git("r", "log", "--format=%an <%ae> %s", "--name-only"); got != "Ann Author <ann@example.com> second\n\na.txt\nAnn Author <ann@example.com> first\n\na.txt\nsub/b.txt" {
		t.Errorf("the real git sees\n%s", got)
	}
	if _, err := b.open("r").Commit(gitrepo.CommitOptions{Message: "x", Author: gitrepo.Author{Name: "a", Email: "b"}}); true {
		b.kind(err, gitrepo.KindNothing)
	}
	_, err := b.open("r").Commit(gitrepo.CommitOptions{Message: "empty", Author: gitrepo.Author{Name: "a", Email: "b"}, AllowEmpty: true})
	b.ok(err)
	_, err = b.open("r").Commit(gitrepo.CommitOptions{Message: " \n", Author: gitrepo.Author{Name: "a", Email: "b"}})
	b.kind(err, gitrepo.KindInvalid)
	_, err = b.open("r").Commit(gitrepo.CommitOptions{Message: "no author", AllowEmpty: true})
	b.kind(err, gitrepo.KindInvalid)
	b.ok(b.c.SetConfig(t.Context(), "user.name", "Configured", gitrepo.ScopeGlobal, ""))
	b.ok(b.c.SetConfig(t.Context(), "user.email", "c@example.com", gitrepo.ScopeLocal, b.path("r")))
	_, err = b.open("r").Commit(gitrepo.CommitOptions{Message: "amended", Amend: true})
	b.ok(err)
	if got := b.git("r", "log", "--format=%an <%ae> %s", "-1"); got != "Configured <c@example.com> amended" {
		t.Errorf("amended: %s", got)
	}
	b.clean("r")
	commits, more, err := b.open("r/sub").History("", 2)
	if err != nil || len(commits) != 2 || !more || commits[1].Message != "second\n" || commits[1].Author != "Ann Author" {
		t.Errorf("history: %+v, %v, %v", commits, more, err)
	}
}

func TestInit(t *testing.T) {
	b := newBox(t, gitrepo.Nowhere(""))
	b.ok(b.c.Init(t.Context(), b.path("new/repo"), "", false))
	b.ok(b.c.Init(t.Context(), b.path("bare.git"), "trunk", true))
	b.ok(b.c.Init(t.Context(), b.path("bare.git"), "other", true)) // changes nothing
	b.kind(b.c.Init(t.Context(), b.path("bad"), "a..b", false), gitrepo.KindInvalid)
	if got := b.git("new/repo", "symbolic-ref", "HEAD") + " " + b.git("bare.git", "symbolic-ref", "HEAD"); got != "refs/heads/main refs/heads/trunk" {
		t.Error(got)
	}
	if got := b.git("bare.git", "rev-parse", "--is-bare-repository"); got != "true" {
		t.Errorf("bare: %s", got)
	}
	for _, dir := range []string{"nowhere", "."} {
		_, err := b.c.Open(t.Context(), b.path(dir))
		b.kind(err, gitrepo.KindRepoNotFound)
	}
	_, err := b.open("bare.git").Status()
	b.kind(err, gitrepo.KindInvalid)
	branches, current, err := b.open("new/repo").Branches()
	if err != nil || len(branches) != 1 || current != "main" {
		t.Errorf("branches before the first commit: %q %q %v", branches, current, err)
	}
	commits, _, err := b.open("new/repo").History("", 10)
	if err != nil || len(commits) != 0 {
		t.Errorf("history before the first commit: %v %v", commits, err)
	}
}

func TestStatus(t *testing.T) {
	b := newBox(t, gitrepo.Nowhere(""))
	b.repo("r")
	b.put("r/.gitignore", "*.log\n")
	b.put("r/old name", "some content that moves\n")
	b.put("r/gone", "gone\n")
	b.put("r/run.sh", "x")
	b.commit("r", "more")
	b.put("r/ignored.log", "")
	b.put("r/.git/info/exclude", "excluded\n")
	b.put("r/excluded", "")
	b.put(".config/git/ignore", "*.user\n")
	b.put("r/x.user", "")
	b.put("r/new/untracked", "")
	b.put("r/a.txt", "changed\n")
	b.put("r/staged", "1")
	b.ok(os.Rename(b.path("r/old name"), b.path("r/new name")))
	b.ok(os.Remove(b.path("r/gone")))
	b.ok(os.Chmod(b.path("r/run.sh"), 0o755))
	b.ok(b.open("r").Add([]string{"staged", "old name", "new name", "sub"}))
	b.put("r/staged", "2")
	want := " M a.txt| D gone|R  new name|?? new/untracked| M run.sh|AM staged"
	if got := b.status("r"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := b.git("r", "status", "--porcelain", "-uall"); got != ` M a.txt
 D gone
R  "old name" -> "new name"
 M run.sh
AM staged
?? new/untracked` {
		t.Errorf("the real git sees\n%s", got)
	}
	b.kind(b.open("r").Add([]string{"nowhere"}), gitrepo.KindInvalid)
	b.kind(b.open("r").Add([]string{"ignored.log"}), gitrepo.KindInvalid)
	b.kind(b.open("r").Add([]string{"../outside"}), gitrepo.KindInvalid)
	b.kind(b.open("r").Add(nil), gitrepo.KindInvalid)
	b.ok(b.open("r/new").Add([]string{"."}))
	b.ok(b.open("r").Add([]string{b.path("r/*.sh")}))
	if got := b.status("r"); got != " M a.txt| D gone|R  new name|A  new/untracked|M  run.sh|AM staged" {
		t.Errorf("after adding: %s", got)
	}
	b.commit("r", "all")
	b.clean("r")
}

func TestBranches(t *testing.T) {
	b := newBox(t, gitrepo.Nowhere(""))
	r := b.repo("r")
	b.ok(r.CreateBranch("feature/x", ""))
	b.ok(r.CreateBranch("old", "HEAD~1"))
	b.kind(r.CreateBranch("old", ""), gitrepo.KindBranchExists)
	b.kind(r.CreateBranch("-x", ""), gitrepo.KindInvalid)
	b.kind(r.CreateBranch("a b", ""), gitrepo.KindInvalid)
	b.kind(r.CreateBranch("y", "nowhere"), gitrepo.KindBranchNotFound)
	b.kind(r.DeleteBranch("main"), gitrepo.KindInvalid)
	b.kind(r.DeleteBranch("nowhere"), gitrepo.KindBranchNotFound)
	b.ok(r.DeleteBranch("feature/x"))
	names, current, err := r.Branches()
	if err != nil || strings.Join(names, " ") != "main old" || current != "main" {
		t.Errorf("%q %q %v", names, current, err)
	}
	b.ok(r.CheckoutNew("new", "old"))
	b.want("r/a.txt", "one\n")
	b.kind(r.CheckoutNew("new", ""), gitrepo.KindBranchExists)
	if got := b.git("r", "branch", "--show-current"); got != "new" {
		t.Errorf("the real git is on %s", got)
	}
	b.clean("r")
}

func TestCheckout(t *testing.T) {
	b := newBox(t, gitrepo.Nowhere(""))
	r := b.repo("r")
	b.ok(r.CreateBranch("old", "HEAD~1"))
	b.put("r/new.txt", "from main\n")
	b.ok(os.RemoveAll(b.path("r/sub")))
	b.put("r/sub", "a file now\n")
	b.commit("r", "third")

	b.put("r/untracked", "kept\n")
	b.ok(b.open("r").Checkout("old"))
	b.want("r/a.txt", "one\n")
	b.want("r/sub/b.txt", "two\n")
	b.want("r/new.txt", "-")
	b.want("r/untracked", "kept\n")
	b.ok(os.Remove(b.path("r/untracked")))
	b.clean("r")

	b.put("r/sub/b.txt", "changed\n") // differs in main: would be lost
	b.kind(b.open("r").Checkout("main"), gitrepo.KindDirty)
	b.want("r/sub/b.txt", "changed\n")
	if s, _ := b.open("r").Status(); s.Branch != "old" {
		t.Errorf("a refused checkout moved to %s", s.Branch)
	}
	b.git("r", "checkout", "-q", "sub/b.txt")
	b.put("r/new.txt", "untracked, in the way\n")
	b.kind(b.open("r").Checkout("main"), gitrepo.KindDirty)
	b.want("r/new.txt", "untracked, in the way\n")
	b.put("r/new.txt", "from main\n") // the same: nothing is lost
	b.ok(b.open("r").Checkout("main"))
	b.want("r/sub", "a file now\n")
	b.clean("r")

	b.ok(b.open("r").CreateBranch("same", ""))
	b.put("r/a.txt", "changed, the same in both\n")
	b.ok(b.open("r").Checkout("same"))
	b.want("r/a.txt", "changed, the same in both\n")
	b.git("r", "checkout", "-q", "a.txt")

	b.ok(b.open("r").Checkout("HEAD~2"))
	s, err := b.open("r").Status()
	if err != nil || !s.Detached || s.Branch != "" {
		t.Errorf("%+v, %v", s, err)
	}
	b.clean("r")
	b.kind(b.open("r").Checkout("nowhere"), gitrepo.KindBranchNotFound)
	b.kind(b.open("r").Checkout("--force"), gitrepo.KindInvalid)
}

func TestReset(t *testing.T) {
	for _, tt := range []struct {
		mode, a, status string
		kind            gitrepo.Kind
		fails           bool
	}{
		{mode: "soft", a: "changed\n", status: "MM a.txt|A  staged"},
		{mode: "mixed", a: "changed\n", status: " M a.txt|?? staged"},
		{mode: "", a: "changed\n", status: " M a.txt|?? staged"},
		{mode: "hard", a: "one\n"},
		{mode: "keep", a: "changed\n", status: " M a.txt|A  staged", fails: true, kind: gitrepo.KindDirty},
		{mode: "merge", a: "changed\n", status: " M a.txt|A  staged", fails: true, kind: gitrepo.KindDirty},
		{mode: "odd", a: "changed\n", status: " M a.txt|A  staged", fails: true, kind: gitrepo.KindInvalid},
	} {
		t.Run("mode "+tt.mode, func(t *testing.T) {
			b := newBox(t, gitrepo.Nowhere(""))
			b.repo("r")
			b.put("r/staged", "s\n")
			b.ok(b.open("r").Add([]string{"staged"}))
			b.put("r/a.txt", "changed\n")
			err := b.open("r").Reset(tt.mode, "HEAD~1")
			if tt.fails {
				b.kind(err, tt.kind)
			} else {
				b.ok(err)
			}
			b.want("r/a.txt", tt.a)
			if got := b.status("r"); got != tt.status {
				t.Errorf("status %q, want %q", got, tt.status)
			}
			real := b.git("r", "status", "--porcelain")
			if got := strings.ReplaceAll(real, "\n", "|"); got != tt.status {
				t.Errorf("the real git sees %q", got)
			}
		})
	}
	b := newBox(t, gitrepo.Nowhere(""))
	b.ok(b.c.Init(t.Context(), b.path("r"), "", false))
	b.put("r/f", "")
	b.ok(b.open("r").Add([]string{"f"}))
	b.ok(b.open("r").Reset("", ""))
	if got := b.status("r"); got != "?? f" {
		t.Errorf("before the first commit: %q", got)
	}
}

func TestRestore(t *testing.T) {
	b := newBox(t, gitrepo.Nowhere(""))
	b.repo("r")
	change := func() {
		b.put("r/a.txt", "staged\n")
		b.put("r/new", "new\n")
		b.ok(b.open("r").AddAll())
		b.put("r/a.txt", "changed\n")
	}
	change()
	b.ok(b.open("r").Restore(gitrepo.RestoreOptions{Paths: []string{"a.txt"}}))
	b.want("r/a.txt", "staged\n")
	b.ok(b.open("r").Restore(gitrepo.RestoreOptions{Paths: []string{"."}, Staged: true}))
	if got := b.status("r"); got != " M a.txt|?? new" {
		t.Errorf("staged: %s", got)
	}
	change()
	b.ok(b.open("r").Restore(gitrepo.RestoreOptions{Paths: []string{"."}, Staged: true, Worktree: true}))
	b.want("r/a.txt", "one more\n")
	b.want("r/new", "-")
	b.clean("r")
	b.ok(b.open("r/sub").Restore(gitrepo.RestoreOptions{Paths: []string{"../a.txt"}, Worktree: true, Source: "HEAD~1"}))
	b.want("r/a.txt", "one\n")
	if got := b.status("r"); got != " M a.txt" {
		t.Errorf("source: %s", got)
	}
	b.ok(os.Remove(b.path("r/a.txt")))
	b.ok(b.open("r").ResetPaths("HEAD~1", []string{"a.txt"}))
	if got := b.status("r"); got != "MD a.txt" {
		t.Errorf("paths: %s", got)
	}
	b.kind(b.open("r").Restore(gitrepo.RestoreOptions{Paths: []string{"nowhere"}}), gitrepo.KindInvalid)
	b.kind(b.open("r").Restore(gitrepo.RestoreOptions{}), gitrepo.KindInvalid)
	b.kind(b.open("r").Restore(gitrepo.RestoreOptions{Paths: []string{"."}, Source: "nowhere"}), gitrepo.KindBranchNotFound)
}

func TestRemoveFiles(t *testing.T) {
	b := newBox(t, gitrepo.Nowhere(""))
	r := b.repo("r")
	_, err := r.Remove([]string{"sub"}, false, false, false)
	b.kind(err, gitrepo.KindInvalid)
	removed, err := r.Remove([]string{"sub"}, false, true, false)
	if err != nil || len(removed) != 1 {
		t.Errorf("%v %v", removed, err)
	}
	b.want("r/sub/b.txt", "-")
	b.put("r/a.txt", "changed\n")
	_, err = b.open("r").Remove([]string{"a.txt"}, false, false, false)
	b.kind(err, gitrepo.KindDirty)
	_, err = b.open("r").Remove([]string{"a.txt"}, true, false, false)
	b.ok(err)
	if got := b.status("r"); got != "?? a.txt|D  sub/b.txt" && got != "D  sub/b.txt|?? a.txt" {
		t.Errorf("status %s", got)
	}
}

// Another git that works in the repository is waited for, and not for ever.
func TestLock(t *testing.T) {
	b := newBox(t, gitrepo.Nowhere(""))
	b.repo("r")
	b.put("r/a.txt", "x")
	b.put("r/.git/index.lock", "")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := b.c.Open(ctx, b.path("r"))
	b.ok(err)
	time.AfterFunc(100*time.Millisecond, cancel) // opened, which takes time on a busy machine
	if err := r.AddAll(); !errors.Is(err, context.Canceled) {
		t.Errorf("with a lock: %v", err)
	}
	time.AfterFunc(100*time.Millisecond, func() { _ = os.Remove(b.path("r/.git/index.lock")) })
	b.ok(b.open("r").AddAll())
}

// What a repository writes stays in its folder, whatever links are in it.
func TestLinksDoNotLeadOut(t *testing.T) {
	b := newBox(t, gitrepo.Nowhere(""))
	b.repo("r")
	b.put("victim/config", "kept\n")
	b.ok(os.RemoveAll(b.path("r/sub")))
	b.ok(os.Symlink("../victim", b.path("r/sub")))
	b.commit("r", "a link in the place of a folder")
	b.put("victim/b.txt", "kept\n")
	b.ok(b.open("r").Checkout("HEAD~1"))
	b.want("victim/b.txt", "kept\n")
	b.want("r/sub/b.txt", "two\n")
	b.clean("r")

	b.ok(os.RemoveAll(b.path("r/sub")))
	b.ok(os.Symlink("../victim/", b.path("r/sub"))) // not as committed
	b.kind(b.open("r").Checkout("main"), gitrepo.KindDirty)
	b.ok(b.open("r").Reset("hard", ""))
	b.want("victim/b.txt", "kept\n")
	b.want("r/sub/b.txt", "two\n")
	b.ok(os.RemoveAll(b.path("r/.git/refs/heads")))
	b.ok(os.Symlink("../../../victim", b.path("r/.git/refs/heads")))
	if err := b.open("r").CreateBranch("config", "HEAD"); err == nil {
		t.Error("a reference was written through a link")
	}
	b.want("victim/config", "kept\n")
}
