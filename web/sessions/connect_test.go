package sessions_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"sandpiper/web/apitype"
	"sandpiper/web/run/runtest"
)

// serverMessage is any message of the server.
type serverMessage struct {
	Type           string
	ID             string
	Text           string
	Stdout         string
	Status         string
	ExecutionCount int `json:"execution_count"`
	Result         *apitype.Display
	Session        apitype.Session
	Error          json.RawMessage
}

// client is a WebSocket client that fails its test.
type client struct {
	*testing.T
	conn *websocket.Conn
}

func (s *server) dial(t *testing.T, id string, headers ...string) client {
	t.Helper()
	h := http.Header{}
	for i := 0; i < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	conn, res, err := websocket.Dial(t.Context(), s.URL+"/v1/sessions/"+id+"/connect", &websocket.DialOptions{HTTPHeader: h})
	if err != nil {
		t.Fatalf("dial: %v (%v)", err, res)
	}
	conn.SetReadLimit(-1)
	t.Cleanup(func() { _ = conn.CloseNow() })
	return client{t, conn}
}

func (c client) send(message string) {
	c.Helper()
	if err := c.conn.Write(c.Context(), websocket.MessageText, []byte(message)); err != nil {
		c.Fatalf("send %s: %v", message, err)
	}
}

func (c client) next() (m serverMessage, err error) {
	c.Helper()
	ctx, cancel := context.WithTimeout(c.Context(), 30*time.Second)
	defer cancel()
	_, data, err := c.conn.Read(ctx)
	if err == nil {
		err = json.Unmarshal(data, &m)
	}
	return m, err
}

// until returns the first message of a type.
func (c client) until(messageType string) serverMessage {
	c.Helper()
	for {
		m, err := c.next()
		if err != nil {
			c.Fatalf("waiting for %s: %v", messageType, err)
		}
		if m.Type == messageType {
			return m
		}
	}
}

// wantClosed reads to the end and checks its code.
func (c client) wantClosed(code int) {
	c.Helper()
	for {
		if _, err := c.next(); err != nil {
			if got := websocket.CloseStatus(err); int(got) != code {
				c.Errorf("closed with %d (%v), want %d", got, err, code)
			}
			return
		}
	}
}

func TestConnect(t *testing.T) {
	s := newServer(t, runtest.Options{Closed: true})
	id := s.create().ID
	c := s.dial(t, id, "Authorization", "Bearer "+runtest.Key)
	c.send(`{"type":"execute","id":"one","code":"print a\nset x 1\nvalue x"}`)
	if m := c.until("session"); m.Session.ID != id {
		t.Errorf("the session is %+v", m)
	}
	if m := c.until("start"); m.ID != "one" {
		t.Errorf("start: %+v", m)
	}
	if m := c.until("stdout"); m.ID != "one" || m.Text != "a\n" {
		t.Errorf("stdout: %+v", m)
	}
	if m := c.until("exit"); m.ID != "one" || m.Status != "ok" || m.Result == nil || m.ExecutionCount != 1 {
		t.Errorf("exit: %+v", m)
	}
	if m := c.until("session"); m.Session.State != "idle" || m.Session.ExecutionCount != 1 {
		t.Errorf("the session is %+v", m)
	}

	c.send(`{"type":"execute","id":"two","code":"readline"}`)
	if m := c.until("input"); m.ID != "two" {
		t.Errorf("input: %+v", m)
	}
	c.send(`{"type":"stdin","data":"typed\n"}`)
	if m := c.until("exit"); m.ID != "two" || m.Stdout != "typed\n" {
		t.Errorf("exit: %+v", m)
	}

	c.send(`{"type":"execute","id":"three","code":"print begun\nloop"}`)
	c.until("stdout")
	c.send(`{"type":"execute","id":"four","code":""}`)
	if m := c.until("error"); m.ID != "four" || !strings.Contains(string(m.Error), "conflict") {
		t.Errorf("error: %+v", m)
	}
	other := s.dial(t, id, "Authorization", "Bearer "+runtest.Key)
	other.send(`{"type":"follow","id":"f"}`)
	if m := other.until("stdout"); m.ID != "f" || m.Text != "begun\n" {
		t.Errorf("followed: %+v", m)
	}
	other.send(`{"type":"interrupt"}`)
	if m := c.until("exit"); m.ID != "three" || m.Status != "cancelled" {
		t.Errorf("exit: %+v", m)
	}
	if m := other.until("exit"); m.ID != "f" {
		t.Errorf("exit: %+v", m)
	}
	c.send(`{"type":"dance","id":"x"}`)
	if m := c.until("error"); m.ID != "x" {
		t.Errorf("error: %+v", m)
	}
	c.send(`{`)
	c.wantClosed(4400)
}

func TestConnectRefuses(t *testing.T) {
	s := newServer(t, runtest.Options{Closed: true})
	id := s.create().ID
	follow := `{"type":"interrupt"}`
	for _, tt := range []struct {
		name, session, message string
		headers                []string
		code                   int
	}{
		{"nobody", id, follow, nil, 4401},
		{"a wrong key", id, `{"type":"interrupt","authorization":"wrong"}`, nil, 4401},
		{"no such session", "nothere", `{"type":"interrupt","authorization":"` + runtest.Key + `"}`, nil, 4404},
		{"a cookie of another site's page", id, follow, []string{"Cookie", s.SignIn(t), "Origin", "https://evil.test"}, 4401},
		{"a long id", id, `{"type":"follow","id":"` + strings.Repeat("x", 101) + `"}`, nil, 4422},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := s.dial(t, tt.session, tt.headers...)
			c.send(tt.message)
			c.wantClosed(tt.code)
		})
	}
	t.Run("a key in the first message", func(t *testing.T) {
		c := s.dial(t, id, "Origin", "https://elsewhere.test")
		c.send(`{"type":"execute","code":"print hi","authorization":"Bearer ` + runtest.Key + `"}`)
		if m := c.until("exit"); m.Stdout != "hi\n" || m.ID == "" {
			t.Errorf("exit: %+v", m)
		}
		c.send(`{"type":"execute","code":"print again"}`)
		if m := c.until("exit"); m.Stdout != "again\n" {
			t.Errorf("exit: %+v", m)
		}
	})
}

func TestCellOfAConnectionThatGoes(t *testing.T) {
	s := newServer(t, runtest.Options{})
	id := s.create().ID
	c := s.dial(t, id, "Authorization", "Bearer "+runtest.Key)
	c.send(`{"type":"execute","code":"print begun\nreadline\nprint done"}`)
	c.until("input")
	_ = c.conn.CloseNow()
	s.waitState(id, "idle") // nobody will type, so its input has ended
	last := runtest.Decode[apitype.LastCell](t, s.ask("GET", "/v1/sessions/"+id+"/last", "", 200))
	if !strings.HasSuffix(last.Result.Stdout, "done\n") {
		t.Errorf("the last cell is %+v", last)
	}
}

func TestConnectionEndsWithItsKey(t *testing.T) {
	for _, tt := range []struct {
		name, key string
		headers   []string
	}{
		{"a key in the header", "", []string{"Authorization", "Bearer " + runtest.OtherKey}},
		{"a key in a message", runtest.OtherKey, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, runtest.Options{Closed: true})
			id := s.create().ID
			c := s.dial(t, id, tt.headers...)
			c.send(`{"type":"execute","code":"print begun\nloop","authorization":"` + tt.key + `"}`)
			c.until("stdout")
			s.Revoke(t, "k2")
			c.wantClosed(4401)
			s.waitState(id, "idle") // its cell is interrupted
		})
	}
}
