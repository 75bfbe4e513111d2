package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// listener is a client of the events.
type listener struct {
	t  *testing.T
	ws *websocket.Conn
}

func (b *bench) listen(query string, headers http.Header) *listener {
	b.t.Helper()
	ws, _, err := websocket.Dial(b.t.Context(), "ws"+strings.TrimPrefix(b.url, "http")+"/api/socket.io/?EIO=4&transport=websocket"+query, &websocket.DialOptions{HTTPHeader: headers})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { ws.CloseNow() })
	l := &listener{b.t, ws}
	l.next()
	return l
}

func (l *listener) next() string {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), 30*time.Second)
	defer cancel()
	_, message, err := l.ws.Read(ctx)
	if err != nil {
		return err.Error()
	}
	return string(message)
}

func (l *listener) say(message string) {
	l.t.Helper()
	if err := l.ws.Write(l.t.Context(), websocket.MessageText, []byte(message)); err != nil {
		l.t.Fatal(err)
	}
}

// event waits for an event of a name.
func (l *listener) event(name string) map[string]any {
	l.t.Helper()
	for range 50 {
		message := l.next()
		var event []any
		if text, ok := strings.CutPrefix(message, "42"); !ok || json.Unmarshal([]byte(text), &event) != nil || len(event) != 2 {
			l.t.Fatalf("no event: %s", message)
		}
		if event[0] == name {
			return event[1].(map[string]any)
		}
	}
	l.t.Fatalf("no event %s", name)
	return nil
}

func TestEvents(t *testing.T) {
	b := newBench(t)
	l := b.listen("&organizationId="+org+"&source=sdk-typescript", nil)
	l.say(`40{"token":"` + adminKey + `"}`)
	if got := l.next(); !strings.HasPrefix(got, `40{"sid"`) {
		t.Fatalf("got %s", got)
	}
	id := b.create(`{"name":"box"}`)
	if e := l.event("sandbox.created"); e["id"] != id || e["name"] != "box" || e["toolboxProxyUrl"] == nil {
		t.Errorf("created: %v", e)
	}
	e := l.event("sandbox.state.updated")
	if s, _ := e["sandbox"].(map[string]any); s["id"] != id || e["newState"] != "started" || e["oldState"] != "creating" || s["state"] != "started" {
		t.Errorf("updated: %v", e)
	}
	b.good("stopSandbox", "POST", "/sandbox/box/stop", "")
	if e := l.event("sandbox.desired-state.updated"); e["newDesiredState"] != "stopped" || e["oldDesiredState"] != "started" {
		t.Errorf("wanted: %v", e)
	}
	b.good("createSnapshot", "POST", "/snapshots", `{"name":"mine","imageName":"alpine:3.20"}`)
	if e := l.event("snapshot.created"); e["name"] != "mine" {
		t.Errorf("snapshot: %v", e)
	}
	b.routes.Close()
	for range 20 {
		if got := l.next(); !strings.HasPrefix(got, "4") {
			return
		}
	}
	t.Error("a server that shuts down keeps the connection")
}

func TestARevokedKeyHearsNoMoreEvents(t *testing.T) {
	b := newBench(t)
	made := b.good("createApiKey", "POST", "/api-keys", `{"name":"listener","permissions":[]}`)
	key, _ := made.get("value").(string)
	listeners := []*listener{b.listen("", nil), b.listen("", http.Header{"Authorization": {"Bearer " + key}})}
	for i, say := range []string{`40{"token":"` + key + `"}`, "40"} {
		listeners[i].say(say)
		if got := listeners[i].next(); !strings.HasPrefix(got, "40{") {
			t.Fatalf("got %s", got)
		}
	}
	b.good("deleteApiKey", "DELETE", "/api-keys/listener", "")
	for _, l := range listeners {
		if got := l.next(); strings.HasPrefix(got, "42") || strings.Contains(got, context.DeadlineExceeded.Error()) {
			t.Errorf("the connection of a revoked key goes on: %s", got)
		}
	}
}

func TestWhoHearsEvents(t *testing.T) {
	b := newBench(t)
	for _, c := range []struct{ query, header, say, want string }{
		{"", "", `40{"token":"` + adminKey + `"}`, `40{`},
		{"", "Bearer " + adminKey, `40`, `40{`},
		{"", "", `40`, `44{"message":"sign in`},
		{"", "", `40{"token":"wrong"}`, `44{"message":"this API key is not known`},
		{"", "", `40["x"]`, `44{"message":"show an API key`},
		{"&organizationId=other", "", `40{"token":"` + adminKey + `"}`, `44{"message":"you are no member`},
	} {
		headers := http.Header{}
		if c.header != "" {
			headers.Set("Authorization", c.header)
		}
		l := b.listen(c.query, headers)
		l.say(c.say)
		if got := l.next(); !strings.HasPrefix(got, c.want) {
			t.Errorf("%+v: %s", c, got)
		}
	}
}
