package vm_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sandpiper/runtimes/wasm/vm"
	. "sandpiper/runtimes/wasm/wasmtest"
	"sandpiper/sandbox"
)

// limits are those of the tests' runs.
var limits = sandbox.Limits{
	Wall: 5 * time.Second, CPU: 5 * time.Second, MemoryBytes: 64 << 20, OutputBytes: 64 << 10,
	FileBytes: 1 << 20, Files: 10, OpenFiles: 10,
}

func newHost(t testing.TB) *vm.Host {
	t.Helper()
	return newHostWith(t, vm.Config{CacheDir: t.TempDir()})
}

func newHostWith(t testing.TB, cfg vm.Config) *vm.Host {
	t.Helper()
	h, err := vm.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return h
}

func load(t testing.TB, h *vm.Host, wasm []byte, opts vm.LoadOptions) *vm.Module {
	t.Helper()
	m, err := h.Load(t.Context(), "test", vm.Binary(wasm), opts)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestLoadAgain holds that a module is loaded by whoever wants it after somebody gave
// up on it, or a disk that was full has room again.
func TestLoadAgain(t *testing.T) {
	stopped, stop := context.WithCancel(t.Context())
	stop()
	module := Command("", nil)
	t.Run("after a caller who gave up", func(t *testing.T) {
		h := newHost(t)
		if _, err := h.Load(stopped, "test", vm.Binary(module), vm.LoadOptions{}); !errors.Is(err, context.Canceled) {
			t.Fatalf("a load that nobody waits for: %v", err)
		}
		load(t, h, module, vm.LoadOptions{})
	})
	t.Run("after an error of the disk", func(t *testing.T) {
		h, folder := newHost(t), filepath.Join(t.TempDir(), "cache")
		opts := vm.LoadOptions{Folder: folder}
		if err := os.WriteFile(folder, nil, 0o600); err != nil { // where the folder is to be
			t.Fatal(err)
		}
		if _, err := h.Load(t.Context(), "test", vm.Binary(module), opts); err == nil {
			t.Fatal("it was loaded without a folder")
		}
		if err := os.Remove(folder); err != nil {
			t.Fatal(err)
		}
		load(t, h, module, opts)
	})
}

// capture is a run's output.
type capture struct {
	mu  sync.Mutex
	out [3]bytes.Buffer
}

func (c *capture) write(s sandbox.Stream, p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out[s].Write(p)
}

func (c *capture) stdout() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out[sandbox.Stdout].String()
}

func (c *capture) stderr() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out[sandbox.Stderr].String()
}

// start runs a command with cfg, in which Output may be left out.
func start(ctx context.Context, m *vm.Module, cfg vm.RunConfig) (vm.Result, *capture) {
	var c capture
	cfg.Output = c.write
	if cfg.Limits == (sandbox.Limits{}) {
		cfg.Limits = limits
	}
	return m.Run(ctx, cfg, vm.Start), &c
}

// patience is how long anything that is waited for may take on the busiest machine.
const patience = time.Minute

// eventually waits until something holds.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// soon fails the test when f takes longer than most. A busy machine can make
// that happen once, but not five times in a row.
func soon(t *testing.T, most time.Duration, f func()) {
	t.Helper()
	var took [5]time.Duration
	for i := range took {
		began := time.Now()
		f()
		if took[i] = time.Since(began); took[i] <= most {
			return
		}
	}
	t.Errorf("took %v, each time more than %v", took, most)
}

// Functions of WASI that the tests' guests import.
var (
	procExit   = WASI("proc_exit", "i")
	fdWrite    = WASI("fd_write", "iiii:i")
	fdRead     = WASI("fd_read", "iiii:i")
	pollOneoff = WASI("poll_oneoff", "iiii:i")
	randomGet  = WASI("random_get", "ii:i")
	clockGet   = WASI("clock_time_get", "iIi:i")
	environGet = WASI("environ_get", "ii:i")
	environLen = WASI("environ_sizes_get", "ii:i")
	yield      = WASI("sched_yield", ":i")
)

