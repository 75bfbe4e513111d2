package docker_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sandpiper/runtimes/docker"
	"sandpiper/sandbox"
	"sandpiper/sandbox/sandboxtest"
)

// TestIsolation tries what a program that is root in its sandbox may not do.
func TestIsolation(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	s := start(t, e, shellImage, nil)
	s.denied(map[string]denial{
		"raw packets":              {"arping -c 1 -w 1 -I eth0 10.0.0.1 2>&1; echo code $?", "Operation not permitted"},
		"network settings":         {"ip addr add 10.1.2.3/24 dev eth0 2>&1", "Operation not permitted"},
		"mounts":                   {"mkdir -p /mnt; mount -t tmpfs none /mnt 2>&1", "denied|not permitted"},
		"a namespace of its own":   {"unshare -U true 2>&1", "not permitted"},
		"device files":             {"mknod /tmp/disk b 254 0 2>&1", "not permitted"},
		"kernel settings":          {"echo 1 2>&1 >/proc/sys/kernel/sysrq", "Read-only|nonexistent|denied"},
		"control groups":           {"mkdir /sys/fs/cgroup/memory/own /sys/fs/cgroup/own 2>&1", "Read-only"},
		"the clock":                {"date -s 2001-01-01 2>&1", "not permitted"},
		"the host's name":          {"hostname other 2>&1", "not permitted"},
		"another root":             {"chroot / true 2>&1", "not permitted"},
		"the Docker socket":        {"ls /var/run/docker.sock /run/docker.sock 2>&1", "No such file"},
		"the agent's program":      {"echo x 2>&1 >/.sandpiper/bin/toolboxd", "Read-only"},
		"the kernel's log":         {"dmesg 2>&1", "not permitted"},
		"more room in the box":     {"dd if=/dev/zero of=/.sandpiper/run/hog bs=64k count=64 2>&1; rm -f /.sandpiper/run/hog", "No space left"},
		"few capabilities":         {"grep CapBnd /proc/self/status", "00000000000000eb"},
		"a filter of system calls": {"grep Seccomp: /proc/self/status", "\t2"},
		"no new privileges":        {"grep NoNewPrivs /proc/self/status", "\t1"},
		"no swap and no core":      {"ulimit -c", "0"},
	})
	if got, exit := s.execute("nc -l -p 80 </dev/null >/dev/null 2>&1 & sleep 0.2; kill %1"); exit != 0 {
		t.Errorf("low ports cannot be used: %q", got)
	}
}

// denial is a command whose output has one of several words, separated by |.
type denial struct{ command, want string }

// denied tries commands, each in a test of its own.
func (i inhabitant) denied(rows map[string]denial) {
	t := i.t.(*testing.T)
	for name, tt := range rows {
		t.Run(name, func(t *testing.T) {
			got, _ := i.execute(tt.command)
			for want := range strings.SplitSeq(tt.want, "|") {
				if strings.Contains(got, want) {
					return
				}
			}
			t.Errorf("%s: got %q, want %q in it", tt.command, got, tt.want)
		})
	}
}

// TestProgramsUseNoIOUring looks at the profile, since no shell makes that call.
func TestProgramsUseNoIOUring(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	s := start(t, e, shellImage, nil)
	out, err := exec.Command("docker", "inspect", "-f", "{{.HostConfig.SecurityOpt}}", containerOf(t, s.spec.ID)).Output()
	check(t, err)
	if text := string(out); !strings.Contains(text, "seccomp={") || strings.Contains(text, "io_uring") || !strings.Contains(text, "openat") {
		t.Errorf("the profile is not ours: %.200s", text)
	}
}

// containerOf returns a sandbox's container.
func containerOf(t testing.TB, id string) string {
	t.Helper()
	out, err := exec.Command("docker", "ps", "-aq", "--no-trunc", "--filter", "label=sandpiper.sandbox="+id).Output()
	check(t, err)
	return strings.TrimSpace(string(out))
}

// TestHogs lets sandboxes take all that they can. The engine and another sandbox
// go on meanwhile.
func TestHogs(t *testing.T) {
	e := newEngine(t, func(c *docker.Config) { c.Watch = time.Second })
	other := start(t, e, shellImage, nil)
	alive := func(t *testing.T) {
		t.Helper()
		if got, _ := other.execute("echo alive"); got != "alive\n" { // or it is held up for good
			t.Errorf("the other sandbox says %q", got)
		}
	}
	t.Run("processes", func(t *testing.T) {
		s := start(t, e, shellImage, nil)
		got, _ := s.execute("i=0; while [ $i -lt 2000 ]; do sleep 300 & i=$((i+1)); done 2>&1; echo end")
		if !strings.Contains(got, "fork") {
			t.Errorf("nothing bounds processes: %.200q", got)
		}
		alive(t)
	})
	t.Run("memory", func(t *testing.T) {
		s := start(t, e, shellImage, nil)
		if got, exit := s.execute(`awk 'BEGIN { s = "x"; while (1) s = s s }'`); exit != 137 {
			t.Errorf("nothing bounds memory: exit code %d, %.200q", exit, got)
		}
		alive(t)
		if got, _ := s.execute("echo alive"); got != "alive\n" {
			t.Errorf("the sandbox's agent was killed: %q", got)
		}
	})
	t.Run("output", func(t *testing.T) {
		s := start(t, e, shellImage, nil)
		s.execute("yes | head -c 100000000 >/proc/1/fd/2")
		log, _ := exec.Command("docker", "logs", containerOf(t, s.spec.ID)).CombinedOutput()
		if !strings.Contains(string(log), "does not support reading") {
			t.Errorf("docker keeps a log: %.200q", log)
		}
		alive(t)
	})
	t.Run("disk", func(t *testing.T) { hogDisk(t, e); alive(t) })
}

