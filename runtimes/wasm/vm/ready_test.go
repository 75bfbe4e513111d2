package vm_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental/sysfs"

	"sandpiper/runtimes/wasm/vm"
	. "sandpiper/runtimes/wasm/wasmtest"
	"sandpiper/sandbox"
)

// filesModule does what guests do to file descriptors. Its functions return WASI's
// error numbers. The name of a file, "kept", is at address 16, that of its folder at
// 24; at 8 comes the descriptor of what was opened, at 100 what was read of a folder.
func filesModule() []byte {
	fromFolder := Code(Get(0), I32(100), I32(64), I64(0), I32(8), Call(1))
	return Module{
		Memory: [2]uint32{2, 16}, Globals: []int32{5},
		Imports: []Import{
			WASI("fd_close", "i:i"), WASI("fd_readdir", "iiiIi:i"), WASI("fd_renumber", "ii:i"),
			WASI("fd_fdstat_set_flags", "ii:i"), WASI("path_open", "iiiiiIIii:i"), WASI("fd_filestat_get", "ii:i"),
			WASI("proc_exit", "i"),
		},
		Funcs: []Func{
			{Export: "close", Type: "i:i", Code: Code(Get(0), Call(0))},
			{Export: "list", Type: "i:i", Code: fromFolder},
			{Export: "renumber", Type: "ii:i", Code: Code(Get(0), Get(1), Call(2))},
			{Export: "flags", Type: "ii:i", Code: Code(Get(0), Get(1), Call(3))},
			{Export: "open", Type: "i:i", Code: Code(
				Get(0), I32(0), I32(16), I32(4), I32(0), I64(-1), I64(-1), I32(0), I32(8), Call(4))},
			{Export: "openFolder", Type: "i:i", Code: Code(
				Get(0), I32(0), I32(24), I32(1), I32(2), I64(0), I64(0), I32(0), I32(8), Call(4))},
			{Export: "stat", Type: "i:i", Code: Code(Get(0), I32(256), Call(5))},
			{Export: "peek", Type: "i:i", Code: Code(Get(0), Load())},
			{Export: "poke", Type: "ii", Code: Code(Get(0), Get(1), Store())},
			{Export: "grow", Type: "i:i", Code: Code(Get(0), Op(0x40, 0))},
			{Export: "global", Type: ":i", Code: Code(Op(0x23, 0))},
			{Export: "count", Code: Code(Op(0x23, 0), I32(1), Op(0x6a), Op(0x24, 0))},
			{Export: "crash", Code: Op(0x00)},
			{Export: "spin", Code: Forever()},
			{Export: "exit", Type: "i", Code: Code(Get(0), Call(6))},
		},
	}.Bytes()
}

// again runs guests of filesModule that go on from an image.
type again struct {
	t      *testing.T
	module *vm.Module
	cfg    vm.RunConfig

	mayFail bool
}

func newAgain(t *testing.T) *again {
	t.Helper()
	host := newHostWith(t, vm.Config{CacheDir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	wasm, opts := filesModule(), vm.LoadOptions{Images: true}
	var image *vm.Image
	res := load(t, host, wasm, opts).Run(t.Context(), vm.RunConfig{Limits: limits}, func(ctx context.Context, guest api.Module) (err error) {
		guest.Memory().WriteString(16, "kept")
		guest.Memory().WriteString(24, ".")
		image, err = vm.Current(ctx).Capture()
		return err
	})
	if res.Status != sandbox.StatusOK {
		t.Fatal(res.Message)
	}
	m, err := host.LoadImage(t.Context(), "files", vm.Binary(wasm), opts, image)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "kept"), []byte("file"), 0o600); err != nil {
		t.Fatal(err)
	}
	short := limits
	short.CPU = 50 * time.Millisecond
	return &again{t: t, module: m, cfg: vm.RunConfig{Limits: short, Mounts: []vm.Mount{{Path: "/", FS: sysfs.DirFS(dir)}}}}
}

// run has body drive a guest and returns it.
func (a *again) run(body vm.Body) (used api.Module) {
	a.t.Helper()
	res := a.module.Run(a.t.Context(), a.cfg, func(ctx context.Context, guest api.Module) error {
		used = guest
		return body(ctx, guest)
	})
	if res.Status == sandbox.StatusInternal && !a.mayFail {
		a.t.Fatal(res.Message)
	}
	return used
}

