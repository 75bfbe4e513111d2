// Command bench measures a built sandpiper from outside, through HTTP on
// loopback, and prints the table that the README quotes.
//
// Everything is measured on a server process of its own. Latencies are wall
// time seen by the client; memory is the server's resident set. The floor of
// each comparison, such as a native interpreter started per run or the engine
// without a server, is measured in the same minute on the same machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"sandpiper/e2e/testserver"
)

func main() {
	server := flag.String("server", "bin/sandpiper", "the binary to measure")
	n := flag.Int("n", 200, "runs per latency figure")
	only := flag.String("only", "", "one part: "+strings.Join(partNames, ", "))
	seconds := flag.Int("seconds", 5, "duration of each throughput figure")
	flag.Parse()
	if *only != "" && !slices.Contains(partNames, *only) {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM) // the server ends with us
	defer stop()
	if err := bench(ctx, *server, *only, *n, time.Duration(*seconds)*time.Second); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func bench(ctx context.Context, binary, only string, n int, load time.Duration) error {
	data, err := os.MkdirTemp("", "sandpiper-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(data)
	fmt.Printf("machine: %s/%s, %d cores, %s\n\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), cpuModel())

	if err := measureStart(ctx, binary, data); err != nil {
		return err
	}
	srv, err := testserver.Start(ctx, testserver.Config{Binary: binary, Data: data, Log: os.Stderr})
	if err != nil {
		return err
	}
	defer srv.Stop()
	c := newClient(srv)
	languages, err := c.waitReady(ctx)
	if err != nil {
		return err
	}
	for _, p := range parts(srv, c, languages, n, load) {
		if only != "" && p.name != only {
			continue
		}
		for _, step := range p.steps {
			if err := step(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// partNames are what the flag -only knows.
var partNames = []string{"runs", "engine", "sessions", "compilers", "sandboxes", "previews", "ssh", "pages", "desktop"}

// part is a part of the bench, one of partNames.
type part struct {
	name  string
	steps []func(ctx context.Context) error
}

func parts(srv *testserver.Server, c *client, languages []language, n int, load time.Duration) []part {
	type steps = []func(ctx context.Context) error
	return []part{
		{"runs", steps{
			func(ctx context.Context) error { return measureHello(ctx, c, languages, n) },
			func(ctx context.Context) error { return measureNative(ctx, min(n, 40)) },
			func(ctx context.Context) error { return measureLoad(ctx, c, load) },
			func(ctx context.Context) error { return measureStuck(ctx, c) },
			func(ctx context.Context) error { return measureMemory(ctx, c, srv.PID()) },
		}},
		{"engine", steps{func(ctx context.Context) error { return measureEngine(ctx, n) }}},
		{"sessions", steps{
			func(ctx context.Context) error { return measureSessions(ctx, c, min(n, 50)) },
			func(ctx context.Context) error { return measureParked(ctx, c, srv) },
		}},
		{"compilers", steps{
			func(ctx context.Context) error { return measureCompilers(ctx, c, languages, srv.PID(), min(n, 20)) },
		}},
		{"sandboxes", steps{func(ctx context.Context) error { return measureSandboxes(ctx, srv, min(n, 50)) }}},
		{"previews", steps{func(ctx context.Context) error { return measurePreviews(ctx, srv, n, load) }}},
		{"ssh", steps{func(ctx context.Context) error { return measureSSH(ctx, srv, min(n, 100)) }}},
		{"pages", steps{func(ctx context.Context) error { return measurePages(ctx, srv, n) }}},
		{"desktop", steps{func(ctx context.Context) error { return measureScreen(ctx, srv, n) }}},
	}
}

// measureStart prints how long a server takes to its first answered run, with
// nothing prepared and with everything prepared by an earlier start.
func measureStart(ctx context.Context, binary, data string) error {
	fmt.Println("start of the server to the end of the first hello, ms")
	for _, start := range []struct {
		cache string
		only  []string
	}{{cache: "cold"}, {cache: "warm"}, {"warm", []string{"python"}}, {"warm", []string{"javascript"}}} {
		started := time.Now()
		srv, err := testserver.Start(ctx, testserver.Config{Binary: binary, Data: data, Log: os.Stderr})
		if err != nil {
			return err
		}
		serving := time.Since(started)
		fmt.Printf("  %-5s cache  serving %s", start.cache, ms(serving))
		err = firstRuns(ctx, newClient(srv), started, start.only)
		if err := errors.Join(err, srv.Stop()); err != nil {
			return err
		}
	}
	fmt.Println()
	return nil
}

// firstRuns prints when each language of WebAssembly has answered its first run,
// all asked at once; only, when it is not empty, names those that are asked.
func firstRuns(ctx context.Context, c *client, started time.Time, only []string) error {
	languages, err := c.languages(ctx)
	if err != nil {
		return err
	}
	languages = slices.DeleteFunc(languages, func(l language) bool {
		return l.Engine != "wasm" || len(only) > 0 && !slices.Contains(only, l.ID)
	})
	type answer struct {
		id   string
		took time.Duration
		err  error
	}
	answers := make(chan answer)
	for _, l := range languages {
		go func() {
			_, err := c.run(ctx, l.ID, l.Hello)
			answers <- answer{l.ID, time.Since(started), err}
		}()
	}
	for range languages {
		a := <-answers
		if a.err != nil {
			return fmt.Errorf("first %s run: %w", a.id, a.err)
		}
		fmt.Printf("  %s %s", a.id, ms(a.took))
	}
	fmt.Println()
	return nil
}

// cpuModel names the processor where the platform tells it.
func cpuModel() string {
	b, err := os.ReadFile(filepath.Join("/proc", "cpuinfo"))
	if err != nil {
		return "unknown processor"
	}
	for line := range strings.Lines(string(b)) {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			return strings.TrimSpace(strings.TrimLeft(name, "\t :"))
		}
	}
	return "unknown processor"
}
