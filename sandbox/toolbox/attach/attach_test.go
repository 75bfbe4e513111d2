package attach

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/guest/osguest"
	"sandpiper/sandbox/toolbox/upgrade"
)

// serve serves this machine as a guest and returns what dials it.
func serve(t *testing.T) func() net.Conn {
	t.Helper()
	g, err := osguest.New(osguest.Config{WorkDir: t.TempDir(), Env: []string{"PATH=/usr/bin:/bin", "OWN=sandbox"}})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	h := New(g)
	h.Register(mux)
	server := httptest.NewServer(mux)
	t.Cleanup(func() { server.Close(); h.Close(); g.Close() })
	return func() net.Conn {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
}

// outputs gathers both streams.
type outputs struct{ out, err bytes.Buffer }

func (o *outputs) take(s sandbox.Stream, content []byte) {
	if s == sandbox.Stderr {
		o.err.Write(content)
		return
	}
	o.out.Write(content)
}

func TestAttach(t *testing.T) {
	dial := serve(t)
	for name, tt := range map[string]struct {
		command  Command
		input    string
		out, err string
		code     int
	}{
		"two streams":    {Command{Args: []string{"sh", "-c", "echo out; echo err >&2; exit 3"}}, "", "out\n", "err\n", 3},
		"input":          {Command{Args: []string{"cat"}}, strings.Repeat("0123456789", 30_000), strings.Repeat("0123456789", 30_000), "", 0},
		"a wide window":  {Command{Args: []string{"cat"}, Window: 99}, strings.Repeat("0123456789", 300_000), strings.Repeat("0123456789", 300_000), "", 0},
		"unread input":   {Command{Args: []string{"true"}}, strings.Repeat("x", 300_000), "", "", 0},
		"environment":    {Command{Args: []string{"sh", "-c", "echo $OWN $GIVEN"}, Env: []string{"GIVEN=caller"}}, "", "sandbox caller\n", "", 0},
		"folder":         {Command{Args: []string{"pwd"}, Dir: "/"}, "", "/\n", "", 0},
		"a signal":       {Command{Args: []string{"sh", "-c", "kill -9 $$"}}, "", "", "", 137},
		"much of output": {Command{Args: []string{"sh", "-c", "yes | head -c 1000000"}}, "", strings.Repeat("y\n", 500_000), "", 0},
		"a script":       {Command{Shell: true, Script: "cat; exit 4"}, "in", "in", "", 4},
		"a terminal":     {Command{Shell: true, Script: "stty size; echo err >&2", TTY: &Size{Rows: 12, Cols: 34}}, "", "12 34\r\nerr\r\n", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			tt.command.Measure = true
			p, err := Start(t.Context(), dial(), "", tt.command)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			go func() {
				io.WriteString(p, tt.input)
				p.CloseInput()
			}()
			var got outputs
			exit, err := p.Wait(got.take)
			if err != nil || exit.Code != tt.code || got.out.String() != tt.out || got.err.String() != tt.err {
				t.Errorf("got %+v, %v with %d and %q", exit, err, got.out.Len(), got.err.String())
			}
			if exit.MemoryBytes <= 0 {
				t.Errorf("no memory was measured: %+v", exit)
			}
		})
	}
}

