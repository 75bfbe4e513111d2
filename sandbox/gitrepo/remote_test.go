package gitrepo_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sandpiper/sandbox/gitrepo"
)

func (b *box) clone(o gitrepo.CloneOptions) error {
	o.Dir, o.From = b.path(o.Dir), b.dir
	return b.c.Clone(b.Context(), o)
}

func TestClone(t *testing.T) {
	s := serve(t, httptest.NewServer, "", "")
	b := newBox(t, loopback)
	b.ok(b.clone(gitrepo.CloneOptions{URL: s.url, Dir: "deep/er/r"}))
	b.clean("deep/er/r")
	b.want("deep/er/r/dir/file.txt", "two\n")
	if target, err := os.Readlink(b.path("deep/er/r/link")); err != nil || target != "README.md" {
		t.Errorf("link %q, %v", target, err)
	}
	if info, err := os.Stat(b.path("deep/er/r/run.sh")); err != nil || info.Mode() != 0o755 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	st, err := b.open("deep/er/r").Status()
	if err != nil || st.Branch != "main" || st.Upstream != "origin/main" || !st.Published || st.Ahead+st.Behind+len(st.Files) != 0 {
		t.Errorf("status %+v, %v", st, err)
	}
	if got := b.git("deep/er/r", "branch", "-a", "--format=%(refname)"); got != "refs/heads/main\nrefs/remotes/origin/HEAD\nrefs/remotes/origin/feature\nrefs/remotes/origin/main" {
		t.Errorf("branches:\n%s", got)
	}
	b.kind(b.clone(gitrepo.CloneOptions{URL: s.url, Dir: "deep"}), gitrepo.KindExists)
	b.git("deep/er/r", "fetch", "-q") // the real git can go on with it
	b.ok(b.open("deep/er/r").Checkout("feature"))
	b.want("deep/er/r/feature.txt", "new\n")
	if st, err := b.open("deep/er/r").Status(); err != nil || st.Upstream != "origin/feature" {
		t.Errorf("a branch of the remote: %+v, %v", st, err)
	}
}

func TestCloneWhat(t *testing.T) {
	s := serve(t, httptest.NewServer, "", "")
	first := s.git(t, "work", "rev-parse", "main~1")
	tests := []struct {
		name    string
		o       gitrepo.CloneOptions
		branch  string // "" for a detached HEAD
		commits string
	}{
		{"branch", gitrepo.CloneOptions{Branch: "feature"}, "feature", "3"},
		{"tag", gitrepo.CloneOptions{Branch: "v1"}, "", "1"},
		{"commit", gitrepo.CloneOptions{Commit: first}, "", "1"},
		{"short commit", gitrepo.CloneOptions{Commit: first[:8], Depth: 1}, "", "1"},
		{"depth", gitrepo.CloneOptions{Depth: 1}, "main", "1"},
		{"depth of a branch", gitrepo.CloneOptions{Depth: 2, Branch: "feature"}, "feature", "2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBox(t, loopback)
			tt.o.URL, tt.o.Dir = s.url, "r"
			b.ok(b.clone(tt.o))
			b.clean("r")
			if got := b.git("r", "branch", "--show-current"); got != tt.branch {
				t.Errorf("on %q", got)
			}
			if got := b.git("r", "rev-list", "--count", "HEAD"); got != tt.commits {
				t.Errorf("%s commits, want %s", got, tt.commits)
			}
		})
	}
	b := newBox(t, loopback)
	b.ok(b.clone(gitrepo.CloneOptions{URL: s.url, Dir: "bare.git", Bare: true}))
	if got := b.git("bare.git", "rev-list", "--count", "--all"); got != "3" {
		t.Errorf("bare: %s commits", got)
	}
	s.git(t, ".", "init", "-q", "--bare", "empty.git")
	b.ok(b.clone(gitrepo.CloneOptions{URL: strings.Replace(s.url, "r.git", "empty.git", 1), Dir: "empty"}))
	b.git("empty", "status")
}

