package worker_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sandpiper/runtimes/wasm"
	"sandpiper/runtimes/wasm/worker"
	"sandpiper/runtimes/wasm/worker/inside"
	"sandpiper/runtimes/wasm/worker/link"
	"sandpiper/sandbox"
	"sandpiper/sandbox/sandboxtest"
)

// What the test binary is when it is a worker.
const (
	realWorker = "worker-with-wasm"    // the engine with JavaScript and Lua
	fakeWorker = "worker-with-scripts" // a sandboxtest.Runner
	deafWorker = "worker-that-fails"   // ends at once
	slowWorker = "worker-with-late"    // that with scripts, whose Python is prepared once it is preferred

	mutteringWorker = "worker-that-does-not-listen"
)

func TestMain(m *testing.M) {
	engines := map[string]func(link.Setup) (inside.Engine, error){
		realWorker: openWasm,
		fakeWorker: func(link.Setup) (inside.Engine, error) { return &scripts{Runner: sandboxtest.NewRunner()}, nil },
		slowWorker: func(link.Setup) (inside.Engine, error) {
			r := sandboxtest.NewRunner()
			r.SetState("python", sandbox.LanguagePreparing, "waiting for its turn")
			return &late{scripts{Runner: r}}, nil
		},
		deafWorker: func(link.Setup) (inside.Engine, error) { return nil, errors.New("nothing works today") },
	}
	if len(os.Args) > 1 && engines[os.Args[1]] != nil {
		if err := inside.Main(engines[os.Args[1]]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if len(os.Args) > 1 && os.Args[1] == mutteringWorker {
		fmt.Fprintln(os.Stderr, mutter())
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// mutter greets the server, and from then on answers without having been asked.
func mutter() error {
	l, err := link.New(os.NewFile(inside.SocketFD, "server"), true)
	if err != nil {
		return err
	}
	if _, err := l.Receive(); err != nil {
		return err
	}
	for err = l.Send(link.OpHello, 0, link.Hello{}, nil); err == nil; err = l.Send(link.OpPong, 0, nil, nil) {
		time.Sleep(10 * time.Millisecond) // it has all the time in the world
	}
	return err
}

func openWasm(s link.Setup) (inside.Engine, error) {
	return wasm.New(wasm.Config{CacheDir: s.Cache, RunDir: s.Runs, Only: s.Only, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))})
}

// scripts is a Runner with commands for a whole process, which must be the first line
// of a program, and with kernels.
type scripts struct{ *sandboxtest.Runner }

// Close implements io.Closer.
func (s *scripts) Close() error { return nil }

// Run implements sandbox.CodeRunner.
func (s *scripts) Run(ctx context.Context, p sandbox.Program, out sandbox.Sink) (sandbox.Outcome, error) {
	command, arg, _ := strings.Cut(strings.TrimSpace(string(p.Files[0].Content)), " ")
	switch command {
	case "os.Exit":
		os.Exit(3)
	case "stop": // as a process that hangs does, and the whole of it
		_ = unix.Kill(os.Getpid(), unix.SIGSTOP)
		<-ctx.Done() // this thread may stop a little later than the call returns
	case "stuck": // in a host function that never returns, while the rest of it answers
		out.Output(sandbox.Stdout, []byte("begun\n"))
		select {}
	case "grow":
		b := make([]byte, 400<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		<-ctx.Done()
	case "signal":
		out.Output(sandbox.Stdout, []byte("begun\n"))
		<-ctx.Done()
		return sandbox.CancelledOutcome(context.Cause(ctx)), nil
	case "big":
		out.Output(sandbox.Stdout, []byte(strings.Repeat("x", 16<<20)))
		return sandbox.Outcome{Status: sandbox.StatusOK, Files: []sandbox.File{{Name: "a", Content: make([]byte, 4<<20)}, {Name: arg}}}, nil
	}
	return s.Runner.Run(ctx, p, out)
}

// late is scripts with a language that nobody has waited for so far.
type late struct{ scripts }

// Prefer implements sandbox.Preparer.
func (l *late) Prefer(language string) { l.SetState(language, sandbox.LanguageReady, "") }

// KernelLanguages implements sandbox.KernelEngine.
func (s *scripts) KernelLanguages() []sandbox.Language { return s.Languages()[:1] }

// OpenKernel implements sandbox.KernelEngine.
func (s *scripts) OpenKernel(_ context.Context, spec sandbox.KernelSpec) (sandbox.Kernel, error) {
	if spec.Language != "script" {
		return nil, sandbox.FieldErrorf("language", "no sessions of %s", spec.Language)
	}
	return &scriptKernel{dir: spec.Dir, interrupted: make(chan struct{}, 1)}, nil
}

// ResumeKernel implements sandbox.KernelEngine.
func (s *scripts) ResumeKernel(ctx context.Context, spec sandbox.KernelSpec, state io.Reader) (sandbox.Kernel, error) {
	b, err := io.ReadAll(state)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(string(b), "old") {
		return nil, sandbox.ErrStateStale
	}
	return &scriptKernel{dir: spec.Dir, state: string(b), interrupted: make(chan struct{}, 1)}, nil
}

// scriptKernel adds each cell to its state, which is the result.
type scriptKernel struct {
	dir         string
	interrupted chan struct{}

	mu    sync.Mutex
	state string
}

func (k *scriptKernel) Execute(ctx context.Context, c sandbox.Cell, out sandbox.Sink) (sandbox.CellOutcome, error) {
	o := sandbox.CellOutcome{Outcome: sandbox.Outcome{Status: sandbox.StatusOK}}
	select {
	case <-k.interrupted: // what came while nothing ran does nothing
	default:
	}
	if c.WasInterrupted() {
		k.Interrupt()
	}
	command, arg, _ := strings.Cut(c.Code, " ")
	switch command {
	case "wait":
		out.Output(sandbox.Stdout, []byte("waiting"))
		select {
		case <-k.interrupted:
			o.Error = &sandbox.CellError{Name: "Interrupt", Value: "stopped", Traceback: []string{"line 1"}}
			o.Status, o.Signal = sandbox.StatusCancelled, "SIGINT"
		case <-ctx.Done():
			o.Outcome = sandbox.CancelledOutcome(context.Cause(ctx))
			o.RolledBack = true
		}
		return o, nil
	case "read":
		b := make([]byte, 100)
		n, err := c.Stdin.Read(ctx, b)
		out.Output(sandbox.Stdout, fmt.Appendf(nil, "%s %v", b[:n], err))
		return o, nil
	case "file":
		return o, os.WriteFile(filepath.Join(k.dir, arg), []byte(arg), 0o600)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.state += c.Code
	o.Result = &sandbox.Display{Data: map[string]any{"text/plain": k.state}}
	return o, nil
}

func (k *scriptKernel) Interrupt() {
	select {
	case k.interrupted <- struct{}{}:
	default:
	}
}

func (k *scriptKernel) Save(_ context.Context, w io.Writer) error {
	_, err := io.WriteString(w, k.state)
	return err
}

func (k *scriptKernel) Fork(_ context.Context, spec sandbox.KernelSpec) (sandbox.Kernel, error) {
	return &scriptKernel{dir: spec.Dir, state: k.state, interrupted: make(chan struct{}, 1)}, nil
}

func (k *scriptKernel) Memory() int64 { return int64(len(k.state)) }

func (k *scriptKernel) Close() error { return nil }

// newPool starts a pool, whose worker logs to the test.
func newPool(t testing.TB, change func(*worker.Config)) *worker.Pool {
	t.Helper()
	cfg := worker.Config{
		Args: []string{fakeWorker}, Dir: filepath.Join(sharedFolder(t), "workers"), Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	cfg.SetMaxPause(10 * time.Millisecond)
	if change != nil {
		change(&cfg)
	}
	p, err := worker.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// sharedFolder is a temporary folder. Workers get what they need of it as open files.
func sharedFolder(t testing.TB) string { return t.TempDir() }

// sink keeps what a program says.
type sink struct {
	mu       sync.Mutex
	text     strings.Builder
	displays []sandbox.Display
	said     chan struct{} // gets one for each call, while there is room
}

func newSink() *sink { return &sink{said: make(chan struct{}, 1)} }

func (s *sink) Output(stream sandbox.Stream, p []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if stream == sandbox.Stderr {
		p = []byte(strings.ToUpper(string(p)))
	}
	s.text.Write(p)
	select {
	case s.said <- struct{}{}:
	default:
	}
}

func (s *sink) Display(d sandbox.Display) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.displays = append(s.displays, d)
	fmt.Fprintf(&s.text, "[%d]", len(s.displays))
}

func (s *sink) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// script is a program of commands.
func script(lines ...string) sandbox.Program { return sandboxtest.Program(lines...) }
