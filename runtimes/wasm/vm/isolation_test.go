package vm_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"

	"sandpiper/runtimes/wasm/vm"
	. "sandpiper/runtimes/wasm/wasmtest"
	"sandpiper/sandbox"
)

// environment is a command that writes its environment block to stdout.
func environment() []byte {
	return Command("", Code(
		I32(0), I32(4), Call(0), Drop(), // sizes: count at 0, bytes at 4
		I32(1024), I32(8192), Call(1), Drop(),
		I32(5000), I32(8192), Store(), I32(5004), I32(4), Load(), Store(),
		I32(1), I32(5000), I32(1), I32(5008), Call(2), Drop()),
		environLen, environGet, fdWrite)
}

func TestEnvironmentDoesNotLeak(t *testing.T) {
	t.Setenv("SANDPIPER_TEST_SECRET", "hunter2")
	m := load(t, newHost(t), environment(), vm.LoadOptions{})
	_, out := start(t.Context(), m, vm.RunConfig{Env: []string{"A=1", "B=x=y", "EMPTY="}})
	if got, want := out.stdout(), "A=1\x00B=x=y\x00EMPTY=\x00"; got != want {
		t.Errorf("environment %q, want %q", got, want)
	}
}

func TestRandomIsReal(t *testing.T) {
	wasm := Command("", Code(I32(0), I32(32), Call(0), Drop(), write(1, 1, 0, 32)), randomGet, fdWrite)
	m := load(t, newHost(t), wasm, vm.LoadOptions{})
	seen := map[string]bool{}
	for range 8 {
		_, out := start(t.Context(), m, vm.RunConfig{})
		if s := out.stdout(); len(s) != 32 || seen[s] {
			t.Errorf("random bytes %x were there before", s)
		} else {
			seen[s] = true
		}
	}
}

// TestRunsShareNothing writes a secret into memory and looks for it in the next
// runs.
func TestRunsShareNothing(t *testing.T) {
	h := newHost(t)
	wasm := Command("", Code(
		I32(1<<15), Load(), I32(0), Op(0x47, 0x04, 0x40, 0x00, 0x0b), // trap unless memory is zero
		I32(1<<15), I32(0x5ec4e7), Store(), I32(60), Op(0x40, 0), Drop(),
		I32(3<<20), Load(), I32(0), Op(0x47, 0x04, 0x40, 0x00, 0x0b),
		I32(3<<20), I32(0x5ec4e7), Store()))
	m := load(t, h, wasm, vm.LoadOptions{})
	for i := range 20 {
		if res, _ := start(t.Context(), m, vm.RunConfig{}); res.Status != sandbox.StatusOK {
			t.Fatalf("run %d found something in its memory: %s", i, res.Message)
		}
	}
}

// TestClocks reads each of WASI's clocks.
// clockSubscription is a subscription of poll_oneoff to the monotonic clock.
// echo is a command that copies stdin to stdout.
// TestTableBomb grows a table, which no memory limit covers.
func TestTableBomb(t *testing.T) {
	grow := Code(Op(0xd0, 0x70), I32(1_000_000), Op(0xfc, 0x0f, 0)) // table.grow by a million nulls
	wasm := Module{Table: [2]uint32{1, 0xffff_ffff}, Funcs: []Func{{Export: "_start", Code: Code(
		grow, I32(-1), Op(0x47, 0x04, 0x40, 0x00, 0x0b), // trap unless it was refused
		Forever(grow, Drop()))}}}.Bytes()
	cfg := vm.RunConfig{Limits: limits}
	cfg.Limits.Wall = 200 * time.Millisecond
	if res, _ := start(t.Context(), load(t, newHost(t), wasm, vm.LoadOptions{}), cfg); res.Status != sandbox.StatusTimeout {
		t.Errorf("outcome %+v", res.Outcome)
	}
}

func TestLoadRefuses(t *testing.T) {
	nops := bytes.Repeat(Op(0x01), 300<<10)
	many := Module{}
	for range 250_000 {
		many.Funcs = append(many.Funcs, Func{})
	}
	tests := []struct {
		name, want string
		wasm       []byte
	}{
		{"no module", "not a WebAssembly module", []byte("hello")},
		{"half a module", "offset", Command("", nil)[:20]},
		{"unknown import", `"connect" from the module "env"`, Command("", nil, From("env", "connect", "i:i"))},
		{"another's import", `"host_call" from the module "quickjs"`, Command("", nil, From("quickjs", "host_call", ""))},
		{"unknown WASI function", `"fork" from "wasi_snapshot_preview1"`, Command("", nil, WASI("fork", ":i"))},
		{"the tick's module", "reserved", Command("", nil, From("wz", "tick", ""))},
		{"huge function", "bytes of code", Command("", nops)},
		{"bomb of loops", "too long", Command("", bytes.Repeat(Op(0x03, 0x40, 0x41, 0, 0x0d, 0, 0x0b), 6000))},
		{"bomb of blocks and locals", "too long", Module{Funcs: []Func{{Locals: strings.Repeat("i", 1000),
			Code: bytes.Repeat(Op(0x20, 0, 0x04, 0x40, 0x20, 1, 0x21, 2, 0x0b), 6000)}}}.Bytes()},
		{"too many functions", "250000 functions", many.Bytes()},
		{"invalid code", "compile", Command("", I32(1))},
	}
	h := newHost(t)
	load(t, h, Command("", nil, From("quickjs", "host_call", "")), vm.LoadOptions{Imports: map[string]func(wazero.HostModuleBuilder){
		"quickjs": func(b wazero.HostModuleBuilder) {
			b.NewFunctionBuilder().WithFunc(func() {}).Export("host_call")
		},
	}})
	for _, tt := range tests {
		_, err := h.Load(t.Context(), "test", vm.Binary(tt.wasm), vm.LoadOptions{Untrusted: true})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want an error with %q", tt.name, err, tt.want)
		}
	}
}

func TestCacheFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	stale := filepath.Join(dir, strings.Repeat("ab", 32))
	other := filepath.Join(dir, "somebody-else's")
	for _, d := range []string{stale, other} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	long := time.Now().Add(-365 * 24 * time.Hour)
	if err := os.Chtimes(stale, long, long); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second host loads from the cache
		h, err := vm.New(vm.Config{CacheDir: dir})
		if err != nil {
			t.Fatal(err)
		}
		m := load(t, h, Command("hi", write(0, 1, 0, 2), fdWrite), vm.LoadOptions{})
		if _, out := start(t.Context(), m, vm.RunConfig{}); out.stdout() != "hi" {
			t.Errorf("stdout %q", out.stdout())
		}
		if err := errors.Join(h.Prune(), h.Close(t.Context())); err != nil {
			t.Error(err)
		}
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("cache folder %v, %v", info, err)
	}
	if _, err := os.Stat(stale); err == nil {
		t.Error("the stale entry was not pruned")
	}
	if _, err := os.Stat(other); err != nil {
		t.Error("something else was pruned")
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("%d entries in the cache, %v", len(entries), err)
	}
}

// TestHostFunctions covers what drivers build on.
// TestBodyOutsideTheGuest covers the part of a driver that is not called by one.
