package e2e

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sandpiper/e2e/rawclient"
	"sandpiper/e2e/testserver"
)

// TestDiskFull fills the disk of the data folder while a sandbox is at work. Every
// call that needs room says so and changes nothing, everything else goes on, and
// what fills the disk can be stopped and deleted.
func TestDiskFull(t *testing.T) {
	data := smallDisk(t)
	c := rawclient.New(startServer(t, data).URL, testserver.Key)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var s rawclient.Sandbox
	if err := c.Call(ctx, http.MethodPost, "/api/sandbox", map[string]any{"snapshot": "wasm", "disk": 1}, &s); err != nil {
		t.Fatal(err)
	}
	upload := func(name, content string) error {
		return c.Upload(ctx, s.ID, name, strings.NewReader(content), int64(len(content)))
	}
	exec := func(command, want string) {
		t.Helper()
		if r, err := c.Exec(ctx, s.ID, command); err != nil || !strings.Contains(r.Result, want) {
			t.Errorf("%s: %+v, %v, want %q", command, r, err, want)
		}
	}
	if err := upload("kept", "precious"); err != nil {
		t.Fatal(err)
	}
	session := newSessionForDisk(ctx, t, c)
	session.put("kept", "precious")
	session.cell("x = 40", "")
	ballast := fillDisk(t, data, 8<<20)

	refused(t, "a file of a session", session.tryPut("kept", strings.Repeat("x", 12<<20)), http.StatusServiceUnavailable, "disk is full")
	session.cell("x + 2", "42")

	exec("head -c 16M /dev/zero > big; echo code $?", "No space left on device")
	refused(t, "an upload", upload("new", strings.Repeat("x", 1<<20)), http.StatusBadRequest, "no room left")
	refused(t, "a larger one in its place", upload("kept", strings.Repeat("x", 1<<20)), http.StatusBadRequest, "no room left")
	refused(t, "git", c.Toolbox(ctx, http.MethodPost, s.ID, "/git/init", map[string]any{"path": "repo"}, nil), http.StatusBadRequest, "no room left")
	exec("cat kept; ls -a", "precious")
	exec("ls -a | grep -c part", "0")

	move := func(call, state string) rawclient.Sandbox {
		t.Helper()
		if err := c.Call(ctx, http.MethodPost, "/api/sandbox/"+s.ID+"/"+call, nil, nil); err != nil {
			t.Fatalf("%s on a full disk: %v", call, err)
		}
		now, err := c.WaitState(ctx, s.ID, state)
		if err != nil {
			t.Fatalf("%s on a full disk: %v", call, err)
		}
		return now
	}
	move("stop", "stopped")
	if now := move("archive", "stopped"); !strings.Contains(now.ErrorReason, "disk is full") {
		t.Errorf("an archive without room: %+v", now)
	}
	move("start", "started")
	exec("cat kept", "precious")

	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if err := upload("new", strings.Repeat("x", 1<<20)); err != nil {
		t.Errorf("an upload, once there is room: %v", err)
	}
	fillDisk(t, data, 0)
	session.cell("x + 3", "43")
	session.kept("kept", "precious")
	refused(t, "the pause of a session", session.call(http.MethodPost, "/pause", nil, nil), http.StatusServiceUnavailable, "was not saved")
	refused(t, "the fork of a session", session.call(http.MethodPost, "/fork", map[string]any{}, nil), http.StatusServiceUnavailable, "was not forked")
	session.cell("x + 4", "44")
	var run struct{ Stdout string }
	if err := c.Call(ctx, http.MethodPost, "/v1/run", map[string]any{"language": "javascript", "code": "console.log(6 * 7)"}, &run); err != nil || run.Stdout != "42\n" {
		t.Errorf("a run on a full disk: %q, %v", run.Stdout, err)
	}
	var another rawclient.Sandbox
	if err := c.Call(ctx, http.MethodPost, "/api/sandbox", map[string]any{"snapshot": "wasm", "disk": 1}, &another); err != nil || !strings.Contains(another.ErrorReason, "disk is full") {
		t.Errorf("a sandbox on a full disk: %+v, %v", another, err)
	}
	if err := c.Delete(ctx, s.ID); err != nil {
		t.Errorf("delete on a full disk: %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(data, "sandboxes", s.ID+"*")); err != nil || len(left) > 0 {
		t.Errorf("it left %v, %v", left, err)
	}
}

// diskSession is a session of JavaScript on a disk that becomes full.
type diskSession struct {
	t    *testing.T
	call func(method, path string, in, out any) error // below the session
}

func newSessionForDisk(ctx context.Context, t *testing.T, c *rawclient.Client) diskSession {
	t.Helper()
	var made struct{ ID string }
	if err := c.Call(ctx, http.MethodPost, "/v1/sessions", map[string]any{"language": "javascript"}, &made); err != nil {
		t.Fatal(err)
	}
	return diskSession{t, func(method, path string, in, out any) error {
		return c.Call(ctx, method, "/v1/sessions/"+made.ID+path, in, out)
	}}
}

// tryPut writes a file, whose content is a text in JSON.
func (s diskSession) tryPut(name, text string) error {
	return s.call(http.MethodPut, "/files/"+name, text, nil)
}

func (s diskSession) put(name, text string) {
	s.t.Helper()
	if err := s.tryPut(name, text); err != nil {
		s.t.Fatal(err)
	}
}

func (s diskSession) kept(name, want string) {
	s.t.Helper()
	var got string
	if err := s.call(http.MethodGet, "/files/"+name, nil, &got); err != nil || got != want {
		s.t.Errorf("the file %s of a session is %.40q, %v", name, got, err)
	}
}

// cell executes code whose value must be want; "" for any.
func (s diskSession) cell(code, want string) {
	s.t.Helper()
	var a struct {
		Status string
		Result *struct{ Data map[string]string }
	}
	err := s.call(http.MethodPost, "/execute", map[string]any{"code": code}, &a)
	if err != nil || a.Status != "ok" || want != "" && (a.Result == nil || a.Result.Data["text/plain"] != want) {
		s.t.Errorf("the cell %s: %+v, %v", code, a, err)
	}
}

// refused holds that an error is an answer with a status and a text.
func refused(t *testing.T, what string, err error, status int, text string) {
	t.Helper()
	var e *rawclient.StatusError
	if !errors.As(err, &e) || e.Status != status || !strings.Contains(e.Body, text) {
		t.Errorf("%s on a full disk: %v", what, err)
	}
}

// smallDisk returns a data folder on a disk of its own.
func smallDisk(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root mounts")
	}
	data := t.TempDir()
	// A sandbox may have a GiB, and the server keeps some room free.
	if err := unix.Mount("sandpiper-test", data, "tmpfs", 0, "size=2600m,mode=0711"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(data, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	keepCaches(t, data)
	return data
}

// fillDisk takes all room of a file system but spare bytes, and returns the file
// that does.
func fillDisk(t *testing.T, dir string, spare int64) string {
	t.Helper()
	var disk unix.Statfs_t
	if err := unix.Statfs(dir, &disk); err != nil {
		t.Fatal(err)
	}
	f, err := os.CreateTemp(dir, "ballast-")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if size := int64(disk.Bavail)*disk.Bsize - spare; size > 0 {
		if err := unix.Fallocate(int(f.Fd()), 0, 0, size); err != nil {
			t.Fatal(err)
		}
	}
	return f.Name()
}
