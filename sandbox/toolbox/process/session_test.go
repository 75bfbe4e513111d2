//go:build linux

package process_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"sandpiper/sandbox/toolbox/toolboxtype"
)

const (
	newSDK = "0.205.1"
	oldSDK = "0.158.0"

	sdkHeader = "X-Daytona-SDK-Version"
)

func (s *server) createSession(id string) {
	s.Helper()
	want[any](s, http.StatusCreated, "", "POST", "/process/session", fmt.Sprintf(`{"sessionId":%q}`, id))
}

func (s *server) exec(id, command string) toolboxtype.SessionExecuteResponse {
	s.Helper()
	return want[toolboxtype.SessionExecuteResponse](s, http.StatusOK, "SessionExecuteResponse", "POST", "/process/session/"+id+"/exec",
		`{"command":`+quote(command)+`}`, sdkHeader, newSDK)
}

// start starts a command and returns the path of it.
func (s *server) start(id, command string) string {
	s.Helper()
	got := want[toolboxtype.SessionExecuteResponse](s, http.StatusAccepted, "SessionExecuteResponse", "POST", "/process/session/"+id+"/exec",
		`{"command":`+quote(command)+`,"runAsync":true}`)
	if got.CmdID == "" || got.ExitCode != nil {
		s.Errorf("got %+v", got)
	}
	return "/process/session/" + id + "/command/" + got.CmdID
}

// ended waits for the end of a command.
func (s *server) ended(path string) int {
	s.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if c := want[toolboxtype.Command](s, http.StatusOK, "Command", "GET", path, ""); c.ExitCode != nil {
			return *c.ExitCode
		}
	}
	s.Fatal("the command does not end")
	return 0
}

func TestSessions(t *testing.T) {
	s := newServer(t)
	s.createSession("one")
	if got := s.exec("one", "cd /usr; V=1"); *got.ExitCode != 0 || *got.Output != "" {
		t.Errorf("got %+v", got)
	}
	got := s.exec("one", "pwd; echo $V >&2; (exit 4)")
	if *got.Stdout != "/usr\n" || *got.Stderr != "1\n" || *got.ExitCode != 4 || len(*got.Output) != 7 {
		t.Errorf("got %q %q %q %d", *got.Output, *got.Stdout, *got.Stderr, *got.ExitCode)
	}
	session := want[toolboxtype.Session](s, http.StatusOK, "Session", "GET", "/process/session/one", "")
	if len(session.Commands) != 2 || *session.Commands[1].ExitCode != 4 {
		t.Errorf("got %+v", session)
	}
	s.createSession("a two")
	if list := want[[]toolboxtype.Session](s, http.StatusOK, "[]Session", "GET", "/process/session", ""); len(list) != 2 || list[0].SessionID != "a two" {
		t.Errorf("got %+v", list)
	}
	want[any](s, http.StatusNoContent, "", "DELETE", "/process/session/a%20two", "")
	s.refuse(http.StatusConflict, "CONFLICT", "POST", "/process/session", `{"sessionId":"one"}`)
	s.refuse(http.StatusConflict, "CONFLICT", "POST", "/process/session", `{"sessionId":"entrypoint"}`)
	s.refuse(http.StatusBadRequest, "BAD_REQUEST", "POST", "/process/session", `{}`)
	s.refuse(http.StatusBadRequest, "BAD_REQUEST", "POST", "/process/session", `{"sessionId":"a/b"}`)
	s.refuse(http.StatusBadRequest, "BAD_REQUEST", "POST", "/process/session/one/exec", `{"command":" "}`)
	s.refuse(http.StatusNotFound, "NOT_FOUND", "POST", "/process/session/no/exec", `{"command":"true"}`)
	s.refuse(http.StatusNotFound, "NOT_FOUND", "GET", "/process/session/no", "")
	s.refuse(http.StatusNotFound, "NOT_FOUND", "DELETE", "/process/session/no", "")
	s.refuse(http.StatusNotFound, "NOT_FOUND", "GET", "/process/session/one/command/no", "")
	s.refuse(http.StatusNotFound, "NOT_FOUND", "GET", "/process/session/one/command/no/logs", "")
}

