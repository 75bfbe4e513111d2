package gitrepo_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sandpiper/sandbox/gitrepo"
	"sandpiper/sandbox/guest/osguest"
)

// loopback reaches the tests' own servers, and checks addresses like the real
// thing.
var loopback = gitrepo.Public(gitrepo.PublicConfig{AllowLoopback: true})

// box is a guest with a client of its repositories.
type box struct {
	*testing.T
	c   *gitrepo.Client
	g   *osguest.Guest
	dir string
}

func newBox(t *testing.T, network gitrepo.Network) *box {
	t.Helper()
	dir := t.TempDir()
	g, err := osguest.New(osguest.Config{Home: dir, WorkDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	return &box{T: t, c: gitrepo.New(g.FS(), dir, network), g: g, dir: dir}
}

// path returns a path of the box.
func (b *box) path(name string) string { return filepath.Join(b.dir, name) }

// put writes a file.
func (b *box) put(name, content string) {
	b.Helper()
	if err := os.MkdirAll(filepath.Dir(b.path(name)), 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(b.path(name), []byte(content), 0o644); err != nil {
		b.Fatal(err)
	}
}

// want fails when a file has another content; "-" wants it not to be there.
func (b *box) want(name, content string) {
	b.Helper()
	got, err := os.ReadFile(b.path(name))
	if content == "-" {
		if !os.IsNotExist(err) {
			b.Errorf("%s is there: %q, %v", name, got, err)
		}
		return
	}
	if err != nil || string(got) != content {
		b.Errorf("%s is %.100q, %v, want %.100q", name, got, err, content)
	}
}

// open opens a repository of the box.
func (b *box) open(dir string) *gitrepo.Repo {
	b.Helper()
	r, err := b.c.Open(b.Context(), b.path(dir))
	if err != nil {
		b.Fatal(err)
	}
	return r
}

// ok fails on an error.
func (b *box) ok(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// kind fails when an error is of another kind.
func (b *box) kind(err error, kind gitrepo.Kind) {
	b.Helper()
	var e *gitrepo.Error
	if !errors.As(err, &e) || e.Kind != kind {
		b.Errorf("error %v of kind %v, want kind %d", err, e, kind)
	}
}

// git runs the real git in a folder of the box, and returns what it printed.
func (b *box) git(dir string, args ...string) string {
	b.Helper()
	out, err := realGit(b.path(dir), b.dir, args...)
	if err != nil {
		b.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return out
}

func realGit(dir, home string, args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = []string{
		"HOME=" + home, "PATH=" + os.Getenv("PATH"), "GIT_TERMINAL_PROMPT=0", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=Real Git", "GIT_AUTHOR_EMAIL=real@example.com", "GIT_COMMITTER_NAME=Real Git", "GIT_COMMITTER_EMAIL=real@example.com",
	}
	out, err := cmd.CombinedOutput()
	return strings.TrimRight(string(out), "\n"), err
}

// repo makes a repository with two commits, and returns it open.
func (b *box) repo(dir string) *gitrepo.Repo {
	b.Helper()
	b.ok(b.c.Init(b.Context(), b.path(dir), "main", false))
	b.put(dir+"/a.txt", "one\n")
	b.put(dir+"/sub/b.txt", "two\n")
	b.commit(dir, "first")
	b.put(dir+"/a.txt", "one more\n")
	b.commit(dir, "second")
	return b.open(dir)
}

// commit commits everything.
func (b *box) commit(dir, message string) string {
	b.Helper()
	r := b.open(dir)
	b.ok(r.AddAll())
	hash, err := r.Commit(gitrepo.CommitOptions{Message: message, Author: gitrepo.Author{Name: "Ann Author", Email: "ann@example.com"}})
	b.ok(err)
	return hash
}

// clean fails when the real git finds anything wrong with a repository, or any
// change that is not committed.
func (b *box) clean(dir string) {
	b.Helper()
	b.git(dir, "fsck", "--strict", "--no-dangling")
	if out := b.git(dir, "status", "--porcelain"); out != "" {
		b.Errorf("the real git sees changes in %s:\n%s", dir, out)
	}
}

// status returns the files of a status as git status --porcelain prints them.
func (b *box) status(dir string) string {
	b.Helper()
	s, err := b.open(dir).Status()
	b.ok(err)
	var lines []string
	for _, f := range s.Files {
		lines = append(lines, fmt.Sprintf("%c%c %s", f.Staging, f.Worktree, f.Name))
	}
	return strings.Join(lines, "|")
}

// server is the real git behind HTTP.
type server struct {
	url, root string
}

// serve serves a new folder with a bare repository r.git of three commits: v1
// (tagged), a second one on main, and one on the branch feature.
func serve(t *testing.T, start func(http.Handler) *httptest.Server, user, password string) *server {
	t.Helper()
	root := t.TempDir()
	exe, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	backend := &cgi.Handler{
		Path: exe, Args: []string{"http-backend"}, Dir: root, Stderr: io.Discard,
		Env: []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER=tester", "GIT_CONFIG_NOSYSTEM=1", "HOME=" + root},
	}
	h := start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u, p, _ := r.BasicAuth(); password != "" && (u != user || p != password) {
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		backend.ServeHTTP(w, r)
	}))
	t.Cleanup(h.Close)
	s := &server{url: h.URL + "/r.git", root: root}
	s.git(t, ".", "init", "-q", "--bare", "-b", "main", "r.git")
	s.git(t, ".", "clone", "-q", "r.git", "work")
	s.commit(t, "README.md", "hello\n", "first")
	s.git(t, "work", "tag", "-a", "v1", "-m", "version 1")
	if err := os.Symlink("README.md", filepath.Join(root, "work/link")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "work/run.sh"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	s.commit(t, "dir/file.txt", "two\n", "second")
	s.git(t, "work", "checkout", "-q", "-b", "feature")
	s.commit(t, "feature.txt", "new\n", "feature")
	s.git(t, "work", "checkout", "-q", "main")
	s.git(t, "work", "push", "-q", "--all")
	s.git(t, "work", "push", "-q", "--tags")
	return s
}

func (s *server) git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := realGit(filepath.Join(s.root, dir), s.root, args...)
	if err != nil {
		t.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return out
}

// commit commits a file in the server's own copy.
func (s *server) commit(t *testing.T, name, content, message string) {
	t.Helper()
	p := filepath.Join(s.root, "work", name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	s.git(t, "work", "add", "-A")
	s.git(t, "work", "commit", "-q", "-m", message)
}

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
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	r, err := b.c.Open(ctx, b.path("r"))
	b.ok(err)
	if err := r.AddAll(); !errors.Is(err, context.DeadlineExceeded) {
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
