//go:build linux

package osguest_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"sandpiper/sandbox/guest"
	"sandpiper/sandbox/guest/osguest"
)

func TestFS(t *testing.T) {
	files := newGuest(t, osguest.Config{}).FS()
	dir := t.TempDir()
	name := filepath.Join(dir, "a/b/file")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(files.MkdirAll(filepath.Dir(name), 0o755))
	f, err := files.OpenFile(name, os.O_CREATE|os.O_RDWR|os.O_EXCL, 0o640)
	must(err)
	_, err = io.WriteString(f, "hello")
	must(err)
	must(f.Truncate(4))
	must(f.Close())
	must(files.Symlink("file", name+".link"))
	must(files.Chmod(name, 0o600))
	must(files.Chtimes(name, time.Unix(1, 0), time.Unix(2, 0)))
	info, err := files.Stat(name + ".link")
	must(err)
	if info.Size() != 4 || info.Mode() != 0o600 || info.ModTime().Unix() != 2 {
		t.Errorf("got %v %v %v", info.Size(), info.Mode(), info.ModTime())
	}
	if owner, group := files.Owner(info); owner == "" || group == "" {
		t.Errorf("owner %q, group %q", owner, group)
	}
	info, err = files.Lstat(name + ".link")
	must(err)
	if info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("got %v", info.Mode())
	}
	if target, err := files.Readlink(name + ".link"); target != "file" || err != nil {
		t.Errorf("got %q, %v", target, err)
	}
	must(files.Rename(name, name+"2"))
	must(files.Mkdir(filepath.Join(dir, "c"), 0o700))
	entries, err := files.ReadDir(filepath.Dir(name))
	if err != nil || len(entries) != 2 || entries[0].Name() != "file.link" {
		t.Errorf("got %v, %v", entries, err)
	}
	must(files.Chown(name+"2", "0", ""))
	must(files.Remove(filepath.Join(dir, "c")))
	must(files.RemoveAll(filepath.Join(dir, "a")))
}

func TestFSErrors(t *testing.T) {
	files := newGuest(t, osguest.Config{}).FS()
	dir := t.TempDir()
	open := func(name string) error {
		_, err := files.OpenFile(name, os.O_RDONLY, 0)
		return err
	}
	for name, c := range map[string]struct {
		err  error
		want error
	}{
		"missing":         {open(dir + "/no"), fs.ErrNotExist},
		"relative":        {open("relative"), fs.ErrInvalid},
		"relative target": {files.Rename(dir, "relative"), fs.ErrInvalid},
		"below a file":    {open("/proc/version/x"), syscall.ENOTDIR},
		"unknown owner":   {files.Chown(dir, "no-such-user", ""), fs.ErrInvalid},
		"unknown group":   {files.Chown(dir, "", "no-such-group"), fs.ErrInvalid},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v", name, c.err)
		}
	}
}

func TestPipesInTheWayDoNotBlock(t *testing.T) {
	files := newGuest(t, osguest.Config{}).FS()
	name := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := files.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := f.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("got %d, %v", n, err)
	}
	_ = f.Close()
}

// asNobody returns a guest whose user is not this process's, where that can be.
func asNobody(t *testing.T) (*osguest.Guest, string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Log("only root can be somebody else")
		return nil, ""
	}
	dir, err := os.MkdirTemp("", "nobody")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return newGuest(t, osguest.Config{User: "65534:65534", Home: dir, WorkDir: dir}), dir
}

func TestAnotherUsersFiles(t *testing.T) {
	g, dir := asNobody(t)
	if g == nil {
		return
	}
	files := g.FS()
	f, err := files.OpenFile(dir+"/made", os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	if st := info.Sys().(*syscall.Stat_t); st.Uid != 65534 || st.Gid != 65534 {
		t.Errorf("the file belongs to %d:%d", st.Uid, st.Gid)
	}
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := files.OpenFile(secret, os.O_RDONLY, 0); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("root's file: %v", err)
	}
	if err := files.Mkdir("/made-by-nobody", 0o700); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("a folder in the root: %v", err)
	}
	if err := files.Chown(dir+"/made", "0", "0"); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("giving a file away: %v", err)
	}
	if _, err := os.ReadFile(secret); err != nil {
		t.Errorf("this process lost its own rights: %v", err)
	}
}

func TestAnotherUsersProcesses(t *testing.T) {
	g, dir := asNobody(t)
	if g == nil {
		return
	}
	cmd := sh("id -u; id -g; id -G; echo $HOME; pwd")
	stdout, stderr, _ := run(t, g, cmd)
	if want := "65534\n65534\n65534\n" + dir + "\n" + dir + "\n"; stdout != want {
		t.Errorf("got %q %q", stdout, stderr)
	}
	s := openShell(t, g)
	if stdout, stderr, code := in(t, s, "id -u; touch made; stat -c %u made"); stdout != "65534\n65534\n" || code != 0 {
		t.Errorf("got %q %q %d", stdout, stderr, code)
	}
	var out buffer
	p, err := g.Start(t.Context(), guest.Cmd{Args: []string{"sh", "-c", "id -u >/dev/tty; echo named >$(tty)"}, Env: g.Info().Env, TTY: &guest.WinSize{Rows: 24, Cols: 80}, Stdout: &out})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); got != "65534\r\nnamed\r\n" {
		t.Errorf("got %q", got)
	}
}