func TestSessionThatEnds(t *testing.T) {
	s := newServer(t)
	s.createSession("one")
	if got := s.exec("one", "exit 3"); *got.ExitCode != 3 {
		t.Errorf("got %+v", got)
	}
	for range 2 {
		s.refuse(http.StatusGone, "SESSION_ENDED", "POST", "/process/session/one/exec", `{"command":"true"}`)
	}
}

// inTurn returns a script of commands, each with what it writes last. Each waits
// for what is before it to be in the log: the streams are read apart, and nothing
// else keeps their order. let, with the path of the script, lets them go on.
func (s *server) inTurn(commands ...string) (script string, let func(path string)) {
	dir := s.TempDir()
	script = commands[0]
	for i := 2; i < len(commands); i += 2 {
		script += fmt.Sprintf("; until [ -e '%s/%d' ]; do sleep 0.01; done; %s", dir, i, commands[i])
	}
	return script, func(path string) {
		s.Helper()
		for i := 2; i < len(commands); i += 2 {
			for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
				_, body := s.do("GET", path+"/logs", "", sdkHeader, oldSDK)
				if strings.HasSuffix(string(body), commands[i-1]) {
					break
				}
				if time.Now().After(deadline) {
					s.Fatalf("%q did not come after %q", commands[i-1], body)
				}
			}
			if err := os.WriteFile(fmt.Sprintf("%s/%d", dir, i), nil, 0o600); err != nil {
				s.Fatal(err)
			}
		}
	}
}

func TestLogs(t *testing.T) {
	s := newServer(t)
	s.createSession("one")
	script, let := s.inTurn("echo out", "out\n", "echo err >&2", "err\n", "printf end", "end")
	path := s.start("one", script)
	let(path)
	s.ended(path)
	const multiplexed = "\x01\x01\x01out\n\x02\x02\x02err\n\x01\x01\x01end"
	logs := want[toolboxtype.SessionCommandLogsResponse](s, http.StatusOK, "SessionCommandLogsResponse", "GET", path+"/logs", "", sdkHeader, newSDK)
	if logs.Stdout != "out\nend" || logs.Stderr != "err\n" || logs.Output != "out\nerr\nend" {
		t.Errorf("got %+v", logs)
	}
	res, err := s.Client().Get(s.URL + path + "/logs?offset=6")
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if h := res.Header; h.Get("X-Log-Offset") != "6" || h.Get("X-Log-Next-Offset") != "11" || h.Get("X-Log-Dropped") != "0" {
		t.Errorf("got %v", h)
	}
	if logs := want[toolboxtype.SessionCommandLogsResponse](s, http.StatusOK, "", "GET", path+"/logs?offset=6", "", "Accept", "application/json"); logs.Output != "r\nend" || logs.Stdout != "end" {
		t.Errorf("got %+v", logs)
	}
	for _, headers := range [][]string{nil, {sdkHeader, oldSDK}} {
		if status, body := s.do("GET", path+"/logs", "", headers...); status != http.StatusOK || string(body) != multiplexed {
			t.Errorf("%v: got %q", headers, body)
		}
	}
	if status, body := s.do("GET", path+"/logs?follow=true&offset=4", ""); status != http.StatusOK || string(body) != multiplexed[7:] {
		t.Errorf("got %q", body)
	}
	s.refuse(http.StatusBadRequest, "BAD_REQUEST", "GET", path+"/logs?offset=12", "")
	s.refuse(http.StatusBadRequest, "BAD_REQUEST", "GET", path+"/logs?offset=x", "")
	old := want[toolboxtype.SessionExecuteResponse](s, http.StatusOK, "", "POST", "/process/session/one/exec", `{"command":"echo out; echo err >&2"}`, sdkHeader, oldSDK)
	if out, err := multiplexed[:7], multiplexed[7:14]; *old.Output != out+err && *old.Output != err+out {
		t.Errorf("got %q", *old.Output)
	}
}

// dial connects a WebSocket that ends with the test.
func (s *server) dial(path string, protocols ...string) *websocket.Conn {
	s.Helper()
	conn, _, err := websocket.Dial(s.Context(), s.URL+path, &websocket.DialOptions{Subprotocols: protocols})
	if err != nil {
		s.Fatal(err)
	}
	conn.SetReadLimit(1 << 20)
	s.Cleanup(func() { _ = conn.CloseNow() })
	return conn
}

