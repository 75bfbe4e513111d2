package gitrepo_test

import (
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
