package docker_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"sandpiper/sandbox"
	"sandpiper/sandbox/sandboxtest"
)

const gvisor = "runsc"

// newGVisorWorld makes a world whose Docker engine has gVisor as the machine's
// own has it. It skips the test where there is none.
func newGVisorWorld(t testing.TB) *world {
	t.Helper()
	needDocker(t)
	out, err := exec.Command("docker", "info", "--format", "{{json .Runtimes}}").Output()
	check(t, err)
	var runtimes map[string]json.RawMessage
	check(t, json.Unmarshal(out, &runtimes))
	if runtimes[gvisor] == nil {
		t.Skip("gVisor is not registered with Docker, which CI does not do either since its build takes minutes: run make gvisor")
	}
	text, err := json.Marshal(map[string]any{"runtimes": map[string]any{gvisor: runtimes[gvisor]}})
	check(t, err)
	file := filepath.Join(t.TempDir(), "daemon.json")
	check(t, os.WriteFile(file, text, 0o600))
	return newWorld(t, "--config-file", file)
}

// TestGVisor holds sandboxes of gVisor to the contract of all engines.
func TestGVisor(t *testing.T) {
	w := newGVisorWorld(t)
	cfg := w.config(t)
	sandboxtest.TestEngine(t, func(t *testing.T) sandbox.Engine { return openEngine(t, cfg) }, sandboxtest.EngineSubject{
		Ref:     shellImage,
		Runtime: gvisor,
		Reopen:  func(t *testing.T, _ sandbox.Engine) sandbox.Engine { return openEngine(t, cfg) },
	})
}

// TestGVisorIsolation tries what a program that is root in its sandbox may not
// do, and that what it has to do with is not the host's kernel.
func TestGVisorIsolation(t *testing.T) {
	w := newGVisorWorld(t)
	e := openEngine(t, w.config(t))
	s := start(t, e, shellImage, func(s *sandbox.Spec) { s.Runtime = gvisor })
	found, err := e.Status(t.Context(), s.spec.ID)
	check(t, err)
	if found.Isolation != "gVisor (runsc)" {
		t.Errorf("it is isolated by %q", found.Isolation)
	}
	s.denied(map[string]denial{
		"its kernel":              {"uname -r", "gvisor"},
		"raw packets":             {"arping -c 1 -w 1 -I eth0 10.0.0.1 2>&1; echo code $?", "not permitted"},
		"mounts":                  {"mkdir -p /mnt; mount -t tmpfs none /mnt 2>&1", "denied|not permitted"},
		"device files":            {"mknod /tmp/disk b 254 0 2>&1", "not permitted"},
		"kernel settings":         {"echo 1 2>&1 >/proc/sys/kernel/sysrq", "Read-only|nonexistent|denied|not permitted"},
		"control groups":          {"mkdir /sys/fs/cgroup/memory/own /sys/fs/cgroup/own 2>&1", "Read-only|No such file|not permitted|denied"},
		"the clock":               {"date -s 2001-01-01 2>&1", "not permitted"},
		"another root":            {"chroot / true 2>&1", "not permitted"},
		"the Docker socket":       {"ls /var/run/docker.sock /run/docker.sock 2>&1", "No such file"},
		"the agent's program":     {"echo x 2>&1 >/.sandpiper/bin/toolboxd", "Read-only"},
		"more room in the box":    {"dd if=/dev/zero of=/.sandpiper/run/hog bs=64k count=64 2>&1; rm -f /.sandpiper/run/hog", "No space left"},
		"few capabilities":        {"grep CapBnd /proc/self/status", "00000000000000eb"},
		"processes of the host":   {"[ $(ls /proc | grep -c '^[0-9]') -lt 10 ] && echo few", "few"},
		"the host's disk devices": {"ls /dev | grep -E '^(vd|sd|nvme|loop)' || echo none", "none"},
	})
}

// TestGVisorNetwork holds the rules of the host's side against gVisor's own
// network stack, which would walk past rules in the sandbox's namespace.
func TestGVisorNetwork(t *testing.T) {
	w := newGVisorWorld(t)
	e := openEngine(t, w.config(t))
	s := start(t, e, shellImage, func(s *sandbox.Spec) { s.Runtime = gvisor })
	s.obeysRules(startVictim(t, e))
	check(t, e.SetNetwork(t.Context(), s.spec.ID, sandbox.Network{Allow: []string{otherAddr}}))
	if !s.reaches(otherAddr, 80) || s.escapes(internetAddr, 80) {
		t.Error("an allow list does not hold")
	}
}

