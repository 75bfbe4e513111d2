package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"sandpiper/runtimes/catalog"
	"sandpiper/runtimes/wasm"
	"sandpiper/sandbox"
)

// busyPython counts primes: a second or so of loops, calls and numbers, and its own time
// without the interpreter's start.
const busyPython = `import time
def primes(n):
    found = []
    for k in range(2, n):
        if all(k % p for p in found if p * p <= k):
            found.append(k)
    return len(found)
began = time.perf_counter()
count = primes(20000)
print(count, time.perf_counter() - began)`

// busyAnswer is what busyPython prints before its time.
const busyAnswer = "2262"

// measureEngine prints the floors below HTTP and worker processes: hellos of the
// engine in this process, of the same interpreter as wazero starts it, and a
// program that computes on both.
func measureEngine(ctx context.Context, n int) error {
	dir, err := os.MkdirTemp("", "sandpiper-bench-engine-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	e, err := wasm.New(wasm.Config{CacheDir: filepath.Join(dir, "cache"), RunDir: filepath.Join(dir, "runs"), Only: []string{"python", "javascript", "ruby"}})
	if err != nil {
		return err
	}
	defer e.Close()
	fmt.Printf("floor: the engine in this process, without HTTP and workers, %d hellos one after another, ms\n", n)
	for _, l := range []struct{ id, main, code string }{{"python", "main.py", "print(1)"}, {"javascript", "main.js", "console.log(1)"}, {"ruby", "main.rb", "puts 1"}} {
		p := sandbox.Program{Language: l.id, Files: []sandbox.File{{Name: l.main, Content: []byte(l.code)}}}
		e.AwaitCommand(ctx, l.id) // a command is a language that is ready
		var took []time.Duration
		for range n + 3 {
			began := time.Now()
			if _, err := engineRun(ctx, e, p); err != nil {
				return err
			}
			took = append(took, time.Since(began))
		}
		fmt.Printf("  %-12s %s\n", l.id, quantiles(took[3:]))
	}
	stock, err := newStock(ctx)
	if err != nil {
		return err
	}
	defer stock.runtime.Close(ctx)
	var plain []time.Duration
	for range min(n, 20) {
		began := time.Now()
		if _, err := stock.run(ctx, "print(1)"); err != nil {
			return err
		}
		plain = append(plain, time.Since(began))
	}
	fmt.Printf("  %-12s %s (instantiated by wazero for each run, with no limits)\n\n", "python", quantiles(plain))
	return measureBusy(ctx, e, stock)
}

// measureBusy prints how a Python program that computes does on the engine, where
// it counts its loops so that it can be stopped, and on wazero alone, where nothing
// can stop it. The two take turns, so that the machine's moods hit both.
func measureBusy(ctx context.Context, e *wasm.Engine, s *stock) error {
	p := sandbox.Program{Language: "python", Files: []sandbox.File{{Name: "main.py", Content: []byte(busyPython)}}}
	var ours, theirs []time.Duration
	for range 7 {
		out, err := engineRun(ctx, e, p)
		if err == nil {
			ours, err = appendBusy(ours, out)
		}
		if err == nil {
			out, err = s.run(ctx, busyPython)
		}
		if err == nil {
			theirs, err = appendBusy(theirs, out)
		}
		if err != nil {
			return err
		}
	}
	fastest, floor := slices.Min(ours), slices.Min(theirs)
	fmt.Printf("primes in Python, fastest of %d: %s ms; floor: %s ms on wazero without limits: %+.0f %%\n\n",
		len(ours), ms(fastest), ms(floor), 100*(float64(fastest)/float64(floor)-1))
	return nil
}

// appendBusy adds the time that busyPython printed.
func appendBusy(took []time.Duration, out string) ([]time.Duration, error) {
	var count string
	var seconds float64
	if _, err := fmt.Sscan(out, &count, &seconds); err != nil || count != busyAnswer {
		return nil, fmt.Errorf("the primes are %q, %w", out, err)
	}
	return append(took, time.Duration(seconds*float64(time.Second))), nil
}

// stdout is a sandbox.Sink that keeps what a program prints.
type stdout struct{ strings.Builder }

func (o *stdout) Output(_ sandbox.Stream, p []byte) { o.Write(p) }

func (o *stdout) Display(sandbox.Display) {}

func engineRun(ctx context.Context, e *wasm.Engine, p sandbox.Program) (string, error) {
	var out stdout
	o, err := e.Run(ctx, p, &out)
	if err == nil && o.Status != sandbox.StatusOK {
		err = fmt.Errorf("%s ended as %+v: %s", p.Language, o, out.String())
	}
	return out.String(), err
}

// stock is the published CPython on wazero as it comes.
type stock struct {
	runtime wazero.Runtime
	python  wazero.CompiledModule
}

func newStock(ctx context.Context) (*stock, error) {
	binary, err := catalog.ReadModule("python")
	if err != nil {
		return nil, err
	}
	s := &stock{runtime: wazero.NewRuntime(ctx)}
	if _, err = wasi_snapshot_preview1.Instantiate(ctx, s.runtime); err == nil {
		s.python, err = s.runtime.CompileModule(ctx, binary)
	}
	if err != nil {
		s.runtime.Close(ctx)
		return nil, err
	}
	return s, nil
}

func (s *stock) run(ctx context.Context, code string) (string, error) {
	var out bytes.Buffer
	cfg := wazero.NewModuleConfig().WithName("").WithArgs("python", "-c", code).WithStdout(&out).WithStderr(&out).
		WithSysNanotime().WithSysWalltime().WithSysNanosleep()
	m, err := s.runtime.InstantiateModule(ctx, s.python, cfg)
	if err != nil {
		return "", fmt.Errorf("python on wazero: %w: %s", err, out.String())
	}
	return out.String(), m.Close(ctx)
}
