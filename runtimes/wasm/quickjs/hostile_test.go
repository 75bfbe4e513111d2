package quickjs

import (
	"context"
	"io"
	"math"
	"runtime"
	"testing"

	"github.com/tetratelabs/wazero/api"

	"sandpiper/runtimes/catalog"
	"sandpiper/runtimes/wasm/vm"
	"sandpiper/sandbox"
)

// loadDriver loads a driver of the test's own.
func loadDriver(t *testing.T) *Driver {
	t.Helper()
	host, err := vm.New(vm.Config{CacheDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = host.Close(t.Context()) })
	module, err := catalog.OpenModule("quickjs")
	if err != nil {
		t.Fatal(err)
	}
	defer module.Close()
	wasm, err := io.ReadAll(module)
	if err != nil {
		t.Fatal(err)
	}
	d := JavaScript()
	if err := d.Load(t.Context(), host, vm.Binary(wasm)); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestHostileGuest calls the host's functions as no prelude would: with
// addresses that are none and values of wrong types. They may throw in the
// guest or end the run; they must not panic otherwise or misread memory.
func TestHostileGuest(t *testing.T) {
	d := loadDriver(t)
	addresses := []uint64{0, 1, 7, 4096, 1 << 20, 1 << 31, math.MaxUint32 - 4, math.MaxUint32, math.MaxUint64}
	for _, f := range []struct {
		name   string
		params int
		do     func(*session, []uint64)
	}{
		{"host_call", 5, hostCall},
		{"host_module_normalize", 2, hostNormalize},
		{"host_module_load", 2, hostLoad},
	} {
		for _, address := range addresses {
			hostile(t, d, f.name, func(s *session) {
				stack := make([]uint64, f.params)
				for i := range stack {
					stack[i] = address
				}
				f.do(s, stack)
			})
		}
	}
}

// TestHostileOperations calls every operation with every kind of value.
func TestHostileOperations(t *testing.T) {
	d := loadDriver(t)
	for i, op := range operations {
		if op.name == "exit" || op.name == "readStdin" {
			continue // they end the run or wait, as they should
		}
		hostile(t, d, op.name, func(s *session) {
			object := s.eval("({ get length() { return 1e9 } })", "x", evalScript)
			array := s.eval("new Uint8Array(8)", "x", evalScript)
			values := []value{undefined, null, exception, jsTrue, number(-1), number(math.NaN()), number(1e300), s.text(""), s.text("../../etc/passwd\x00"), object, array}
			for _, a := range values {
				for _, b := range values {
					r := s.operate([]value{number(float64(i)), a, b, a})
					if r == exception {
						s.free(s.caught())
					}
				}
			}
		})
	}
}

// hostile runs f in an instance. A panic of the host's own makes an internal
// error of the run, and that must not be.
func hostile(t *testing.T, d *Driver, name string, f func(*session)) {
	t.Helper()
	res := d.module.Run(t.Context(), vm.RunConfig{Limits: makeLimits}, func(ctx context.Context, mod api.Module) error {
		return guarded(func() {
			s := &session{driver: d, main: "main.js"}
			s.begin(ctx, mod)
			s.attach(d.realm)
			s.refresh(d.realm)
			if err := s.configure(); err != nil {
				panic(fault{err})
			}
			f(s)
		})
	})
	if res.Status == sandbox.StatusInternal {
		t.Errorf("%s: %+v", name, res.Outcome)
	}
}

// TestLongNamesCostTheHostLittle has the host look for a file whose name has
// megabytes: that must not take many times as much of the host's memory.
func TestLongNamesCostTheHostLittle(t *testing.T) {
	d := loadDriver(t)
	var before, after runtime.MemStats
	hostile(t, d, "long names", func(s *session) {
		long := s.eval(`"./" + "a".repeat(32 << 20)`, "x", evalScript)
		main := s.text("main.js")
		runtime.ReadMemStats(&before)
		for i, op := range operations {
			switch op.name {
			case "resolve", "kind", "namespace", "readFile", "stat", "readdir", "unlink", "rename":
				r := s.operate([]value{number(float64(i)), long, main, main})
				if text, ok := s.str(r); ok && text != "ENAMETOOLONG" {
					t.Errorf("%s says %q", op.name, text)
				} else if r == exception {
					s.free(s.caught())
				}
			}
		}
		runtime.ReadMemStats(&after)
	})
	if got := after.TotalAlloc - before.TotalAlloc; got > 4<<20 {
		t.Errorf("the host allocated %d bytes", got)
	}
}

// FuzzParseFrame reads lines of stacks.
func FuzzParseFrame(f *testing.F) {
	f.Add("    at f (main.js:3:9)")
	f.Add("    at main.js:3:9 {")
	f.Add("    at map (native)")
	f.Add("    at <x> (a b/c(d).js:99999999999999999999:1)")
	f.Fuzz(func(t *testing.T, line string) {
		if p, ok := parseFrame(line); ok && (p.file == "" || p.line < 0 || p.column < 0) {
			t.Errorf("%q became %+v", line, p)
		}
	})
}

// FuzzSnippet shows a place in a line, wherever that is.
func FuzzSnippet(f *testing.F) {
	f.Add("let x = 1;", 5)
	f.Add("\tx", -1)
	f.Add("", 1000)
	f.Fuzz(func(t *testing.T, line string, column int) {
		if got := snippet(line, column); got == "" || got[len(got)-1] != '\n' {
			t.Errorf("snippet %q", got)
		}
	})
}
