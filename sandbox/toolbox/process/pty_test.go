//go:build linux

package process_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"sandpiper/sandbox/toolbox/toolboxtype"
)

const exitProtocol = "X-Daytona-Pty-Exit-Control"

// greeted reads a terminal's first message.
func (s *server) greeted(conn *websocket.Conn) toolboxtype.PtyControl {
	s.Helper()
	kind, data, err := conn.Read(s.Context())
	var m toolboxtype.PtyControl
	if err != nil || kind != websocket.MessageText || json.Unmarshal(data, &m) != nil || m.Type != "control" {
		s.Fatalf("got %q, %v", data, err)
	}
	return m
}

// until reads a terminal until it shows a text.
func (s *server) until(conn *websocket.Conn, text string) (shown string) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), time.Minute)
	defer cancel()
	for !strings.Contains(shown, text) {
		_, data, err := conn.Read(ctx)
		if err != nil {
			s.Fatalf("waiting for %q: %v, after %q", text, err, shown)
		}
		shown += string(data)
	}
	return shown
}

func (s *server) typed(conn *websocket.Conn, text string) {
	s.Helper()
	if err := conn.Write(s.Context(), websocket.MessageBinary, []byte(text)); err != nil {
		s.Fatal(err)
	}
}

func TestPTY(t *testing.T) {
	s := newServer(t)
	got := want[toolboxtype.PtyCreateResponse](s, http.StatusCreated, "PtyCreateResponse", "POST", "/process/pty",
		`{"id":"t","cwd":"/usr","envs":{"V":"5"},"cols":100,"rows":30,"lazyStart":true}`)
	info := want[toolboxtype.PtySessionInfo](s, http.StatusOK, "PtySessionInfo", "GET", "/process/pty/t", "")
	if got.SessionID != "t" || info.Active || !info.LazyStart || info.Cols != 100 || info.Rows != 30 || info.Cwd != "/usr" || info.Envs["V"] != "5" {
		t.Errorf("got %+v, %+v", got, info)
	}
	conn := s.dial("/process/pty/t/connect", "X-Daytona-SDK-Version~0.205.1", exitProtocol)
	if m := s.greeted(conn); m.Status != "connected" || conn.Subprotocol() != exitProtocol {
		t.Errorf("got %+v, protocol %q", m, conn.Subprotocol())
	}
	s.typed(conn, "pwd; echo v$V; stty size\n")
	s.until(conn, "/usr\r\nv5\r\n30 100")
	info = want[toolboxtype.PtySessionInfo](s, http.StatusOK, "PtySessionInfo", "POST", "/process/pty/t/resize", `{"cols":44,"rows":33}`)
	if info.Cols != 44 || info.Rows != 33 || !info.Active {
		t.Errorf("got %+v", info)
	}
	s.typed(conn, "stty size\n")
	s.until(conn, "33 44")

	second := s.dial("/process/pty/t/connect")
	s.greeted(second)
	s.until(second, "33 44") // what was shown before it came
	_ = second.CloseNow()

	s.typed(conn, "exit 6\n")
	_, texts, end := s.drain(conn)
	if len(texts) != 1 || !strings.Contains(texts[0], `"status":"exited","exitCode":6`) {
		t.Errorf("got %q", texts)
	}
	if end.Code != websocket.StatusNormalClosure || !strings.Contains(end.Reason, `"exitCode":6`) || !strings.Contains(end.Reason, "exitReason") {
		t.Errorf("got %v", end)
	}
	list := want[toolboxtype.PtyListResponse](s, http.StatusOK, "PtyListResponse", "GET", "/process/pty", "")
	if len(list.Sessions) != 1 || list.Sessions[0].Active {
		t.Errorf("got %+v", list)
	}
	s.refuse(http.StatusGone, "SESSION_ENDED", "POST", "/process/pty/t/resize", `{"cols":44,"rows":33}`)
	want[map[string]any](s, http.StatusOK, "", "DELETE", "/process/pty/t", "")
	s.refuse(http.StatusNotFound, "NOT_FOUND", "GET", "/process/pty/t", "")
	s.refuse(http.StatusNotFound, "NOT_FOUND", "DELETE", "/process/pty/t", "")
}

func TestPTYThatExitsWell(t *testing.T) {
	s := newServer(t)
	want[any](s, http.StatusCreated, "", "POST", "/process/pty", `{"id":"t"}`)
	conn := s.dial("/process/pty/t/connect", "X-Daytona-SDK-Version~0.205.1")
	s.greeted(conn)
	s.typed(conn, "exit\n")
	if _, texts, end := s.drain(conn); len(texts) != 0 || end.Code != websocket.StatusNormalClosure || end.Reason != `{"exitCode":0}` {
		t.Errorf("got %q, %v", texts, end)
	}
	conn = s.dial("/process/pty/t/connect")
	s.greeted(conn)
	if all, _, end := s.drain(conn); !strings.Contains(all, "exit") || end.Reason != `{"exitCode":0}` {
		t.Errorf("got %q, %v", all, end)
	}
}

