package docker_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"sandpiper/runtimes/docker"
	"sandpiper/sandbox"
)

// TestImageWithoutAnything runs an image that is one static program, as a
// sandbox with that program as its main process.
func TestImageWithoutAnything(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	info, err := e.HasRef(t.Context(), staticImage)
	check(t, err)
	if strings.Join(info.Entrypoint, " ")+"|"+strings.Join(info.Cmd, " ") != "/still|8000" || info.User != "4321:4321" || info.WorkDir != "/srv" {
		t.Errorf("the image is %+v", info)
	}
	s := start(t, e, staticImage, func(s *sandbox.Spec) { s.Entrypoint = slices.Concat(info.Entrypoint, info.Cmd) })
	want := "uid 4321 in /srv with [\"8000\"]\n"
	if got := fetch(t, e, s.spec.ID, 8000); got != want {
		t.Errorf("its server says %q, want %q", got, want)
	}
	var log bytes.Buffer
	check(t, e.Logs(t.Context(), s.spec.ID, false, &log))
	if !strings.Contains(log.String(), "uid 4321 in /srv") {
		t.Errorf("its log is %q", log.String())
	}

	copied := newSpec("")
	check(t, e.Fork(t.Context(), s.spec.ID, copied))
	if _, err := e.Dial(t.Context(), copied.ID, 8000); sandbox.KindOf(err) != sandbox.KindNotFound {
		t.Errorf("a fork that was not asked to runs the entrypoint: %v", err)
	}
	check(t, e.Stop(t.Context(), s.spec.ID, 10*time.Second))
}

// fetch gets / from a server in a sandbox, which may still be starting.
func fetch(t *testing.T, e *docker.Engine, id string, port int) string {
	t.Helper()
	var conn net.Conn
	eventually(t, fmt.Sprintf("an answer from port %d", port), func() (any, bool) {
		var err error
		conn, err = e.Dial(t.Context(), id, port)
		return err, err == nil
	})
	defer conn.Close()
	check(t, conn.SetDeadline(time.Now().Add(patience)))
	io.WriteString(conn, "GET / HTTP/1.0\r\n\r\n")
	text, err := io.ReadAll(conn)
	check(t, err)
	_, body, _ := strings.Cut(string(text), "\r\n\r\n")
	return body
}

// TestUsers starts sandboxes as users of different spelling.
func TestUsers(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	for user, want := range map[string]string{
		"": "0:0 /root\n", "user": "1000:1000 /home/user\n", "1000": "1000:1000 /home/user\n", "4321:77": "4321:77 ",
	} {
		s := start(t, e, shellImage, func(s *sandbox.Spec) { s.User = user })
		if got, _ := s.execute("echo $(id -u):$(id -g) $HOME"); !strings.HasPrefix(got, want) {
			t.Errorf("user %q is %q, want %q", user, got, want)
		}
	}
}

// TestAgentDies kills the agent from outside: the sandbox is stopped, and says
// so, and starts again.
func TestAgentDies(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	s := start(t, e, shellImage, nil)
	s.execute("echo mine >/tmp/kept")
	out, err := exec.Command("docker", "inspect", "-f", "{{.State.Pid}}", containerOf(t, s.spec.ID)).Output()
	check(t, err)
	check(t, exec.Command("kill", "-9", strings.TrimSpace(string(out))).Run())
	awaitState(t, e, s.spec.ID, sandbox.StateStopped)
	_, err = e.Dial(t.Context(), s.spec.ID, sandbox.ToolboxPort)
	if sandbox.KindOf(err) != sandbox.KindConflict {
		t.Errorf("a dial: %v", err)
	}
	check(t, e.Start(t.Context(), s.spec))
	if got, _ := s.execute("cat /tmp/kept"); got != "mine\n" {
		t.Errorf("the file is %q", got)
	}
}

// TestStopAsks gives processes time to end.
func TestStopAsks(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	s := start(t, e, shellImage, func(s *sandbox.Spec) {
		s.Entrypoint = []string{"/bin/sh", "-c", "trap 'echo polite >/tmp/end; exit' TERM; echo >/tmp/ready; while :; do sleep 0.1; done"}
	})
	s.execute("until test -e /tmp/ready; do sleep 0.1; done")
	began := time.Now()
	check(t, e.Stop(t.Context(), s.spec.ID, patience))
	if took := time.Since(began); took > patience/2 {
		t.Errorf("it took %v", took)
	}
	s.spec.Entrypoint = nil
	check(t, e.Start(t.Context(), s.spec))
	if got, _ := s.execute("cat /tmp/end"); got != "polite\n" {
		t.Errorf("it was not asked: %q", got)
	}
}

// TestSpecIsRefused tries what cannot be.
func TestSpecIsRefused(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	for name, tt := range map[string]struct {
		change func(*sandbox.Spec)
		kind   sandbox.Kind
	}{
		"an ID that is a path":       {func(s *sandbox.Spec) { s.ID = "../../../../etc/passwd" }, sandbox.KindNotFound},
		"a runtime that is not here": {func(s *sandbox.Spec) { s.Runtime = "kata" }, sandbox.KindUnprocessed},
		"domains":                    {func(s *sandbox.Spec) { s.Network.Domains = []string{"example.org"} }, sandbox.KindUnprocessed},
		"IPv6":                       {func(s *sandbox.Spec) { s.Network.Allow = []string{"2001:db8::/32"} }, sandbox.KindUnprocessed},
		"volumes":                    {func(s *sandbox.Spec) { s.Volumes = []sandbox.VolumeMount{{Volume: "v", Path: "/data"}} }, sandbox.KindUnprocessed},
		"a volume over the agent":    {func(s *sandbox.Spec) { s.Volumes = []sandbox.VolumeMount{{Volume: "v", Path: "/.sandpiper/bin"}} }, sandbox.KindUnprocessed},
	} {
		spec := newSpec(shellImage)
		tt.change(&spec)
		if err := e.Create(t.Context(), spec); sandbox.KindOf(err) != tt.kind {
			t.Errorf("%s: %v", name, err)
		}
		if all, err := e.List(t.Context()); err != nil || len(all) != 0 {
			t.Errorf("%s left %+v, %v", name, all, err)
		}
	}
	if syscall.Geteuid() != 0 {
		return
	}
	f, err := e.Fingerprint(t.Context())
	check(t, err)
	if !f.Can.Network || !strings.Contains(f.Isolation, "namespaces") {
		t.Errorf("the fingerprint is %+v", f)
	}
}