// drain reads a WebSocket to its end.
func (s *server) drain(conn *websocket.Conn) (all string, texts []string, end websocket.CloseError) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), time.Minute)
	defer cancel()
	for {
		kind, data, err := conn.Read(ctx)
		if errors.As(err, &end) {
			return all, texts, end
		}
		if err != nil {
			s.Fatal(err)
		}
		if kind == websocket.MessageText {
			texts = append(texts, string(data))
		} else {
			all += string(data)
		}
	}
}

func TestLogsOverASocket(t *testing.T) {
	s := newServer(t)
	s.createSession("one")
	script, let := s.inTurn("echo 1; echo 2", "1\n2\n", "echo 3", "3\n", "echo err >&2", "err\n", "head -c 100000 /dev/zero", "\x00")
	path := s.start("one", script)
	conn := s.dial(path + "/logs?follow=true")
	let(path)
	all, _, end := s.drain(conn)
	plain := strings.NewReplacer("\x01\x01\x01", "", "\x02\x02\x02", "").Replace(all)
	if end.Code != websocket.StatusNormalClosure || plain != "1\n2\n3\nerr\n"+strings.Repeat("\x00", 100000) || !strings.Contains(all, "\x02\x02\x02err\n\x01\x01\x01") {
		t.Errorf("got %d bytes %.60q, %v", len(all), all, end)
	}
	if all, _, _ := s.drain(s.dial(path + "/logs?follow=true&offset=4")); !strings.HasPrefix(all, "\x01\x01\x013\n\x02\x02\x02err\n") {
		t.Errorf("got %.60q", all)
	}
}

// TestFollowersCount follows a log whose first bytes are gone: a client that counts
// is told where it begins, and gets nothing but the log.
func TestFollowersCount(t *testing.T) {
	s := newServer(t)
	s.createSession("one")
	path := s.start("one", "head -c 20000000 /dev/zero")
	s.ended(path)
	count := func(all string) int64 { return int64(strings.Count(all, "\x00")) }
	res, err := s.Client().Get(s.URL + path + "/logs?follow=true&offset=0")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	begin, _ := strconv.ParseInt(res.Header.Get("X-Log-Offset"), 10, 64)
	if plain := strings.ReplaceAll(string(body), "\x01\x01\x01", ""); err != nil || begin == 0 || int64(len(plain)) != count(plain) || begin+count(plain) != 20000000 {
		t.Errorf("from %d on there are %d bytes, %d of them of the log: %v", begin, len(body), count(string(body)), err)
	}
	all, texts, end := s.drain(s.dial(path+"/logs?follow=true", "sandpiper-log.1"))
	if want := fmt.Sprintf(`{"offset":%d}`, begin); len(texts) != 1 || texts[0] != want || begin+count(all) != 20000000 || end.Code != websocket.StatusNormalClosure {
		t.Errorf("texts %q and %d bytes, want %s first; %v", texts, count(all), want, end)
	}
	if all, texts, _ := s.drain(s.dial(path+"/logs?follow=true&offset=19999998", "sandpiper-log.1")); all != "\x01\x01\x01\x00\x00" || len(texts) != 1 || texts[0] != `{"offset":19999998}` {
		t.Errorf("the last two bytes are %q with %q", all, texts)
	}
}

func TestStreamsComeAsTheyAreWritten(t *testing.T) {
	s := newServer(t)
	s.createSession("one")
	path := s.start("one", "read x; echo got $x; read y")
	res, err := s.Client().Get(s.URL + path + "/logs?follow=true")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got := res.Header.Get("X-Log-Offset"); got != "0" {
		t.Errorf("offset %q", got)
	}
	want[any](s, http.StatusNoContent, "", "POST", path+"/input", `{"data":"hello"}`)
	lines := bufio.NewReader(res.Body)
	for _, want := range []string{"\x01\x01\x01hello\n", "got hello\n"} {
		if line, err := lines.ReadString('\n'); strings.TrimPrefix(line, "\x01\x01\x01") != strings.TrimPrefix(want, "\x01\x01\x01") || err != nil {
			t.Errorf("got %q, %v", line, err)
		}
	}
	want[any](s, http.StatusNoContent, "", "DELETE", "/process/session/one", "")
	if _, err := io.ReadAll(lines); err != nil {
		t.Errorf("the stream broke: %v", err)
	}
}

