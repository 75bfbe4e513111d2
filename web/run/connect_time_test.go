package run_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"sandpiper/sandbox"
	"sandpiper/sandbox/sandboxtest"
	"sandpiper/sandbox/scheduler"
	"sandpiper/web"
	"sandpiper/web/run"
	"sandpiper/web/run/runtest"
)

// bubble is a server under a fake clock.
type bubble struct {
	*runtest.Pipe
	server    *web.Server
	runner    *sandboxtest.Runner
	scheduler *scheduler.Scheduler
}

// inBubble runs f with a server under a fake clock.
func inBubble(t *testing.T, f func(t *testing.T, b bubble)) {
	synctest.Test(t, func(t *testing.T) {
		runner := sandboxtest.NewRunner()
		desk := runtest.NewDesk(t, runner, runtest.Options{})
		api := run.New(run.Config{Desk: desk})
		quiet := slog.New(slog.DiscardHandler)
		b := bubble{runtest.NewPipe(), web.NewServer(web.New(web.Config{Guard: desk.Guard, API: []web.Routes{api}, Log: quiet}), quiet), runner, desk.Scheduler}
		go func() { _ = b.server.Serve(b) }()
		defer b.server.Close()
		f(t, b)
	})
}

// connect opens a WebSocket.
func (b bubble) connect(t *testing.T) *websocket.Conn {
	t.Helper()
	client := b.Client()
	t.Cleanup(client.CloseIdleConnections)
	conn, _, err := websocket.Dial(t.Context(), "http://pipe/v1/run/connect", &websocket.DialOptions{HTTPClient: client})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	return conn
}

// start sends a request that runs commands.
func start(t *testing.T, conn *websocket.Conn, commands string) {
	t.Helper()
	message := `{"type":"run","language":"script","code":` + runtest.Quote(commands) + `,"timeout_ms":60000}`
	if err := conn.Write(t.Context(), websocket.MessageText, []byte(message)); err != nil {
		t.Fatal(err)
	}
}

// last reads to the end of a conversation and returns the last message.
func last(t *testing.T, conn *websocket.Conn) string {
	t.Helper()
	message := ""
	for {
		_, data, err := conn.Read(t.Context())
		if websocket.CloseStatus(err) == websocket.StatusNormalClosure {
			return message
		}
		if err != nil {
			t.Fatal(err)
		}
		message = string(data)
	}
}

func TestSocketWaitsForARequestOnlySoLong(t *testing.T) {
	inBubble(t, func(t *testing.T, b bubble) {
		conn, start := b.connect(t), time.Now()
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
	inBubble(t, func(t *testing.T, b bubble) {
		conn := b.connect(t)
		start(t, conn, "sleep 55s\nprint done")
		if exit := last(t, conn); !strings.HasPrefix(exit, `{"type":"exit",`) || !strings.Contains(exit, `"stdout":"done\n"`) {
			t.Errorf("got %s", exit)
		}
	})
}

// TestSocketLeavesASilentClient has a client that reads nothing any more.
func TestSocketLeavesASilentClient(t *testing.T) {
	inBubble(t, func(t *testing.T, b bubble) {
		start(t, b.connect(t), "loop")
		time.Sleep(time.Second)
		if now, _ := b.runner.Running(); now != 1 {
			t.Fatalf("%d programs run", now)
		}
		time.Sleep(40 * time.Second)
		if now, _ := b.runner.Running(); now != 0 {
			t.Error("the run of a client that is not there goes on")
		}
	})
}

// TestShutdownLetsSocketsFinish drains the scheduler and shuts the server down
// while a run goes on, as the program does when it is told to stop.
func TestShutdownLetsSocketsFinish(t *testing.T) {
	inBubble(t, func(t *testing.T, b bubble) {
		conn := b.connect(t)
		start(t, conn, "print hi\nloop")
		synctest.Wait()
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			if err := b.scheduler.Drain(ctx); err != nil {
				t.Error(err)
			}
			if err := b.server.Shutdown(context.Background()); err != nil {
				t.Error(err)
			}
		}()
		if exit := last(t, conn); !strings.Contains(exit, `"status":"cancelled"`) || !strings.Contains(exit, `"signal":"SIGTERM"`) {
			t.Errorf("got %s", exit)
		}
	})
}

// TestSlowBodiesAreCut has clients that promise a body and never send it all.
func TestSlowBodiesAreCut(t *testing.T) {
	tests := []struct{ name, path, answer string }{
		{"a body that is read", "/v1/run", "HTTP/1.1 400"},
		{"a body that nobody reads", "/v1/nothing", ""}, // its answer waits for the body, in net/http
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b bubble) {
				conn, err := b.Dial(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				start := time.Now()
				go func() {
					_, _ = io.WriteString(conn, "POST "+tt.path+" HTTP/1.1\r\nHost: pipe\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
				}()
				answer, err := io.ReadAll(conn)
				if err != nil || !strings.HasPrefix(string(answer), tt.answer) {
					t.Errorf("got %q, %v", answer, err)
				}
				if took := time.Since(start); took < 59*time.Second || took > 62*time.Second {
					t.Errorf("the connection lived for %v", took)
				}
			})
		})
	}
}

// TestRunsOutlastTheReadTimeout checks that the limit on sending a request ends
// with it, and is not taken for a client that went away: the run takes longer.
func TestRunsOutlastTheReadTimeout(t *testing.T) {
	inBubble(t, func(t *testing.T, b bubble) {
		client := b.Client()
		defer client.CloseIdleConnections()
		b.runner.SetState("script", sandbox.LanguagePreparing, "compiling")
		time.AfterFunc(40*time.Second, func() { b.runner.SetState("script", sandbox.LanguageReady, "") })
		r, err := http.NewRequestWithContext(t.Context(), "POST", "http://pipe/v1/run", strings.NewReader(script("sleep 50s", `"timeout_ms":60000`)))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		start := time.Now()
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		answer, err := io.ReadAll(res.Body)
		if err != nil || !strings.Contains(string(answer), `"status":"ok"`) {
			t.Errorf("got %s, %v", answer, err)
		}
		if took := time.Since(start); took < 90*time.Second {
			t.Errorf("took only %v", took)
		}
	})
}