// A clone that fails leaves nothing, and says what was wrong.
func TestCloneErrors(t *testing.T) {
	s := serve(t, httptest.NewServer, "", "")
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	tests := []struct {
		name string
		o    gitrepo.CloneOptions
		kind gitrepo.Kind
	}{
		{"no repository", gitrepo.CloneOptions{URL: strings.Replace(s.url, "r.git", "x.git", 1)}, gitrepo.KindRepoNotFound},
		{"no branch", gitrepo.CloneOptions{URL: s.url, Branch: "nowhere"}, gitrepo.KindBranchNotFound},
		{"no commit", gitrepo.CloneOptions{URL: s.url, Commit: strings.Repeat("1", 40)}, gitrepo.KindBranchNotFound},
		{"no server", gitrepo.CloneOptions{URL: closed.URL + "/r.git"}, gitrepo.KindTransport},
		{"ssh", gitrepo.CloneOptions{URL: "ssh://git@127.0.0.1/r.git"}, gitrepo.KindForbidden},
		{"scp", gitrepo.CloneOptions{URL: "git@127.0.0.1:r.git"}, gitrepo.KindForbidden},
		{"git", gitrepo.CloneOptions{URL: "git://127.0.0.1/r.git"}, gitrepo.KindForbidden},
		{"ext", gitrepo.CloneOptions{URL: "ext::sh -c touch% /tmp/x"}, gitrepo.KindForbidden},
		{"our own scheme", gitrepo.CloneOptions{URL: "sandpiper-guest://op1/etc"}, gitrepo.KindInvalid},
		{"option", gitrepo.CloneOptions{URL: "--upload-pack=touch /tmp/x"}, gitrepo.KindRepoNotFound},
		{"no folder", gitrepo.CloneOptions{URL: "nowhere"}, gitrepo.KindRepoNotFound},
		{"no repository in the folder", gitrepo.CloneOptions{URL: "file:///etc"}, gitrepo.KindRepoNotFound},
		{"empty", gitrepo.CloneOptions{}, gitrepo.KindInvalid},
		{"depth", gitrepo.CloneOptions{URL: s.url, Depth: -1}, gitrepo.KindInvalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBox(t, loopback)
			tt.o.Dir = "a/b/r"
			b.kind(b.clone(tt.o), tt.kind)
			b.want("a", "-")
			b.ok(os.Mkdir(b.path("empty"), 0o755))
			tt.o.Dir = "empty"
			b.kind(b.clone(tt.o), tt.kind)
			if entries, err := os.ReadDir(b.path("empty")); err != nil || len(entries) > 0 {
				t.Errorf("left %v, %v", entries, err)
			}
		})
	}
}