func TestInput(t *testing.T) {
	s := newServer(t)
	s.createSession("one")
	path := s.start("one", "read x; echo got $x")
	s.refuse(http.StatusBadRequest, "BAD_REQUEST", "POST", path+"/input", `{}`)
	want[any](s, http.StatusNoContent, "", "POST", path+"/input", `{"data":"y"}`)
	s.ended(path)
	s.refuse(http.StatusGone, "COMMAND_ALREADY_COMPLETED", "POST", path+"/input", `{"data":"y"}`)
	if logs := want[toolboxtype.SessionCommandLogsResponse](s, http.StatusOK, "", "GET", path+"/logs", "", sdkHeader, newSDK); logs.Stdout != "y\ngot y\n" {
		t.Errorf("got %q", logs.Stdout)
	}
	go func() {
		if res, err := s.Client().Post(s.URL+"/process/session/one/exec", "application/json", strings.NewReader(`{"command":"sleep 85"}`)); err == nil {
			_ = res.Body.Close()
		}
	}()
	var running string
	for running == "" {
		for _, c := range want[toolboxtype.Session](s, http.StatusOK, "", "GET", "/process/session/one", "").Commands {
			if c.Command == "sleep 85" {
				running = c.ID
			}
		}
	}
	s.refuse(http.StatusGone, "GONE", "POST", "/process/session/one/command/"+running+"/input", `{"data":"y"}`)
	want[any](s, http.StatusNoContent, "", "DELETE", "/process/session/one", "")
}

func TestEntrypoint(t *testing.T) {
	s := newServer(t)
	if got := want[toolboxtype.Session](s, http.StatusOK, "Session", "GET", "/process/session/entrypoint", ""); len(got.Commands) != 0 {
		t.Errorf("got %+v", got)
	}
	if logs := want[toolboxtype.SessionCommandLogsResponse](s, http.StatusOK, "SessionCommandLogsResponse", "GET", "/process/session/entrypoint/logs", "", sdkHeader, "0.205.0"); logs.Output != "" {
		t.Errorf("without a main process: %+v", logs)
	}
	if all, _, end := s.drain(s.dial("/process/session/entrypoint/logs?follow=true")); all != "" || end.Code != websocket.StatusNormalClosure {
		t.Errorf("without a main process: %q, %v", all, end)
	}
	if err := s.handler.StartEntrypoint([]string{"sh", "-c", "echo main; exit 2"}); err != nil {
		t.Fatal(err)
	}
	if all, _, end := s.drain(s.dial("/process/session/entrypoint/logs?follow=true")); all != "\x01\x01\x01main\n" || end.Code != websocket.StatusNormalClosure {
		t.Errorf("got %q, %v", all, end)
	}
	got := want[toolboxtype.Session](s, http.StatusOK, "Session", "GET", "/process/session/entrypoint", "")
	if len(got.Commands) != 1 || *got.Commands[0].ExitCode != 2 {
		t.Errorf("got %+v", got)
	}
	if logs := want[toolboxtype.SessionCommandLogsResponse](s, http.StatusOK, "", "GET", "/process/session/entrypoint/logs", "", sdkHeader, "0.161.0"); logs.Output != "main\n" {
		t.Errorf("got %+v", logs)
	}
}

// cell runs a cell and returns its messages and how the connection closed.
func (s *server) cell(request string) (messages []toolboxtype.InterpreterMessage, end websocket.CloseError) {
	s.Helper()
	conn := s.dial("/process/interpreter/execute")
	if err := conn.Write(s.Context(), websocket.MessageText, []byte(request)); err != nil {
		s.Fatal(err)
	}
	_, texts, end := s.drain(conn)
	for _, text := range texts {
		var m toolboxtype.InterpreterMessage
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			s.Fatal(err)
		}
		messages = append(messages, m)
	}
	return messages, end
}