// write calls fd_write, which is function index, for n bytes at address at.
func write(index uint32, fd, at, n int32) []byte {
	const iovec = 4096
	return Code(
		I32(iovec), I32(at), Store(), I32(iovec+4), I32(n), Store(),
		I32(fd), I32(iovec), I32(1), I32(iovec+8), Call(index), Drop())
}

func TestOutcomes(t *testing.T) {
	unreachable := Op(0x00)
	tests := []struct {
		name   string
		wasm   []byte
		want   sandbox.Status
		code   int
		signal string
		stderr string
	}{
		{"returns", Command("", nil), sandbox.StatusOK, 0, "", ""},
		{"exits with 0", Command("", Code(I32(0), Call(0)), procExit), sandbox.StatusOK, 0, "", ""},
		{"exits with 3", Command("", Code(I32(3), Call(0)), procExit), sandbox.StatusError, 3, "", ""},
		{"unreachable", Command("", unreachable), sandbox.StatusError, 134, "SIGABRT", "sandpiper: the program crashed: unreachable.\n"},
		{"division by zero", Command("", Code(I32(1), I32(0), Op(0x6d), Drop())), sandbox.StatusError, 134, "SIGABRT",
			"sandpiper: the program crashed: integer divide by zero.\n"},
		{"wild pointer", Command("", Code(I32(-8), Load(), Drop())), sandbox.StatusError, 134, "SIGABRT",
			"sandpiper: the program crashed: out of bounds memory access.\n"},
		{"recursion", Command("", Code(Call(0), Call(0))), sandbox.StatusError, 134, "SIGABRT",
			"sandpiper: the program crashed: stack overflow (too deep a recursion).\n"},
		{"crash in the middle of a line", Command("oops", Code(write(0, 2, 0, 4), unreachable), fdWrite), sandbox.StatusError, 134, "SIGABRT",
			"oops\nsandpiper: the program crashed: unreachable.\n"},
		{"too large at the start", Module{Memory: [2]uint32{2000, 4000}, Funcs: []Func{{Export: "_start"}}}.Bytes(),
			sandbox.StatusMemoryLimit, 137, "SIGKILL", "sandpiper: needed more than 64 MiB of memory: the memory limit.\n"},
		{"refused memory", Command("", Code(I32(2000), Op(0x40, 0), Drop(), unreachable)), sandbox.StatusMemoryLimit, 137, "SIGKILL",
			"sandpiper: needed more than 64 MiB of memory: the memory limit.\n"},
		{"refused memory and managed", Command("", Code(I32(2000), Op(0x40, 0), Drop())), sandbox.StatusOK, 0, "", ""},
	}
	h := newHost(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res, out := start(t.Context(), load(t, h, tt.wasm, vm.LoadOptions{}), vm.RunConfig{})
			if res.Status != tt.want || res.ExitCode != tt.code || res.Signal != tt.signal {
				t.Errorf("got %q, exit code %d, signal %q (%s), want %q, %d, %q",
					res.Status, res.ExitCode, res.Signal, res.Message, tt.want, tt.code, tt.signal)
			}
			if got := out.stderr(); got != tt.stderr {
				t.Errorf("stderr %q, want %q", got, tt.stderr)
			}
			if ok := res.Status == sandbox.StatusOK; ok != (res.Message == "") {
				t.Errorf("status %q with the message %q", res.Status, res.Message)
			}
			if !strings.HasSuffix(tt.stderr, string(res.StderrTail)) {
				t.Errorf("tail of stderr %q", res.StderrTail)
			}
		})
	}
}