func TestCreateAndConnect(t *testing.T) {
	s := newServer(t)
	env := base64.RawURLEncoding.EncodeToString([]byte(`{"V":"7"}`))
	conn := s.dial("/process/pty/create-connect?id=t&cols=90&rows=20&cwd=/usr", "X-Daytona-Pty-Envs~"+env, exitProtocol)
	s.greeted(conn)
	s.typed(conn, "pwd; echo v$V; stty size\n")
	s.until(conn, "/usr\r\nv7\r\n20 90")
	want[map[string]any](s, http.StatusOK, "", "DELETE", "/process/pty/t", "")
	if _, _, end := s.drain(conn); !strings.Contains(end.Reason, `"exitCode":137`) || !strings.Contains(end.Reason, "killed") {
		t.Errorf("got %v", end)
	}
}

func TestPTYResume(t *testing.T) {
	s := newServer(t)
	env := base64.RawURLEncoding.EncodeToString([]byte(`{"TERM":"dumb"}`)) // no marks around pastes
	conn := s.dial("/process/pty/create-connect?id=t", "X-Daytona-Pty-Envs~"+env)
	s.greeted(conn)
	s.typed(conn, "stty -echo; PS1=; echo be''gin\n")
	shown := s.until(conn, "begin\r\n")
	var all strings.Builder
	offset := len(shown)
	s.typed(conn, "for i in $(seq 5000); do echo $i; done\n")
	for i := 1; !strings.HasSuffix(all.String(), "\r\n5000\r\n"); i++ {
		_, data, err := conn.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		all.Write(data)
		if i%5 == 0 {
			_ = conn.CloseNow()
			conn = s.dial(fmt.Sprintf("/process/pty/t/connect?offset=%d", offset+all.Len()))
			s.greeted(conn)
		}
	}
	lines := strings.Fields(all.String())
	for i, line := range lines {
		if line != fmt.Sprint(i+1) {
			t.Fatalf("line %d is %q", i+1, line)
		}
	}
	if len(lines) != 5000 {
		t.Errorf("got %d lines", len(lines))
	}
}

func TestPTYRefusals(t *testing.T) {
	s := newServer(t)
	want[any](s, http.StatusCreated, "", "POST", "/process/pty", `{"id":"t","lazyStart":true}`)
	s.refuse(http.StatusConflict, "CONFLICT", "POST", "/process/pty", `{"id":"t"}`)
	s.refuse(http.StatusBadRequest, "BAD_REQUEST", "POST", "/process/pty", `{"id":"u","cols":1001}`)
	s.refuse(http.StatusBadRequest, "BAD_REQUEST", "POST", "/process/pty", `{"id":"u","rows":-1}`)
	s.refuse(http.StatusBadRequest, "BAD_REQUEST", "POST", "/process/pty", `{"id":"u","cwd":"nowhere"}`)
	s.refuse(http.StatusBadRequest, "BAD_REQUEST", "POST", "/process/pty", `{"id":"u","envs":{"":"1"}}`)
	s.refuse(http.StatusBadRequest, "BAD_REQUEST", "POST", "/process/pty/t/resize", `{"cols":0,"rows":5}`)
	s.refuse(http.StatusBadRequest, "BAD_REQUEST", "GET", "/process/pty/t/connect", "")
	s.refuse(http.StatusNotFound, "NOT_FOUND", "POST", "/process/pty/no/resize", `{"cols":5,"rows":5}`)
	for _, path := range []string{"no/connect", "t/connect?offset=9", "create-connect?id=t", "create-connect?id=u&cols=x", "create-connect?id=u&cwd=/nowhere"} {
		conn := s.dial("/process/pty/"+path, exitProtocol)
		if m := s.greeted(conn); m.Status != "error" || m.Error == "" {
			t.Errorf("%s: %+v", path, m)
		}
		if _, _, end := s.drain(conn); !strings.Contains(end.Reason, `"error":"`) {
			t.Errorf("%s: %v", path, end)
		}
	}
	conn := s.dial("/process/pty/create-connect?id=u", "X-Daytona-Pty-Envs~!!")
	if m := s.greeted(conn); m.Status != "error" {
		t.Errorf("got %+v", m)
	}
}