func TestInterpreter(t *testing.T) {
	s := newServer(t)
	s.cell(`{"code":"x = 5"}`)
	messages, end := s.cell(`{"code":"import sys\nprint(x)\nprint('e', file=sys.stderr)\n1/0","envs":{"A":"1"}}`)
	if end.Code != websocket.StatusNormalClosure || len(messages) != 4 {
		t.Fatalf("got %+v, %v", messages, end)
	}
	said := map[string]toolboxtype.InterpreterMessage{}
	for _, m := range messages {
		said[m.Type] = m
	}
	if said["stdout"].Text != "5\n" || said["stderr"].Text != "e\n" || said["error"].Name != "ZeroDivisionError" || said["error"].Value != "division by zero" ||
		!strings.Contains(said["error"].Traceback, "line 4") || messages[3].Text != "completed" {
		t.Errorf("got %+v", messages)
	}
	if _, end := s.cell(`{"code":"import time; time.sleep(60)","timeout":0.3}`); end.Code != 4008 {
		t.Errorf("got %v", end)
	}
	if messages, _ := s.cell(`{"code":"x","contextId":"default","timeout":0}`); len(messages) != 2 || messages[0].Text != "5\n" {
		t.Errorf("after a timeout: %+v", messages)
	}
	for _, request := range []string{`{`, `{}`, `{"code":"1","timeout":-1}`, `{"code":"1","contextId":"no"}`, `{"code":"1","envs":{"=":"1"}}`} {
		if _, end := s.cell(request); end.Code != websocket.StatusPolicyViolation || end.Reason == "" {
			t.Errorf("%s: %v", request, end)
		}
	}
}

func TestContexts(t *testing.T) {
	s := newServer(t)
	s.cell(`{"code":"x = 5"}`)
	c := want[toolboxtype.InterpreterContext](s, http.StatusOK, "InterpreterContext", "POST", "/process/interpreter/context", `{"cwd":"/usr"}`)
	js := want[toolboxtype.InterpreterContext](s, http.StatusOK, "InterpreterContext", "POST", "/process/interpreter/context", `{"language":"javascript"}`)
	if c.Cwd != "/usr" || c.Language != "python" || !c.Active || js.Language != "javascript" || js.Cwd != s.dir {
		t.Errorf("got %+v, %+v", c, js)
	}
	messages, _ := s.cell(fmt.Sprintf(`{"code":"import os\nprint(os.getcwd(), 'x' in globals())","contextId":%q}`, c.ID))
	if len(messages) != 2 || messages[0].Text != "/usr False\n" {
		t.Errorf("got %+v", messages)
	}
	list := want[toolboxtype.ListContextsResponse](s, http.StatusOK, "ListContextsResponse", "GET", "/process/interpreter/context", "")
	if len(list.Contexts) != 2 || list.Contexts[0].ID != c.ID {
		t.Errorf("got %+v", list)
	}
	want[map[string]string](s, http.StatusOK, "", "DELETE", "/process/interpreter/context/"+c.ID, "")
	s.refuse(http.StatusNotFound, "NOT_FOUND", "DELETE", "/process/interpreter/context/"+c.ID, "")
	s.refuse(http.StatusBadRequest, "BAD_REQUEST", "DELETE", "/process/interpreter/context/default", "")
	s.refuse(http.StatusBadRequest, "BAD_REQUEST", "POST", "/process/interpreter/context", `{"language":"cobol"}`)
	s.refuse(http.StatusBadRequest, "BAD_REQUEST", "POST", "/process/interpreter/context", `{"cwd":"/nowhere"}`)
	s.refuse(http.StatusBadRequest, "BAD_REQUEST", "GET", "/process/interpreter/execute", "")
}

func TestACellEndsWithItsClient(t *testing.T) {
	s := newServer(t)
	conn := s.dial("/process/interpreter/execute")
	if err := conn.Write(t.Context(), websocket.MessageText, []byte(`{"code":"print(1)\nimport time\ntime.sleep(60)"}`)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := conn.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	_ = conn.CloseNow()
	if messages, _ := s.cell(`{"code":"print('next')"}`); len(messages) != 2 || messages[0].Text != "next\n" {
		t.Errorf("got %+v", messages)
	}
}
