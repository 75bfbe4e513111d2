package gitrepo_test

import (
	"bytes"
	"errors"
	"io/fs"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"sandpiper/sandbox/gitrepo"
	"sandpiper/sandbox/guest"
)

// plainFS is a file system without links and modes, as simple guests have.
type plainFS struct{ guest.FS }

func (plainFS) Symlink(string, string) error          { return errors.ErrUnsupported }
func (plainFS) Readlink(string) (string, error)       { return "", errors.ErrUnsupported }
func (plainFS) Chmod(string, fs.FileMode) error       { return errors.ErrUnsupported }
func (p plainFS) Stat(n string) (fs.FileInfo, error)  { return plain(p.FS.Stat(n)) }
func (p plainFS) Lstat(n string) (fs.FileInfo, error) { return plain(p.FS.Lstat(n)) }

func (p plainFS) OpenFile(n string, flag int, _ fs.FileMode) (guest.File, error) {
	f, err := p.FS.OpenFile(n, flag, 0o644)
	return plainFile{f}, err
}

func (p plainFS) ReadDir(n string) ([]fs.DirEntry, error) {
	entries, err := p.FS.ReadDir(n)
	for i, e := range entries {
		info, ierr := plain(e.Info())
		if ierr != nil {
			return nil, ierr
		}
		entries[i] = fs.FileInfoToDirEntry(info)
	}
	return entries, err
}

type plainFile struct{ guest.File }

func (f plainFile) Stat() (fs.FileInfo, error) { return plain(f.File.Stat()) }

type plainInfo struct{ fs.FileInfo }

func plain(info fs.FileInfo, err error) (fs.FileInfo, error) {
	if err != nil {
		return nil, err
	}
	return plainInfo{info}, nil
}

func (i plainInfo) Mode() fs.FileMode { return i.FileInfo.Mode().Type() | 0o644 }

// A repository with links and programs is whole in a guest that has neither, and
// goes back as it was.
func TestGuestWithoutLinksAndModes(t *testing.T) {
	s := serve(t, httptest.NewServer, "", "")
	s.git(t, "r.git", "config", "http.receivepack", "true")
	b := newBox(t, loopback)
	b.c = gitrepo.New(plainFS{b.g.FS()}, b.dir, loopback)
	b.ok(b.clone(gitrepo.CloneOptions{URL: s.url, Dir: "r"}))
	b.want("r/link", "README.md") // as git does where there are no links
	if got := b.status("r"); got != "" {
		t.Errorf("after the clone: %s", got)
	}
	b.clean("r") // the real git is told by the configuration
	b.put("r/run.sh", "#!/bin/sh\necho changed\n")
	b.put("r/new.sh", "new\n")
	if got := b.status("r"); got != "?? new.sh| M run.sh" {
		t.Errorf("after changes: %s", got)
	}
	b.commit("r", "changed")
	_, err := b.open("r").Push(gitrepo.RemoteOptions{})
	b.ok(err)
	s.git(t, "work", "pull", "-q")
	if got := s.git(t, "work", "ls-files", "-s", "link", "run.sh", "new.sh"); strings.Join(firstFields(got), " ") != "120000 100644 100755" {
		t.Errorf("the modes became\n%s", got)
	}
	b.ok(b.open("r").Checkout("HEAD~1"))
	if got := b.status("r"); got != "" {
		t.Errorf("after a checkout: %s", got)
	}
}

func firstFields(text string) (fields []string) {
	for line := range strings.Lines(text) {
		fields = append(fields, strings.Fields(line)[0])
	}
	return fields
}

func TestConfigKeepsTheRest(t *testing.T) {
	b := newBox(t, gitrepo.Nowhere(""))
	const before = "# mine\n[user] # who\n\tname = Old ; was\n\temail = e@example.com\n\n[alias]\n\tlong = \"!f() { \\\n\t\techo; }; f\"\n[remote \"a.b\"]\n\turl = x\n[USER]\n\tsigningkey = k\n"
	b.put(".gitconfig", before)
	set := func(key, value string) {
		t.Helper()
		b.ok(b.c.SetConfig(t.Context(), key, value, gitrepo.ScopeGlobal, ""))
		if got := b.git(".", "config", "--global", key); got != value {
			t.Errorf("%s: the real git reads %q, want %q", key, got, value)
		}
	}
	set("user.name", "New # Name")
	set("alias.st", "status")
	set("alias.long", "short")
	set("remote.a.b.url", `y\z`)
	set("New.Sub \"q\".key", "v")
	const after = "# mine\n[user] # who\n\tname = \"New # Name\"\n\temail = e@example.com\n\n[alias]\n\tlong = short\n\tst = status\n[remote \"a.b\"]\n\turl = \"y\\\\z\"\n[USER]\n\tsigningkey = k\n[new \"Sub \\\"q\\\"\"]\n\tkey = v\n"
	b.want(".gitconfig", after)
	if v, ok, err := b.c.Config(t.Context(), "user.signingkey", gitrepo.ScopeGlobal, ""); err != nil || !ok || v != "k" {
		t.Errorf("%q %v %v", v, ok, err)
	}
	dots := b.path("dots")
	b.ok(os.Rename(b.path(".gitconfig"), dots))
	b.ok(os.Symlink("dots", b.path(".gitconfig")))
	set("user.name", "Through a link")
	if target, err := os.Readlink(b.path(".gitconfig")); err != nil || target != "dots" {
		t.Errorf("the link became %q, %v", target, err)
	}
}

// FuzzConfig sets any value of a key in any configuration that can be read, and
// must read it back, with the other settings as they were.
func FuzzConfig(f *testing.F) {
	f.Add("[a]\n\tb = c\n", "a", "b", "value")
	f.Add("[a \"x y\"] # c\nb=1\n[a]\nb", "a", "z", " \"q\\\n#;")
	f.Add("[a]\n\tb = x\\\n y\n\tc = 1", "A", "B", "")
	f.Fuzz(func(t *testing.T, content, section, name, value string) {
		b := newBox(t, gitrepo.Nowhere(""))
		b.put(".gitconfig", content)
		key := section + "." + name
		if strings.ContainsAny(value, "\x00\r") || strings.Contains(section+name, ".") {
			return
		}
		list := func() string {
			var out, errs bytes.Buffer
			if gitrepo.Command(t.Context(), b.g.FS(), b.dir, []string{"HOME=" + b.dir}, []string{"config", "--global", "--list"}, &out, &errs, gitrepo.Network{}) != 0 {
				return "error"
			}
			return out.String()
		}
		before := list()
		if before == "error" || exec.Command("git", "config", "-f", b.path(".gitconfig"), "--list").Run() != nil {
			return
		}
		if b.c.SetConfig(t.Context(), key, value, gitrepo.ScopeGlobal, "") != nil {
			return
		}
		real, err := exec.Command("git", "config", "-f", b.path(".gitconfig"), key).Output()
		if got, _ := strings.CutSuffix(string(real), "\n"); err != nil || got != value {
			t.Errorf("the real git reads %q, %v, want %q from\n%q", got, err, value, content)
		}
	})
}
