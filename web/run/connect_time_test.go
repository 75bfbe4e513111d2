package run_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"sandpiper/sandbox/sandboxtest"
	"sandpiper/web"
	"sandpiper/web/run"
	"sandpiper/web/run/runtest"
)

// pipeListener is a network in memory, so that a bubble's clock governs it.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l pipeListener) Close() error {
	close(l.closed)
	return nil
}

func (l pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

func (l pipeListener) dial(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	l.conns <- there
	return here, nil
}

// inBubble runs f with a WebSocket to a server, both under a fake clock.
func inBubble(t *testing.T, f func(t *testing.T, conn *websocket.Conn, runner *sandboxtest.Runner)) {
	synctest.Test(t, func(t *testing.T) {
		runner := sandboxtest.NewRunner()
		desk := runtest.NewDesk(t, runner, runtest.Options{})
		api := run.New(run.Config{Desk: desk})
		quiet := slog.New(slog.DiscardHandler)
		server := web.NewServer(web.New(web.Config{Guard: desk.Guard, API: []web.Routes{api}, Log: quiet}), quiet)
		listener := pipeListener{make(chan net.Conn), make(chan struct{})}
		go func() { _ = server.Serve(listener) }()
		defer server.Close()
		transport := &http.Transport{DialContext: listener.dial}
		defer transport.CloseIdleConnections()
		conn, _, err := websocket.Dial(t.Context(), "http://pipe/v1/run/connect", &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.CloseNow()
		f(t, conn, runner)
	})
}

func TestSocketWaitsForARequestOnlySoLong(t *testing.T) {
	inBubble(t, func(t *testing.T, conn *websocket.Conn, _ *sandboxtest.Runner) {
		start := time.Now()
		_, _, err := conn.Read(t.Context())
		var closed websocket.CloseError
		if !errors.As(err, &closed) || closed.Code != 4408 || closed.Reason == "" {
			t.Errorf("got %v", err)
		}
		if waited := time.Since(start); waited != 15*time.Second {
			t.Errorf("after %v", waited)
		}
	})
}

// TestSocketKeepsAnIdleClient lets a minute pass in which the program says
// nothing and the client only answers pings.
func TestSocketKeepsAnIdleClient(t *testing.T) {
	inBubble(t, func(t *testing.T, conn *websocket.Conn, _ *sandboxtest.Runner) {
		if err := conn.Write(t.Context(), websocket.MessageText, []byte(`{"type":"run","language":"script","code":"sleep 55s\nprint done","timeout_ms":60000}`)); err != nil {
			t.Fatal(err)
		}
		var last string
		for {
			_, data, err := conn.Read(t.Context())
			if websocket.CloseStatus(err) == websocket.StatusNormalClosure {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			last = string(data)
		}
		if !strings.HasPrefix(last, `{"type":"exit",`) || !strings.Contains(last, `"stdout":"done\n"`) {
			t.Errorf("got %s", last)
		}
	})
}

// TestSocketLeavesASilentClient has a client that reads nothing any more.
func TestSocketLeavesASilentClient(t *testing.T) {
	inBubble(t, func(t *testing.T, conn *websocket.Conn, runner *sandboxtest.Runner) {
		if err := conn.Write(t.Context(), websocket.MessageText, []byte(`{"type":"run","language":"script","code":"loop","timeout_ms":60000}`)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if now, _ := runner.Running(); now != 1 {
			t.Fatalf("%d programs run", now)
		}
		time.Sleep(40 * time.Second)
		if now, _ := runner.Running(); now != 0 {
			t.Error("the run of a client that is not there goes on")
		}
	})
}