// look checks that a guest is as one that was never used.
func (a *again) look(ctx context.Context, guest api.Module) error {
	for what, got := range map[string]int32{
		"memory": invoke(ctx, guest, "peek", 70_000), "the global": invoke(ctx, guest, "global") - 5,
		"the folder": invoke(ctx, guest, "stat", 3), "a descriptor": invoke(ctx, guest, "stat", 4) - 8, // EBADF
		"standard output": invoke(ctx, guest, "stat", 1),
	} {
		if got != 0 {
			a.t.Errorf("the next guest finds %s changed: %d", what, got)
		}
	}
	return nil
}

func leaveNothing(context.Context, api.Module) error { return nil }

// TestGuestsBeginAgain holds that a guest is used again, however its program came to
// its end, and what its runs leave in its memory and globals is not there then.
func TestGuestsBeginAgain(t *testing.T) {
	for name, end := range map[string]vm.Body{
		"a normal end": leaveNothing,
		"WASI's exit": func(ctx context.Context, guest api.Module) error {
			_, err := guest.ExportedFunction("exit").Call(ctx, 3)
			return err
		},
		"an exit": func(ctx context.Context, guest api.Module) error {
			vm.Current(ctx).Exit(0)
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) { beginsAgain(t, end) })
	}
}

func beginsAgain(t *testing.T, end vm.Body) {
	a := newAgain(t)
	seen := map[api.Module]int{}
	most := 0
	for deadline := time.Now().Add(20 * time.Second); most < 5; {
		if time.Now().After(deadline) {
			t.Fatalf("of %d guests none was used five times", len(seen))
		}
		g := a.run(func(ctx context.Context, guest api.Module) error {
			if n, g := invoke(ctx, guest, "peek", 70_000), invoke(ctx, guest, "global"); n != 0 || g != 5 {
				t.Errorf("the memory has %d and the global is %d", n, g)
			}
			invoke(ctx, guest, "poke", 70_000, 0x5ec2e7)
			invoke(ctx, guest, "count")
			if e := invoke(ctx, guest, "open", 3); e != 0 {
				t.Errorf("open: %d", e)
			}
			fd := uint64(invoke(ctx, guest, "peek", 8))
			if list, closed := invoke(ctx, guest, "stat", fd), invoke(ctx, guest, "close", fd); list != 0 || closed != 0 {
				t.Errorf("stat: %d, close: %d", list, closed)
			}
			return end(ctx, guest)
		})
		seen[g]++
		most = max(most, seen[g])
	}
}

// TestGuestsThatDoNotBeginAgain has guests leave what cannot be taken back. They
// are not used again, and the next ones are as new.
func TestGuestsThatDoNotBeginAgain(t *testing.T) {
	do := func(calls ...func(ctx context.Context, guest api.Module) int32) vm.Body {
		return func(ctx context.Context, guest api.Module) error {
			for i, call := range calls {
				if e := call(ctx, guest); e != 0 {
					panic(i)
				}
			}
			return nil
		}
	}
	call := func(name string, args ...uint64) func(ctx context.Context, guest api.Module) int32 {
		return func(ctx context.Context, guest api.Module) int32 { return invoke(ctx, guest, name, args...) }
	}
	for name, leave := range map[string]vm.Body{
		"its folder closed": do(call("close", 3)),
		"a stream closed":   do(call("close", 1)),
		"a file open":       do(call("open", 3)),
		"its folder moved": func(ctx context.Context, guest api.Module) error {
			invoke(ctx, guest, "renumber", 3, 5) // which wazero refuses today
			return nil
		},
		"its folder open":      do(call("open", 3), call("openFolder", 3), call("close", 4)),
		"its folder half read": do(call("list", 3)),
		"a stream with other flags": func(ctx context.Context, guest api.Module) error {
			invoke(ctx, guest, "flags", 1, 4) // not for streams of every kind
			return nil
		},
		"more memory": func(ctx context.Context, guest api.Module) error {
			invoke(ctx, guest, "grow", 1)
			return nil
		},
		"a crash": func(ctx context.Context, guest api.Module) error {
			_, err := guest.ExportedFunction("crash").Call(ctx)
			return err
		},
		"an error": func(context.Context, api.Module) error { return errors.New("no") },
		"the limit of its time": func(ctx context.Context, guest api.Module) error {
			_, err := guest.ExportedFunction("spin").Call(ctx)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAgain(t)
			a.mayFail = name == "an error"
			left := map[api.Module]bool{}
			for range 8 {
				g := a.run(leave)
				if left[g] {
					t.Fatal("it was used again")
				}
				left[g] = true
				if left[a.run(a.look)] {
					t.Fatal("it was used again")
				}
				a.run(leaveNothing)
			}
		})
	}
}