// hogDisk fills a disk: the sandbox is stopped with a reason, and may clear up
// when it starts again.
func hogDisk(t *testing.T, e *docker.Engine) {
	s := start(t, e, shellImage, nil)
	go sandboxtest.Execute(t.Context(), e, s.spec, "dd if=/dev/zero of=/tmp/hog bs=1M count=1100; sleep 60")
	found := awaitState(t, e, s.spec.ID, sandbox.StateError)
	if !strings.Contains(found.Reason, "disk of 1 GiB") || found.DiskBytes < 1<<30 {
		t.Errorf("it was stopped for another reason: %+v", found)
	}
	check(t, e.Start(t.Context(), s.spec))
	time.Sleep(1500 * time.Millisecond) // longer than it takes to look: it is not stopped again
	s.execute("rm /tmp/hog; echo small >/tmp/small")
	eventually(t, "a look at the disk after it was cleared up", func() (any, bool) {
		found, err := e.Status(t.Context(), s.spec.ID)
		check(t, err)
		if found.State != sandbox.StateStarted || found.Reason != "" {
			t.Fatalf("after it cleared up: %+v", found)
		}
		return found, found.DiskBytes <= 1<<20
	})
}

// awaitState waits until a sandbox is in a state.
func awaitState(t *testing.T, e *docker.Engine, id string, want sandbox.State) sandbox.Found {
	t.Helper()
	var found sandbox.Found
	eventually(t, "the state "+string(want), func() (any, bool) {
		var err error
		found, err = e.Status(t.Context(), id)
		check(t, err)
		return found, found.State == want
	})
	return found
}

// TestBoxHoldsNoWayOut puts links to a socket of the host in the place of the
// agent's own.
func TestBoxHoldsNoWayOut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := newEngine(t, func(c *docker.Config) { c.DataDir = dir })
	s := start(t, e, shellImage, nil)
	victim := filepath.Join(dir, "victim.sock")
	l, err := net.Listen("unix", victim)
	check(t, err)
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			io.WriteString(conn, "victim")
			conn.Close()
		}
	}()
	s.execute(fmt.Sprintf("cd /.sandpiper/run && mv toolbox.sock own && ln -s %s toolbox.sock", victim))
	conn, err := e.Dial(t.Context(), s.spec.ID, sandbox.ToolboxPort)
	if err == nil {
		text, _ := io.ReadAll(conn)
		conn.Close()
		t.Errorf("the engine followed a link out of the box and met %q", text)
	}
	check(t, e.Stop(t.Context(), s.spec.ID, 0))
	check(t, e.Start(t.Context(), s.spec))
	if got, _ := s.execute("echo back"); got != "back\n" {
		t.Errorf("after a start the agent says %q", got)
	}
	if _, err := os.Stat(victim); err != nil {
		t.Errorf("the victim's socket is gone: %v", err)
	}
}

// TestSecretsStayOut looks for a sandbox's token and environment where others
// could read them.
func TestSecretsStayOut(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	s := start(t, e, shellImage, func(s *sandbox.Spec) { s.Env = map[string]string{"PASSWORD": "hunter2-env"} })
	if got, _ := s.execute("echo $PASSWORD"); got != "hunter2-env\n" {
		t.Errorf("the environment is %q", got)
	}
	ref, _, err := e.Snapshot(t.Context(), s.spec.ID, "copy")
	check(t, err)
	for _, what := range []string{containerOf(t, s.spec.ID), ref} {
		out, err := exec.Command("docker", "inspect", what).CombinedOutput()
		check(t, err)
		for _, secret := range []string{s.spec.Token, "hunter2"} {
			if strings.Contains(string(out), secret) {
				t.Errorf("docker inspect %s shows %q", what, secret)
			}
		}
	}
	copied := start(t, e, ref, func(s *sandbox.Spec) { s.User = "user" })
	got, _ := copied.execute("id -un; cat /.sandpiper/run/agent.json /proc/1/environ 2>&1; grep -r hunter2 /etc /tmp /root /home 2>/dev/null; echo $PASSWORD")
	if strings.Contains(got, copied.spec.Token) || strings.Contains(got, "hunter2") || !strings.HasPrefix(got, "user\n") {
		t.Errorf("a user reads secrets: %q", got)
	}
}