func TestCloneIsCancelled(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer server.Close()
	b := newBox(t, loopback)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := b.c.Clone(ctx, gitrepo.CloneOptions{URL: server.URL, Dir: b.path("r")}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	b.want("r", "-")
	server.CloseClientConnections()
}

func TestCredentials(t *testing.T) {
	s := serve(t, httptest.NewServer, "ann", "p@ss/word")
	good := gitrepo.Credentials{Username: "ann", Password: "p@ss/word"}
	b := newBox(t, loopback)
	err := b.clone(gitrepo.CloneOptions{URL: s.url, Dir: "r"})
	b.kind(err, gitrepo.KindAuth)
	err = b.clone(gitrepo.CloneOptions{URL: strings.Replace(s.url, "//", "//ann:wrong-secret@", 1), Dir: "r"})
	b.kind(err, gitrepo.KindAuth)
	if strings.Contains(err.Error(), "wrong-secret") {
		t.Errorf("the error tells the password: %v", err)
	}
	b.ok(b.clone(gitrepo.CloneOptions{URL: s.url, Dir: "r", Credentials: good}))
	if config, _ := os.ReadFile(b.path("r/.git/config")); strings.Contains(string(config), "word") {
		t.Errorf("the configuration has the password:\n%s", config)
	}
	b.ok(b.clone(gitrepo.CloneOptions{URL: strings.Replace(s.url, "//", "//ann:p%40ss%2Fword@", 1), Dir: "r2"}))
	if _, err := b.open("r").Pull(gitrepo.RemoteOptions{}); true {
		b.kind(err, gitrepo.KindAuth)
	}

	host := strings.TrimPrefix(strings.TrimSuffix(s.url, "/r.git"), "http://")
	b.ok(b.c.StoreCredentials(t.Context(), "http", host, gitrepo.Credentials{Username: "old", Password: "old"}))
	b.ok(b.c.StoreCredentials(t.Context(), "https", "other.example.com", gitrepo.Credentials{Username: "x", Password: "y"}))
	b.ok(b.c.StoreCredentials(t.Context(), "http", host, good))
	if info, err := os.Stat(b.path(".git-credentials")); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	_, err = b.open("r").Pull(gitrepo.RemoteOptions{})
	b.ok(err)
	b.git("r", "fetch") // the real git finds them too
	for _, bad := range []string{"", "a/b", "a@b", "a\nb"} {
		b.kind(b.c.StoreCredentials(t.Context(), "https", bad, good), gitrepo.KindInvalid)
	}
	b.kind(b.c.StoreCredentials(t.Context(), "ftp", "host", good), gitrepo.KindInvalid)
}

func TestTLS(t *testing.T) {
	s := serve(t, httptest.NewTLSServer, "", "")
	b := newBox(t, loopback)
	b.kind(b.clone(gitrepo.CloneOptions{URL: s.url, Dir: "r"}), gitrepo.KindTransport)
	b.ok(b.clone(gitrepo.CloneOptions{URL: s.url, Dir: "r", Insecure: true}))
	b.kind(b.clone(gitrepo.CloneOptions{URL: s.url, Dir: "r2"}), gitrepo.KindTransport) // only that once
}

func TestPullAndPush(t *testing.T) {
	s := serve(t, httptest.NewServer, "", "")
	s.git(t, "r.git", "config", "http.receivepack", "true")
	b := newBox(t, loopback)
	b.ok(b.clone(gitrepo.CloneOptions{URL: s.url, Dir: "r"}))

	s.commit(t, "README.md", "hello again\n", "third")
	s.git(t, "work", "push", "-q", "origin", "main")
	changed, err := b.open("r").Pull(gitrepo.RemoteOptions{})
	if err != nil || !changed {
		t.Fatalf("pull: %v %v", changed, err)
	}
	b.want("r/README.md", "hello again\n")
	b.clean("r")
	if changed, err = b.open("r").Pull(gitrepo.RemoteOptions{}); err != nil || changed {
		t.Errorf("pull of nothing: %v %v", changed, err)
	}

	b.put("r/mine.txt", "mine\n")
	b.commit("r", "mine")
	if st, err := b.open("r").Status(); err != nil || st.Ahead != 1 || st.Behind != 0 {
		t.Errorf("ahead: %+v %v", st, err)
	}
	changed, err = b.open("r").Push(gitrepo.RemoteOptions{})
	if err != nil || !changed {
		t.Fatalf("push: %v %v", changed, err)
	}
	if changed, err = b.open("r").Push(gitrepo.RemoteOptions{}); err != nil || changed {
		t.Errorf("push of nothing: %v %v", changed, err)
	}
	s.git(t, "r.git", "fsck", "--strict")
	s.git(t, "work", "pull", "-q")
	if got := s.git(t, "work", "log", "-1", "--format=%s"); got != "mine" {
		t.Errorf("the remote has %q", got)
	}
	if st, err := b.open("r").Status(); err != nil || st.Ahead != 0 || !st.Published {
		t.Errorf("after the push: %+v %v", st, err)
	}

	s.commit(t, "theirs.txt", "theirs\n", "theirs")
	s.git(t, "work", "push", "-q")
	b.put("r/mine.txt", "more\n")
	b.commit("r", "more")
	_, err = b.open("r").Push(gitrepo.RemoteOptions{})
	b.kind(err, gitrepo.KindPushRejected)
	_, err = b.open("r").Pull(gitrepo.RemoteOptions{})
	b.kind(err, gitrepo.KindConflict)
	if st, err := b.open("r").Status(); err != nil || st.Ahead != 1 || st.Behind != 1 {
		t.Errorf("diverged: %+v %v", st, err)
	}
	_, err = b.open("r").Push(gitrepo.RemoteOptions{Force: true})
	b.ok(err)
	b.clean("r")
}

func TestPullKeepsChanges(t *testing.T) {
	s := serve(t, httptest.NewServer, "", "")
	b := newBox(t, loopback)
	b.ok(b.clone(gitrepo.CloneOptions{URL: s.url, Dir: "r"}))
	s.commit(t, "README.md", "hello again\n", "third")
	s.git(t, "work", "push", "-q", "origin", "main")
	b.put("r/README.md", "my change\n")
	_, err := b.open("r").Pull(gitrepo.RemoteOptions{})
	b.kind(err, gitrepo.KindDirty)
	b.want("r/README.md", "my change\n")
	b.git("r", "checkout", "README.md")
	b.put("r/dir/file.txt", "kept\n")
	_, err = b.open("r").Pull(gitrepo.RemoteOptions{})
	b.ok(err)
	b.want("r/README.md", "hello again\n")
	b.want("r/dir/file.txt", "kept\n")
}

func TestPushWhat(t *testing.T) {
	s := serve(t, httptest.NewServer, "", "")
	s.git(t, "r.git", "config", "http.receivepack", "true")
	b := newBox(t, loopback)
	b.ok(b.clone(gitrepo.CloneOptions{URL: s.url, Dir: "r"}))
	b.ok(b.open("r").CheckoutNew("mine", ""))
	b.put("r/f", "f\n")
	b.commit("r", "f")
	st, err := b.open("r").Status()
	if err != nil || st.Published || st.Upstream != "" {
		t.Errorf("before the push: %+v %v", st, err)
	}
	_, err = b.open("r").Push(gitrepo.RemoteOptions{SetUpstream: true})
	b.ok(err)
	if st, err = b.open("r").Status(); err != nil || !st.Published || st.Upstream != "origin/mine" {
		t.Errorf("after the push: %+v %v", st, err)
	}
	_, err = b.open("r").Push(gitrepo.RemoteOptions{Branch: "nowhere"})
	b.kind(err, gitrepo.KindBranchNotFound)
	_, err = b.open("r").Push(gitrepo.RemoteOptions{Remote: "nowhere"})
	b.kind(err, gitrepo.KindRepoNotFound)
	_, err = b.open("r").Pull(gitrepo.RemoteOptions{Branch: "nowhere"})
	b.kind(err, gitrepo.KindBranchNotFound)

	hook := filepath.Join(s.root, "r.git/hooks/pre-receive")
	if err := os.MkdirAll(filepath.Dir(hook), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(hook, []byte("#!/bin/sh\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	b.put("r/f", "g\n")
	b.commit("r", "g")
	_, err = b.open("r").Push(gitrepo.RemoteOptions{})
	b.kind(err, gitrepo.KindRemoteRejected)
}

// Folders of the guest are remotes too, without any network.
func TestLocalRemotes(t *testing.T) {
	b := newBox(t, gitrepo.Nowhere("no network"))
	b.repo("one")
	b.ok(b.clone(gitrepo.CloneOptions{URL: "one", Dir: "two", Depth: 1}))
	b.clean("two")
	b.want("two/a.txt", "one more\n")
	b.ok(b.clone(gitrepo.CloneOptions{URL: "file://" + b.path("one"), Dir: "hub.git", Bare: true}))
	b.ok(b.open("two").AddRemote("hub", "../hub.git", false))
	b.put("two/new.txt", "new\n")
	b.commit("two", "new")
	_, err := b.open("two").Push(gitrepo.RemoteOptions{Remote: "hub"})
	b.ok(err)
	b.git("hub.git", "fsck", "--strict")
	_, err = b.open("two").Push(gitrepo.RemoteOptions{}) // its branch is checked out
	b.kind(err, gitrepo.KindRemoteRejected)
	b.ok(b.open("one").AddRemote("hub", b.path("hub.git"), false))
	changed, err := b.open("one").Pull(gitrepo.RemoteOptions{Remote: "hub"})
	if err != nil || !changed {
		t.Errorf("pull: %v %v", changed, err)
	}
	b.want("one/new.txt", "new\n")
	b.clean("one")
	b.kind(b.clone(gitrepo.CloneOptions{URL: "https://example.com/x.git", Dir: "x"}), gitrepo.KindForbidden)
}

func TestRemotes(t *testing.T) {
	b := newBox(t, gitrepo.Nowhere(""))
	r := b.repo("r")
	b.ok(r.AddRemote("origin", "https://example.com/a.git", false))
	b.kind(r.AddRemote("origin", "https://example.com/b.git", false), gitrepo.KindExists)
	b.ok(r.AddRemote("origin", "https://example.com/c.git", true))
	b.ok(r.AddRemote("another", "../d", false))
	for _, bad := range []string{"", "-x", "a b", "a/b", "a\"]"} {
		b.kind(r.AddRemote(bad, "x", false), gitrepo.KindInvalid)
	}
	b.kind(r.AddRemote("x", "a\nb", false), gitrepo.KindInvalid)
	got, err := b.open("r").Remotes()
	if err != nil || len(got) != 2 || got[1] != (gitrepo.Remote{Name: "origin", URL: "https://example.com/c.git"}) {
		t.Errorf("%v %v", got, err)
	}
	if real := b.git("r", "remote", "-v"); !strings.Contains(real, "origin\thttps://example.com/c.git (fetch)") {
		t.Errorf("the real git sees\n%s", real)
	}
	b.ok(b.open("r").RemoveRemote("origin"))
	b.kind(b.open("r").RemoveRemote("origin"), gitrepo.KindRepoNotFound)
	if real := b.git("r", "remote"); real != "another" {
		t.Errorf("after removing: %s", real)
	}
}

// A rewriting rule of the repository must not lead past the rules of the network.
func TestInsteadOfDoesNotLeadOut(t *testing.T) {
	for _, to := range []string{"file:///etc/", "ssh://127.0.0.1/", "/etc/", "ext::"} {
		b := newBox(t, gitrepo.Nowhere("no network"))
		r := b.repo("r")
		b.ok(r.AddRemote("origin", "https://example.com/", false))
		b.ok(b.c.SetConfig(t.Context(), "url."+to+".insteadOf", "https://example.com/", gitrepo.ScopeLocal, b.path("r")))
		if _, err := b.open("r").Fetch(gitrepo.RemoteOptions{}); err == nil {
			t.Errorf("%s was fetched", to)
		}
	}
}

// The public network refuses everything else, however it is named.
func TestPublicNetwork(t *testing.T) {
	strict := gitrepo.Public(gitrepo.PublicConfig{})
	for _, host := range []string{
		"127.0.0.1", "localhost", "[::1]", "0.0.0.0", "[::]", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "168.63.129.16",
		"[fe80::1]", "[fc00::1]", "[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "224.0.0.1", "255.255.255.255", "2130706433", "0x7f.1", "127.1",
	} {
		b := newBox(t, strict)
		err := b.clone(gitrepo.CloneOptions{URL: "http://" + host + ":1/r.git", Dir: "r"})
		var e *gitrepo.Error
		if !errors.As(err, &e) || e.Kind != gitrepo.KindForbidden && e.Kind != gitrepo.KindTransport {
			t.Errorf("%s: %v", host, err)
		}
		if e != nil && e.Kind == gitrepo.KindTransport && !strings.Contains(e.Error(), "no such host") && !strings.Contains(e.Error(), "lookup") {
			t.Errorf("%s was dialled: %v", host, err)
		}
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		ip := a.(*net.IPNet).IP
		b := newBox(t, strict)
		b.kind(b.clone(gitrepo.CloneOptions{URL: "http://" + net.JoinHostPort(ip.String(), "1") + "/r.git", Dir: "r"}), gitrepo.KindForbidden)
	}
}

// A redirect is checked like the first address, and takes no credentials along.
func TestRedirects(t *testing.T) {
	s := serve(t, httptest.NewServer, "", "")
	var target string
	redirect := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, target+strings.TrimPrefix(r.URL.RequestURI(), "/x"), http.StatusFound)
	}))
	defer redirect.Close()
	b := newBox(t, loopback)
	target = s.url
	b.ok(b.clone(gitrepo.CloneOptions{URL: redirect.URL + "/x", Dir: "r"}))
	b.clean("r")
	for _, to := range []string{"http://169.254.169.254/latest", "http://10.0.0.1", "file:///etc", "ssh://127.0.0.1"} {
		target = to
		if err := b.clone(gitrepo.CloneOptions{URL: redirect.URL + "/x", Dir: "r2"}); err == nil {
			t.Errorf("redirected to %s", to)
		}
	}
	target = redirect.URL + "/x"
	b.kind(b.clone(gitrepo.CloneOptions{URL: redirect.URL + "/x", Dir: "r2"}), gitrepo.KindTransport)

	var sent string
	thief := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent += r.Header.Get("Authorization")
		w.WriteHeader(http.StatusNotFound)
	}))
	defer thief.Close()
	target = strings.Replace(thief.URL, "127.0.0.1", "localhost", 1)
	_ = b.clone(gitrepo.CloneOptions{URL: redirect.URL + "/x", Dir: "r2", Credentials: gitrepo.Credentials{Username: "u", Password: "p"}})
	if sent != "" {
		t.Errorf("the other host got %q", sent)
	}
}

func TestTransferIsLimited(t *testing.T) {
	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
		_, _ = io.WriteString(w, "001e# service=git-upload-pack\n0000")
		for line := "003d" + strings.Repeat("1", 40) + " refs/heads/aaaa\n"; ; {
			if _, err := io.WriteString(w, line); err != nil {
				return
			}
		}
	}))
	defer endless.Close()
	b := newBox(t, gitrepo.Public(gitrepo.PublicConfig{AllowLoopback: true, MaxBytes: 1 << 20}))
	if err := b.clone(gitrepo.CloneOptions{URL: endless.URL, Dir: "r"}); err == nil {
		t.Error("an endless answer ended")
	}
	b.want("r", "-")
}