// TestStops runs guests that do not end by themselves.
func TestStops(t *testing.T) {
	fdReadSubscription := "\x00\x00\x00\x00\x00\x00\x00\x00\x01" + strings.Repeat("\x00", 39)
	sleepLong := strings.Repeat("\x00", 16) + "\x01\x00\x00\x00\x00\x00\x00\x00" + "\x00\x00\x00\x00\x00\x10\x00\x00" + strings.Repeat("\x00", 16)
	poll := Code(I32(0), I32(1024), I32(1), I32(2048), Call(0), Drop())
	tests := []struct {
		name string
		wasm []byte
		want sandbox.Status
	}{
		{"loop", Command("", Forever()), sandbox.StatusTimeout},
		{"loop in the start function", Module{Start: true, Funcs: []Func{{Code: Forever()}, {Export: "_start"}}}.Bytes(), sandbox.StatusTimeout},
		{"recursion without loops", Module{Funcs: []Func{
			{Export: "_start", Code: Code(I64(90), Call(1), Drop())},
			{Type: "I:I", Code: Code( // fib
				Get(0), I64(2), Op(0x54), Op(0x04, 0x7e), Get(0), Op(0x05),
				Get(0), I64(1), Op(0x7d), Call(1), Get(0), I64(2), Op(0x7d), Call(1), Op(0x7c), Op(0x0b))},
		}}.Bytes(), sandbox.StatusTimeout},
		{"sleep", Command(sleepLong, poll, pollOneoff), sandbox.StatusTimeout},
		{"sleep in a loop", Command(sleepLong, Forever(poll), pollOneoff), sandbox.StatusTimeout},
		{"poll of stdin", Command(fdReadSubscription, poll, pollOneoff), sandbox.StatusTimeout},
		{"read of stdin", Command("\x00\x04\x00\x00\x10\x00\x00\x00", Code(I32(0), I32(0), I32(1), I32(64), Call(0), Drop()), fdRead), sandbox.StatusTimeout},
		{"yields", Command("", Forever(Call(0), Drop()), yield), sandbox.StatusTimeout},
		{"output flood", Command("x\n", Forever(write(0, 1, 0, 2)), fdWrite), sandbox.StatusOutputLimit},
		{"stderr flood", Command("x\n", Forever(write(0, 2, 0, 2)), fdWrite), sandbox.StatusOutputLimit},
		{"memory that is refused for ever", Command("", Forever(I32(100), Op(0x40, 0), Drop())), sandbox.StatusTimeout},
		{"big fills", Module{Memory: [2]uint32{1000, 1000}, Funcs: []Func{{Export: "_start",
			Code: Forever(I32(0), I32(7), I32(65_000_000), Op(0xfc, 0x0b, 0))}}}.Bytes(), sandbox.StatusTimeout},
		{"big copies", Module{Memory: [2]uint32{1000, 1000}, Funcs: []Func{{Export: "_start",
			Code: Forever(I32(0), I32(1), I32(65_000_000), Op(0xfc, 0x0a, 0, 0))}}}.Bytes(), sandbox.StatusTimeout},
		{"fills without a loop", Module{Memory: [2]uint32{1000, 1000}, Funcs: []Func{{Export: "_start",
			Code: bytes.Repeat(Code(I32(0), I32(7), I32(65_000_000), Op(0xfc, 0x0b, 0)), 2000)}}}.Bytes(), sandbox.StatusTimeout},
	}
	h := newHost(t)
	const limit = 200 * time.Millisecond
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := vm.RunConfig{Limits: limits, Stdin: sandbox.LiveStdin()}
			cfg.Limits.Wall = limit
			m := load(t, h, tt.wasm, vm.LoadOptions{Untrusted: true})
			var res vm.Result
			var out *capture
			soon(t, limit+100*time.Millisecond, func() { res, out = start(t.Context(), m, cfg) })
			if res.Status != tt.want || res.ExitCode != 137 || res.Signal != "SIGKILL" {
				t.Errorf("outcome %+v", res.Outcome)
			}
			if !strings.HasSuffix(out.stderr(), "sandpiper: "+strings.ToLower(res.Message[:1])+res.Message[1:]+"\n") {
				t.Errorf("stderr does not say why: %.100q", out.stderr())
			}
		})
	}
}