func TestAttachRefuses(t *testing.T) {
	dial := serve(t)
	for name, c := range map[string]Command{
		"nothing to run": {}, "two things to run": {Args: []string{"true"}, Shell: true}, "a script for nobody": {Args: []string{"true"}, Script: "true"},
	} {
		var refused *upgrade.Refusal
		if _, err := Start(t.Context(), dial(), "", c); !errors.As(err, &refused) || refused.Status != http.StatusBadRequest {
			t.Errorf("%s: %v", name, err)
		}
	}
	p, err := Start(t.Context(), dial(), "", Command{Args: []string{"/is/not/there"}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if exit, err := p.Wait(new(outputs).take); err == nil || exit.Code != 127 {
		t.Errorf("a program that is not there: %+v, %v", exit, err)
	}
}

// TestAttachEnds ends a process that would run on, in each way there is.
func TestAttachEnds(t *testing.T) {
	dial := serve(t)
	for name, end := range map[string]func(p *Process, cancel context.CancelFunc){
		"by a signal":       func(p *Process, _ context.CancelFunc) { p.Signal(byte(syscall.SIGTERM)) },
		"by its context":    func(_ *Process, cancel context.CancelFunc) { cancel() },
		"by its connection": func(p *Process, _ context.CancelFunc) { p.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			p, err := Start(ctx, dial(), "", Command{Args: []string{"sh", "-c", "echo $$; sleep 600"}})
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			go io.WriteString(p, strings.Repeat("nobody reads this ", 100_000))
			began := time.Now()
			_, err = p.Wait(func(sandbox.Stream, []byte) { end(p, cancel) })
			if name == "by a signal" && err != nil || name != "by a signal" && err == nil {
				t.Errorf("wait: %v", err)
			}
			if took := time.Since(began); took > time.Minute {
				t.Errorf("it took %v", took)
			}
		})
	}
}

func TestResize(t *testing.T) {
	p, err := Start(t.Context(), serve(t)(), "", Command{Shell: true, Script: "trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.1; done", TTY: &Size{Rows: 1, Cols: 1}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var got bytes.Buffer
	exit, err := p.Wait(func(_ sandbox.Stream, content []byte) {
		got.Write(content)
		if got.String() == "ready\r\n" {
			p.Resize(Size{Rows: 300, Cols: 400})
		}
	})
	if err != nil || exit.Code != 0 || got.String() != "ready\r\n300 400\r\n" {
		t.Errorf("%+v, %v: %q", exit, err, got.String())
	}
}

// TestHangUp lets go of processes that are told of it.
func TestHangUp(t *testing.T) {
	dial := serve(t)
	for name, tt := range map[string]struct {
		script string
		tty    *Size
		want   string
	}{
		"a script hears of it":       {"trap 'echo bye >$F; exit' HUP; echo ready; while :; do sleep 0.1; done", nil, "bye\n"},
		"so it does with a terminal": {"trap 'echo bye >$F; exit' HUP; echo ready; while :; do sleep 0.1; done", &Size{Rows: 9, Cols: 9}, "bye\n"},
		"it may live on":             {"trap '' HUP; echo ready; cat; sleep 0.3; echo done >$F", nil, "done\n"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "out")
			p, err := Start(t.Context(), dial(), "", Command{Shell: true, Script: tt.script, TTY: tt.tty, Env: []string{"F=" + file}, HangUp: true})
			if err != nil {
				t.Fatal(err)
			}
			_, err = p.Wait(func(sandbox.Stream, []byte) { p.Close() })
			if err == nil {
				t.Error("the process has ended before it was let go of")
			}
			var got []byte
			for began := time.Now(); len(got) == 0 && time.Since(began) < 20*time.Second; time.Sleep(5 * time.Millisecond) {
				got, _ = os.ReadFile(file)
			}
			if string(got) != tt.want {
				t.Errorf("it wrote %q", got)
			}
		})
	}
}

func FuzzReadFrame(f *testing.F) {
	var good bytes.Buffer
	writeFrame(&good, frameStdout, []byte("hello"))
	f.Add(good.Bytes())
	f.Add([]byte{4, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{9, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		buf := make([]byte, maxFrame)
		for r := bytes.NewReader(data); ; {
			k, content, err := readFrame(r, buf)
			if err != nil {
				if !errors.Is(err, errFrame) && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Fatal(err)
				}
				return
			}
			var again bytes.Buffer
			if err := writeFrame(&again, k, content); err != nil {
				t.Fatal(err)
			}
			if k2, content2, err := readFrame(&again, make([]byte, maxFrame)); err != nil || k2 != k || !bytes.Equal(content2, content) {
				t.Fatalf("%d %q became %d %q, %v", k, content, k2, content2, err)
			}
		}
	})
}
