//go:build linux

package process_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"sandpiper/sandbox/guest/osguest"
	"sandpiper/sandbox/toolbox/process"
	"sandpiper/sandbox/toolbox/spectest"
	"sandpiper/sandbox/toolbox/toolboxtype"
)

// server is a running handler.
type server struct {
	testing.TB
	*httptest.Server
	handler *process.Handler
	dir     string
}

func newServer(t testing.TB) *server {
	t.Helper()
	dir := t.TempDir()
	g, err := osguest.New(osguest.Config{Home: dir, WorkDir: dir, Env: append(os.Environ(), "PS1=$ ")})
	if err != nil {
		t.Fatal(err)
	}
	h := process.New(process.Config{Guest: g})
	mux := http.NewServeMux()
	h.Register(mux)
	s := &server{t, httptest.NewServer(mux), h, dir}
	t.Cleanup(func() {
		s.CloseClientConnections()
		h.Close()
		s.Close()
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// do sends a request with pairs of headers and returns status and body.
func (s *server) do(method, path, body string, headers ...string) (int, []byte) {
	s.Helper()
	req, err := http.NewRequestWithContext(s.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := s.Client().Do(req)
	if err != nil {
		s.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		s.Fatal(err)
	}
	return res.StatusCode, data
}

// want sends a request that must be answered with a status and, where a
// definition of the specification is named, with its shape.
func want[T any](s *server, status int, definition, method, path, body string, headers ...string) (v T) {
	s.Helper()
	got, data := s.do(method, path, body, headers...)
	if got != status {
		s.Fatalf("%s %s: status %d: %s", method, path, got, data)
	}
	if definition != "" {
		spectest.Check(s, definition, data)
	}
	if len(data) > 0 && bytes.HasPrefix(bytes.TrimSpace(data), []byte{'{'}) || bytes.HasPrefix(data, []byte{'['}) {
		if err := json.Unmarshal(data, &v); err != nil {
			s.Fatalf("%s %s: %v: %s", method, path, err, data)
		}
	}
	return v
}

// problem is the shape of errors.
type problem struct{ Code, Message string }

// refuse sends a request that must be refused.
func (s *server) refuse(status int, code, method, path, body string) string {
	s.Helper()
	p := want[problem](s, status, "ErrorResponse", method, path, body)
	if p.Code != code || p.Message == "" {
		s.Errorf("%s %s %s: got %+v", method, path, body, p)
	}
	return p.Message
}

func (s *server) execute(body string) toolboxtype.ExecuteResponse {
	s.Helper()
	return want[toolboxtype.ExecuteResponse](s, http.StatusOK, "ExecuteResponse", "POST", "/process/execute", body)
}

func TestExecute(t *testing.T) {
	s := newServer(t)
	if err := os.Mkdir(s.dir+"/sub", 0o755); err != nil {
		t.Fatal(err)
	}
	long := "# " + strings.Repeat("x", 200<<10) + "\necho long"
	for name, c := range map[string]struct {
		body, result string
		code         int
	}{
		"both outputs":    {`{"command":"echo out; echo err >&2; exit 3"}`, "out\nerr\n", 3},
		"working folder":  {`{"command":"pwd"}`, s.dir + "\n", 0},
		"relative folder": {`{"command":"pwd","cwd":"sub"}`, s.dir + "/sub\n", 0},
		"environment":     {`{"command":"echo $A$B","envs":{"A":"1"},"env":{"B":"2"}}`, "12\n", 0},
		"unknown fields":  {`{"command":"true","other":1}`, "", 0},
		"no limit":        {`{"command":"true","timeout":0}`, "", 0},
		"not a command":   {`{"command":"no-such-command 2>/dev/null"}`, "", 127},
		"no input":        {`{"command":"cat"}`, "", 0},
		"a long command":  {`{"command":` + quote(long) + `}`, "long\n", 0},
		"of old clients":  {`{"command":"sh -c \"echo 'ZWNobyBoaQ==' | base64 -d | sh\""}`, "hi\n", 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := s.execute(c.body); got.Result != c.result || got.ExitCode != c.code {
				t.Errorf("got %q, %d", got.Result, got.ExitCode)
			}
		})
	}
}

func quote(s string) string {
	data, _ := json.Marshal(s)
	return string(data)
}

func TestExecuteRefusals(t *testing.T) {
	s := newServer(t)
	for body, want := range map[string]string{
		`{}`:                                       "command is missing",
		`{"command":5}`:                            "command must be a string",
		`{"command":`:                              "JSON",
		`{"command":"x\u0000y"}`:                   "NUL",
		`{"command":"true","timeout":-1}`:          "timeout",
		`{"command":"true","cwd":"nowhere"}`:       "cwd",
		`{"command":"true","cwd":"/etc/passwd"}`:   "not a folder",
		`{"command":"true","envs":{"A=B":"1"}}`:    "envs",
		`{"command":"true","envs":{"A":"\u0000"}}`: "envs",
	} {
		code := "BAD_REQUEST"
		if strings.Contains(want, "JSON") || strings.Contains(want, "must be a string") {
			code = "INVALID_REQUEST_BODY"
		}
		if got := s.refuse(http.StatusBadRequest, code, "POST", "/process/execute", body); !strings.Contains(got, want) {
			t.Errorf("%s: %s", body, got)
		}
	}
}

func TestExecuteKillsTheGroupWhenItTakesTooLong(t *testing.T) {
	s := newServer(t)
	s.refuse(http.StatusRequestTimeout, "PROCESS_EXECUTION_TIMEOUT", "POST", "/process/execute", `{"command":"sleep 81 & sleep 82","timeout":0.5}`)
	// Who was killed is there for a moment more.
	left := s.execute(`{"command":"for i in $(seq 100); do pgrep -fx 'sleep 8[12]' >/dev/null || exit; sleep 0.1; done; pgrep -fx 'sleep 8[12]'"}`)
	if left.Result != "" {
		t.Errorf("left over: %s", left.Result)
	}
}

func TestExecuteHasTooLittleTimeToStart(t *testing.T) {
	newServer(t).refuse(http.StatusRequestTimeout, "PROCESS_EXECUTION_TIMEOUT", "POST", "/process/execute", `{"command":"sleep 84","timeout":0.0000001}`)
}

func TestExecuteDoesNotWaitForTheBackground(t *testing.T) {
	s := newServer(t)
	began := time.Now()
	got := s.execute(`{"command":"nohup sleep 83 & echo $!"}`)
	if time.Since(began) > time.Minute {
		t.Errorf("it took %v", time.Since(began))
	}
	if alive := s.execute(fmt.Sprintf(`{"command":"kill %s"}`, strings.TrimSpace(got.Result))); alive.ExitCode != 0 {
		t.Error("the background process was killed")
	}
}

func TestExecuteFlood(t *testing.T) {
	got := newServer(t).execute(`{"command":"echo first; head -c 20000000 /dev/zero | tr '\\0' x; echo last"}`)
	if len(got.Result) > 17<<20 || !strings.HasPrefix(got.Result, "first\n") || !strings.HasSuffix(got.Result, "xlast\n") || !strings.Contains(got.Result, "bytes of output were dropped here") {
		t.Errorf("%d bytes: %.10q…", len(got.Result), got.Result)
	}
}

func TestCodeRun(t *testing.T) {
	s := newServer(t)
	got := want[toolboxtype.CodeRunResponse](s, http.StatusOK, "CodeRunResponse", "POST", "/process/code-run",
		`{"language":"python","code":"import os, sys\nprint(sys.argv[1:], os.environ['A'])\nsys.exit(2)","argv":["x"],"envs":{"A":"1"}}`)
	if got.Result != "['x'] 1\n" || got.ExitCode != 2 || got.Artifacts.Charts == nil {
		t.Errorf("got %+v", got)
	}
	for body, want := range map[string]string{
		`{"language":"python"}`:                              "code is missing",
		`{"code":"1"}`:                                       "language is missing",
		`{"code":"1","language":"cobol"}`:                    "cobol",
		`{"code":"1","language":"python","argv":["\u0000"]}`: "argv",
		`{"code":"1","language":"python","timeout":-5}`:      "timeout",
	} {
		if got := s.refuse(http.StatusBadRequest, "BAD_REQUEST", "POST", "/process/code-run", body); !strings.Contains(got, want) {
			t.Errorf("%s: %s", body, got)
		}
	}
	s.refuse(http.StatusRequestTimeout, "PROCESS_EXECUTION_TIMEOUT", "POST", "/process/code-run", `{"language":"python","code":"import time; time.sleep(60)","timeout":1}`)
	s.refuse(http.StatusUnprocessableEntity, "UNPROCESSABLE_ENTITY", "POST", "/process/code-run", `{"language":"python","code":"1","envs":{"PATH":"/nowhere"}}`)
}

// BenchmarkBareTrue is the floor of BenchmarkExecuteTrue.
func BenchmarkBareTrue(b *testing.B) {
	for b.Loop() {
		if err := exec.Command("/bin/bash", "-c", "true").Run(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkExecuteTrue(b *testing.B) {
	s := newServer(b)
	for b.Loop() {
		s.execute(`{"command":"true"}`)
	}
}