// TestGVisorProcesses lets a sandbox start processes without end. gVisor itself
// ends then, and with it the sandbox, which says why and starts again with its
// files. Another sandbox goes on.
func TestGVisorProcesses(t *testing.T) {
	w := newGVisorWorld(t)
	e := openEngine(t, w.config(t))
	hardened := func(s *sandbox.Spec) { s.Runtime = gvisor }
	other, s := start(t, e, shellImage, hardened), start(t, e, shellImage, hardened)
	s.execute("echo mine >/root/kept")
	_, _, err := sandboxtest.Execute(t.Context(), e, s.spec, "i=0; while [ $i -lt 5000 ]; do sleep 60 & i=$((i+1)); done")
	if err == nil {
		t.Error("nothing bounds processes")
	}
	if found := awaitState(t, e, s.spec.ID, sandbox.StateStopped); !strings.Contains(found.Reason, "more processes") {
		t.Errorf("it does not say why it ended: %+v", found)
	}
	if got, _ := other.execute("echo alive"); got != "alive\n" {
		t.Errorf("the other sandbox says %q", got)
	}
	check(t, e.Start(t.Context(), s.spec))
	if got, _ := s.execute("cat /root/kept"); got != "mine\n" {
		t.Errorf("after a new start the file is %q", got)
	}
}

// TestGVisorMemory lets a program take memory without end. The host's kernel does not
// see processes of gVisor, only gVisor itself: it kills the part that holds the
// program, or the whole sandbox, which says why then and starts again with its
// files. Another sandbox goes on.
func TestGVisorMemory(t *testing.T) {
	w := newGVisorWorld(t)
	e := openEngine(t, w.config(t))
	hardened := func(s *sandbox.Spec) { s.Runtime = gvisor }
	other, s := start(t, e, shellImage, hardened), start(t, e, shellImage, hardened)
	s.execute("echo mine >/root/kept")
	// Memory is slow to get there; what gVisor itself takes of it is some 50 MB.
	check(t, e.LimitMemory(t.Context(), s.spec.ID, 192<<20))
	got, exit, err := sandboxtest.Execute(t.Context(), e, s.spec, `awk 'BEGIN { s = "x"; while (1) s = s s }'`)
	if err == nil && exit != 137 {
		t.Errorf("nothing bounds memory: exit code %d, %.200q", exit, got)
	}
	if err != nil {
		if found := awaitState(t, e, s.spec.ID, sandbox.StateStopped); !strings.Contains(found.Reason, "memory") {
			t.Errorf("it does not say why it ended: %+v", found)
		}
		check(t, e.Start(t.Context(), s.spec))
	}
	if got, _ := s.execute("cat /root/kept"); got != "mine\n" {
		t.Errorf("afterwards the file is %q", got)
	}
	if got, _ := other.execute("echo alive"); got != "alive\n" {
		t.Errorf("the other sandbox says %q", got)
	}
}

// TestGVisorTerminal uses a terminal: its size arrives, and its exit code comes
// back.
func TestGVisorTerminal(t *testing.T) {
	w := newGVisorWorld(t)
	e := openEngine(t, w.config(t))
	s := start(t, e, shellImage, func(s *sandbox.Spec) { s.Runtime = gvisor })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return e.Dial(ctx, s.spec.ID, sandbox.ToolboxPort)
	}}}
	header := http.Header{sandbox.TokenHeader: {s.spec.Token}, "Content-Type": {"application/json"}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://toolbox/process/pty", strings.NewReader(`{"id":"one","cols":90,"rows":30}`))
	check(t, err)
	req.Header = header
	resp, err := client.Do(req)
	check(t, err)
	resp.Body.Close()
	conn, _, err := websocket.Dial(ctx, "ws://toolbox/process/pty/one/connect", &websocket.DialOptions{HTTPClient: client, HTTPHeader: header})
	check(t, err)
	defer conn.CloseNow()
	check(t, conn.Write(ctx, websocket.MessageBinary, []byte("stty size; uname -r; exit 7\n")))
	var shown strings.Builder
	for {
		_, text, err := conn.Read(ctx)
		if err != nil {
			var closed websocket.CloseError
			if !errors.As(err, &closed) || !strings.Contains(closed.Reason, `"exitCode":7`) {
				t.Errorf("the terminal ends with %v", err)
			}
			break
		}
		shown.Write(text)
	}
	if got := shown.String(); !strings.Contains(got, "30 90") || !strings.Contains(got, "gvisor\r") {
		t.Errorf("the terminal shows %q", got)
	}
}
