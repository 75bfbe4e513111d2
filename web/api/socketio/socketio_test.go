package socketio_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"sandpiper/sandbox"
	"sandpiper/web/api/socketio"
)

const good = "EIO=4&transport=websocket"

// serve returns the address of a server that admits those who show the token
// "yes" and sends them what comes over events.
func serve(t *testing.T, times socketio.Times, events chan socketio.Event) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		socketio.Serve(t.Context(), w, r, times, func(_ context.Context, shown json.RawMessage) (socketio.Feed, error) {
			var c struct{ Token string }
			if shown != nil && json.Unmarshal(shown, &c) != nil || c.Token == "break" {
				return nil, errors.New("a secret of the server")
			}
			if c.Token != "yes" {
				return nil, sandbox.Errorf(sandbox.KindUnauthorized, "show a key")
			}
			return func(ctx context.Context) (socketio.Event, error) {
				select {
				case e, ok := <-events:
					if !ok {
						return e, io.EOF
					}
					return e, nil
				case <-ctx.Done():
					return socketio.Event{}, ctx.Err()
				}
			}, nil
		})
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

func dial(t *testing.T, address string) *websocket.Conn {
	t.Helper()
	ws, _, err := websocket.Dial(t.Context(), address+"/?"+good, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ws.CloseNow() })
	return ws
}

func read(t *testing.T, ws *websocket.Conn) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	_, message, err := ws.Read(ctx)
	if err != nil {
		return err.Error()
	}
	return string(message)
}

func write(t *testing.T, ws *websocket.Conn, message string) {
	t.Helper()
	if err := ws.Write(t.Context(), websocket.MessageText, []byte(message)); err != nil {
		t.Fatal(err)
	}
}

func TestEventsReachAClient(t *testing.T) {
	events := make(chan socketio.Event, 2)
	ws := dial(t, serve(t, socketio.Times{}, events))
	hello := read(t, ws)
	if !strings.HasPrefix(hello, `0{`) || !strings.Contains(hello, `"pingInterval":25000`) || !strings.Contains(hello, `"sid":"`) {
		t.Errorf("hello %q", hello)
	}
	write(t, ws, `2probe`) // nothing is expected before the namespace
	write(t, ws, `40{"token":"yes"}`)
	if got := read(t, ws); !strings.HasPrefix(got, `40{"sid":"`) {
		t.Errorf("got %q", got)
	}
	events <- socketio.Event{Name: "sandbox.created", Data: map[string]string{"id": "<1>"}}
	if got := read(t, ws); got != `42["sandbox.created",{"id":"\u003c1\u003e"}]` {
		t.Errorf("got %q", got)
	}
	write(t, ws, `42["whatever"]`)
	write(t, ws, `2x`)
	if got := read(t, ws); got != "3x" {
		t.Errorf("pong %q", got)
	}
	close(events)
	if got := read(t, ws); !strings.Contains(got, "StatusTryAgainLater") {
		t.Errorf("a feed that has ended: %q", got)
	}
}

func TestClientsThatAreRefused(t *testing.T) {
	address := serve(t, socketio.Times{}, nil)
	for message, want := range map[string]string{
		`40`:                    `44{"message":"show a key"}`,
		`40{"token":"no"}`:      `44{"message":"show a key"}`,
		`40{"token":`:           `44{"message":"show a key"}`,
		`40{"token":"break"}`:   `44{"message":"something went wrong on the server"}`,
		`40/admin,{"token":"y"`: `44/admin,{"message":"Invalid namespace"}`,
		`40/,{"token":"yes"}`:   `40{"sid":"`,
		`1`:                     `failed to get reader`,
	} {
		ws := dial(t, address)
		read(t, ws)
		write(t, ws, message)
		if got := read(t, ws); !strings.HasPrefix(got, want) {
			t.Errorf("%s: got %q, want %q", message, got, want)
		}
	}
	for query, want := range map[string]string{
		"EIO=3&transport=websocket": "Unsupported protocol version",
		"EIO=4&transport=polling":   "Transport unknown",
		good:                        "connect with a WebSocket",
	} {
		res, err := http.Get(address + "/?" + query)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), want) {
			t.Errorf("%s: %s %s", query, res.Status, body)
		}
	}
}

func TestASilentClientIsLetGo(t *testing.T) {
	times := socketio.Times{PingInterval: 20 * time.Millisecond, PingTimeout: 2 * time.Second} // in which this test answers
	ws := dial(t, serve(t, times, make(chan socketio.Event)))
	read(t, ws)
	write(t, ws, `40{"token":"yes"}`)
	read(t, ws)
	for range 10 { // as long as it answers it stays
		if got := read(t, ws); got != "2" {
			t.Fatalf("got %q", got)
		}
		write(t, ws, "3")
	}
	for deadline := time.Now().Add(30 * time.Second); ; {
		if got := read(t, ws); got != "2" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("a silent client is still connected")
		}
	}
}

func TestAClientMayLeave(t *testing.T) {
	for _, goodbye := range []string{"1", "41"} {
		ws := dial(t, serve(t, socketio.Times{}, make(chan socketio.Event)))
		read(t, ws)
		write(t, ws, `40{"token":"yes"}`)
		read(t, ws)
		write(t, ws, goodbye)
		if got := read(t, ws); !strings.Contains(got, "closed") && !strings.Contains(got, "status") && !strings.Contains(got, "EOF") {
			t.Errorf("%s: got %q", goodbye, got)
		}
	}
}
