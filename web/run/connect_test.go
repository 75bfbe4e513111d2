package run_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
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
	Type   string
	Text   string
	Status string
	Signal string
	Stdout string
	Error  apitype.Error
}

// client is a WebSocket client that fails its test.
type client struct {
	*testing.T
	conn *websocket.Conn
}

// dial connects with pairs of headers.
func dial(t *testing.T, s *runtest.Server, path string, headers ...string) client {
	t.Helper()
	h := http.Header{}
	for i := 0; i < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	conn, res, err := websocket.Dial(t.Context(), s.URL+path, &websocket.DialOptions{HTTPHeader: h})
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

// next returns the next message.
func (c client) next() (m serverMessage, err error) {
	c.Helper()
	ctx, cancel := context.WithTimeout(c.Context(), 30*time.Second)
	defer cancel()
	_, data, err := c.conn.Read(ctx)
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(data, &m); err != nil {
		c.Fatalf("message %q: %v", data, err)
	}
	return m, nil
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

// closeCode reads on until the server closes, and returns the code and reason
// with the error message that came before it.
func (c client) closeCode() (code websocket.StatusCode, reason string, last apitype.Error) {
	c.Helper()
	for {
		m, err := c.next()
		var closed websocket.CloseError
		switch {
		case errors.As(err, &closed):
			return closed.Code, closed.Reason, last
		case err != nil:
			c.Fatalf("the connection broke: %v", err)
		case m.Type == "error":
			last = m.Error
		}
	}
}

func TestSocketConversation(t *testing.T) {
	s := runtest.New(t, runtest.Options{})
	c := dial(t, s, "/v1/run/connect")
	c.send(`{"type":"run","language":"script","code":"readline\necho","stdin":"first\n"}`)
	if start := c.until("start"); start.Type != "start" {
		t.Errorf("got %+v", start)
	}
	if got := c.until("stdout").Text; got != "first\n" {
		t.Errorf("got %q", got)
	}
	c.send(`{"type":"stdin","data":"sécond"}`)
	if got := c.until("stdout").Text; got != "sécond" {
		t.Errorf("got %q", got)
	}
	c.send(`{"type":"signal","signal":"SIGHUP"}`)
	if got := c.until("error").Error; got.Kind != "unprocessable" || got.Field != "signal" || got.RequestID == "" {
		t.Errorf("got %+v", got)
	}
	c.send(`{"type":"end"}`)
	if got := c.until("exit"); got.Status != "ok" || got.Stdout != "first\nsécond" {
		t.Errorf("got %+v", got)
	}
	if code, reason, _ := c.closeCode(); code != 1000 || reason != "finished" {
		t.Errorf("closed with %d %q", code, reason)
	}
}

func TestSocketSignals(t *testing.T) {
	s := runtest.New(t, runtest.Options{})
	for _, signal := range []string{"SIGINT", "SIGKILL"} {
		c := dial(t, s, "/v1/run/connect")
		c.send(`{"type":"run","language":"script","code":"print hi\nloop"}`)
		c.until("stdout")
		c.send(`{"type":"signal","signal":"` + signal + `"}`)
		if got := c.until("exit"); got.Status != "cancelled" || got.Signal != signal {
			t.Errorf("%s: got %+v", signal, got)
		}
	}
}

func TestSocketRefusals(t *testing.T) {
	s := runtest.New(t, runtest.Options{Closed: true})
	run := `{"type":"run","authorization":"` + runtest.Key + `","language":"script","code":"loop"}`
	tests := []struct {
		name     string
		messages []string
		code     websocket.StatusCode
		kind     string
		field    string
	}{
		{"no JSON", []string{`hello`}, 4400, "invalid", ""},
		{"another type first", []string{`{"type":"stdin","language":""}`}, 4422, "unprocessable", "type"},
		{"unknown field", []string{`{"type":"run","colour":1}`}, 4422, "unprocessable", "colour"},
		{"no key", []string{`{"type":"run","language":"script","code":""}`}, 4401, "unauthorized", ""},
		{"wrong key", []string{`{"type":"run","authorization":"nope","language":"script","code":""}`}, 4401, "unauthorized", ""},
		{"bad program", []string{`{"type":"run","authorization":"Bearer ` + runtest.Key + `","language":"klingon","code":""}`}, 4422, "unprocessable", "language"},
		{"no JSON later", []string{run, `hello`}, 4400, "invalid", ""},
		{"unknown field later", []string{run, `{"type":"end","code":"x"}`}, 4422, "unprocessable", "code"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := dial(t, s, "/v1/run/connect")
			for _, m := range tt.messages {
				c.send(m)
			}
			code, reason, last := c.closeCode()
			if code != tt.code || last.Kind != tt.kind || last.Field != tt.field || reason == "" {
				t.Errorf("closed with %d %q after %+v", code, reason, last)
			}
			s.WaitRunning(t, 0)
		})
	}
}

func TestSocketHostileFrames(t *testing.T) {
	s := runtest.New(t, runtest.Options{})
	t.Run("binary", func(t *testing.T) {
		c := dial(t, s, "/v1/run/connect")
		if err := c.conn.Write(t.Context(), websocket.MessageBinary, []byte(`{}`)); err != nil {
			t.Fatal(err)
		}
		if code, _, _ := c.closeCode(); code != 1003 {
			t.Errorf("closed with %d", code)
		}
	})
	t.Run("too large", func(t *testing.T) {
		c := dial(t, s, "/v1/run/connect")
		_ = c.conn.Write(t.Context(), websocket.MessageText, make([]byte, 5<<20)) // cut off while it is sent
		if _, err := c.next(); websocket.CloseStatus(err) != 1009 && !isReset(err) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a bomb of brackets", func(t *testing.T) {
		c := dial(t, s, "/v1/run/connect")
		c.send(strings.Repeat("[", 1<<20))
		if code, _, _ := c.closeCode(); code != 4400 {
			t.Errorf("closed with %d", code)
		}
	})
	t.Run("input that nobody reads", func(t *testing.T) {
		c := dial(t, s, "/v1/run/connect")
		c.send(`{"type":"run","language":"script","code":"print hi\nloop"}`)
		c.until("stdout")
		chunk := `{"type":"stdin","data":"` + strings.Repeat("x", 1<<19) + `"}`
		for range 3 {
			c.send(chunk)
		}
		if got := c.until("error").Error; got.Kind != "too_large" {
			t.Errorf("got %+v", got)
		}
	})
}

// isReset reports whether the connection was cut before the close frame could
// be read, which TCP does when the other side has not read everything.
func isReset(err error) bool {
	return err != nil && (errors.Is(err, io.EOF) || strings.Contains(err.Error(), "reset") || strings.Contains(err.Error(), "broken pipe"))
}

func TestSocketLeavingStopsTheRun(t *testing.T) {
	s := runtest.New(t, runtest.Options{})
	c := dial(t, s, "/v1/run/connect")
	c.send(`{"type":"run","language":"script","code":"loop"}`)
	s.WaitRunning(t, 1)
	_ = c.conn.CloseNow()
	s.WaitRunning(t, 0)
}

func TestSocketNeedsAnUpgrade(t *testing.T) {
	s := runtest.New(t, runtest.Options{})
	res, body := s.Do(t, "GET", "/v1/run/connect", "")
	if got := runtest.Decode[apitype.ErrorBody](t, body); res.StatusCode != 426 || res.Header.Get("Upgrade") != "websocket" || got.Error.Message == "" {
		t.Errorf("got %d %+v", res.StatusCode, got)
	}
}

// TestSocketOrigins checks what a page may do with the cookie of its visitor.
func TestSocketOrigins(t *testing.T) {
	s := runtest.New(t, runtest.Options{Closed: true})
	cookie := s.SignIn(t)
	own := strings.Replace(s.URL, "127.0.0.1", "localhost", 1) // another origin by name
	tests := []struct {
		name   string
		origin string
		key    string
		code   websocket.StatusCode
	}{
		{"no page", "", "", 1000},
		{"a page of ours", s.URL, "", 1000},
		{"a page of ours over https", strings.Replace(s.URL, "http", "https", 1), "", 1000}, // a proxy ends TLS
		{"a page of another host", "https://evil.example", "", 4401},
		{"a page of another name for this host", own, "", 4401},
		{"a page of another port", "http://127.0.0.1:1", "", 4401},
		{"a sandboxed frame", "null", "", 4401},
		{"an origin that is none", "not a url\x7f", "", 4401},
		{"a page of another host with a key", "https://notebook.example", runtest.Key, 1000},
		{"a sandboxed frame with a key", "null", runtest.Key, 1000},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			headers := []string{"Cookie", cookie}
			if tt.origin != "" {
				headers = append(headers, "Origin", strings.ReplaceAll(tt.origin, "\x7f", "%"))
			}
			c := dial(t, s, "/v1/run/connect", headers...)
			c.send(`{"type":"run","authorization":` + runtest.Quote(tt.key) + `,"language":"script","code":"print hi"}`)
			if code, reason, _ := c.closeCode(); code != tt.code {
				t.Errorf("closed with %d %q", code, reason)
			}
		})
	}
}

func TestSocketEndsWithItsKey(t *testing.T) {
	for _, tt := range []struct {
		name, key string
		headers   []string
	}{
		{"a key in the header", "", []string{"Authorization", "Bearer " + runtest.Key}},
		{"a key in the first message", runtest.Key, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := runtest.New(t, runtest.Options{Closed: true})
			c := dial(t, s, "/v1/run/connect", tt.headers...)
			c.send(`{"type":"run","language":"script","code":"print hi\nloop","authorization":"` + tt.key + `"}`)
			c.until("stdout")
			s.Revoke(t, "k2") // somebody else's
			s.Revoke(t, "k1")
			if code, reason, _ := c.closeCode(); code != 4401 || !strings.Contains(reason, "revoked") {
				t.Errorf("closed with %d %q", code, reason)
			}
			s.WaitRunning(t, 0)
		})
	}
}
