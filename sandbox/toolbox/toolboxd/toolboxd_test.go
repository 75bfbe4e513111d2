//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"sandpiper/sandbox"
)

func TestParse(t *testing.T) {
	dir := t.TempDir()
	config, token := filepath.Join(dir, "agent.json"), filepath.Join(dir, "token")
	write := func(name, text string) {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(config, `{"socket":"/from/file","token":"file","user":"one","workDir":"/w","env":{"B":"2","A":"1"},"entrypoint":["sleep","1"]}`)
	write(token, "secret\n")
	s, err := parse([]string{"--config", config}, []string{"HOME=/h", "TOOLBOXD_OTHER=x"})
	if err != nil || s.Socket != "/from/file" || s.Token != "file" || s.User != "one" || s.WorkDir != "/w" || !slices.Equal(s.Entrypoint, []string{"sleep", "1"}) {
		t.Errorf("got %+v, %v", s, err)
	}
	if env := s.guest().Env; !slices.Equal(env, []string{"HOME=/h", "A=1", "B=2"}) {
		t.Errorf("got %v", env)
	}
	s, err = parse([]string{"--user", "three", "--token-file", token, "echo", "-n", "hi"}, []string{"TOOLBOXD_CONFIG=" + config, "TOOLBOXD_USER=two", "TOOLBOXD_WORKDIR=/v"})
	if err != nil || s.User != "three" || s.WorkDir != "/v" || s.Token != "secret" || !slices.Equal(s.Entrypoint, []string{"echo", "-n", "hi"}) {
		t.Errorf("got %+v, %v", s, err)
	}
	s, err = parse(nil, []string{"TOOLBOXD_LISTEN=127.0.0.1:0", "TOOLBOXD_TOKEN=env", "A=1"})
	if err != nil || s.Listen != "127.0.0.1:0" || s.Token != "env" || !slices.Equal(s.guest().Env, []string{"A=1"}) {
		t.Errorf("got %+v, %v", s, err)
	}
	for name, args := range map[string][]string{
		"nowhere to serve": {"--token-file", token}, "two places": {"--token-file", token, "--socket", "/s", "--listen", ":1"}, "no token": {"--socket", "/s"},
		"no such token": {"--socket", "/s", "--token-file", dir + "/no"}, "no such file": {"--config", dir + "/no"}, "not JSON": {"--config", token}, "no such flag": {"--no"},
	} {
		if _, err := parse(args, nil); err == nil {
			t.Errorf("%s: it was taken", name)
		}
	}
}

// TestMain makes the test binary an agent when it is started as one.
func TestMain(m *testing.M) {
	if os.Getenv("TOOLBOXD_SOCKET") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// agent is a running agent of its own process.
type agent struct {
	*testing.T
	cmd    *exec.Cmd
	client *http.Client
	log    bytes.Buffer
}

func startAgent(t *testing.T, entrypoint ...string) *agent {
	t.Helper()
	dir := t.TempDir()
	socket := filepath.Join(dir, "s")
	a := &agent{T: t, client: &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}}
	a.cmd = exec.Command(os.Args[0], entrypoint...)
	a.cmd.Env = append(os.Environ(), "TOOLBOXD_SOCKET="+socket, "TOOLBOXD_TOKEN=right", "TOOLBOXD_WORKDIR="+dir)
	a.cmd.Stderr = &a.log
	if err := a.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = a.cmd.Process.Kill()
		_ = a.cmd.Wait()
		if t.Failed() {
			t.Log(a.log.String())
		}
	})
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if conn, err := net.Dial("unix", socket); err == nil {
			_ = conn.Close()
			return a
		}
		if time.Now().After(deadline) {
			t.Fatal("the agent does not listen")
		}
	}
}

func (a *agent) ask(method, path, body string) (status int, answer string) {
	a.Helper()
	req, err := http.NewRequestWithContext(a.Context(), method, "http://toolbox"+path, strings.NewReader(body))
	if err != nil {
		a.Fatal(err)
	}
	req.Header.Set(sandbox.TokenHeader, "right")
	res, err := a.client.Do(req)
	if err != nil {
		a.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		a.Fatal(err)
	}
	return res.StatusCode, string(data)
}

func (a *agent) run(command string) string {
	a.Helper()
	body, _ := json.Marshal(map[string]string{"command": command})
	status, text := a.ask("POST", "/process/execute", string(body))
	var answer struct{ Result string }
	if err := json.Unmarshal([]byte(text), &answer); err != nil || status != http.StatusOK {
		a.Fatalf("%d %s", status, text)
	}
	return answer.Result
}

// eventually waits until ok holds.
func (a *agent) eventually(what string, ok func() bool) {
	a.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			a.Fatal("waited in vain for " + what)
		}
	}
}

func TestAgent(t *testing.T) {
	a := startAgent(t, "sh", "-c", "echo main; trap 'echo asked; exit 0' TERM; while :; do sleep 0.05; done")
	if got := a.run("env | grep -c ^TOOLBOXD_"); got != "0\n" {
		t.Errorf("the agent's own variables reach processes: %q", got)
	}
	a.eventually("the main process's log", func() bool {
		_, log := a.ask("GET", "/process/session/entrypoint/logs", "")
		return log == "\x01\x01\x01main\n"
	})
	if res, err := a.client.Get("http://toolbox/version"); err != nil || res.StatusCode != http.StatusUnauthorized {
		t.Errorf("without a token: %v, %v", res, err)
	}
	pid := strings.TrimSpace(a.run("sleep 91 >/dev/null & echo $!"))
	if err := a.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := a.cmd.Wait(); err != nil {
		t.Errorf("the agent failed: %v", err)
	}
	if stat, err := os.ReadFile("/proc/" + pid + "/stat"); err == nil && !strings.Contains(string(stat), ") Z ") {
		t.Errorf("a process outlived the agent: %s", stat)
	}
}

func TestOrphansAreBuried(t *testing.T) {
	a := startAgent(t)
	pid := strings.TrimSpace(a.run("sh -c 'sleep 0.1 >/dev/null 2>&1 & echo $!'"))
	a.eventually("the end of the orphan", func() bool {
		_, err := os.Stat("/proc/" + pid)
		return os.IsNotExist(err)
	})
}

func TestAnAgentWithAMissingMainProcess(t *testing.T) {
	a := startAgent(t, "/no/such/program")
	if _, log := a.ask("GET", "/process/session/entrypoint/logs", ""); !strings.Contains(log, "no such file") {
		t.Errorf("got %q", log)
	}
}
