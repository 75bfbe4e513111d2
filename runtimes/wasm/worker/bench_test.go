package worker_test

import (
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"sandpiper/runtimes/wasm"
	"sandpiper/runtimes/wasm/worker"
	"sandpiper/sandbox"
)

// BenchmarkHello runs the smallest JavaScript program inside this process and in a
// worker, in turns, and reports both and what the worker adds.
func BenchmarkHello(b *testing.B) {
	quiet := slog.New(slog.DiscardHandler)
	dir := b.TempDir()
	own, err := wasm.New(wasm.Config{CacheDir: filepath.Join(dir, "cache"), RunDir: filepath.Join(dir, "runs"), Only: []string{"javascript"}, Log: quiet})
	if err != nil {
		b.Fatal(err)
	}
	defer own.Close()
	pool := newPool(b, func(c *worker.Config) { c.Args, c.Only, c.Log = []string{realWorker}, []string{"javascript"}, quiet })
	hello := sandbox.Program{Language: "javascript", Files: []sandbox.File{{Name: "main.js", Content: []byte("console.log('hello')")}}}
	run := func(r sandbox.CodeRunner) time.Duration {
		began := time.Now()
		if o, err := r.Run(b.Context(), hello, newSink()); err != nil || o.Status != sandbox.StatusOK {
			b.Fatalf("%+v, %v", o, err)
		}
		return time.Since(began)
	}
	for _, r := range []sandbox.CodeRunner{own, pool} {
		awaitReady(b, r)
		for range 20 {
			run(r)
		}
	}
	var inside, apart []time.Duration
	for b.Loop() {
		inside, apart = append(inside, run(own)), append(apart, run(pool))
	}
	report := func(name string, all []time.Duration) {
		slices.Sort(all)
		b.ReportMetric(float64(all[len(all)/2])/1e6, name+"-p50-ms")
		b.ReportMetric(float64(all[len(all)*99/100])/1e6, name+"-p99-ms")
	}
	report("inside", inside)
	report("worker", apart)
	b.ReportMetric(float64(apart[len(apart)/2]-inside[len(inside)/2])/1e6, "added-p50-ms")
}

// awaitReady waits until the first language is ready.
func awaitReady(t testing.TB, r sandbox.CodeRunner) {
	t.Helper()
	ticks := time.NewTicker(10 * time.Millisecond)
	defer ticks.Stop()
	for r.Languages()[0].State == sandbox.LanguagePreparing {
		select {
		case <-ticks.C:
		case <-t.Context().Done():
			t.Fatal("the language did not become ready")
		}
	}
}
