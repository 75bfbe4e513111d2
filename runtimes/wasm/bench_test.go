package wasm_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"sandpiper/runtimes/wasm"
	"sandpiper/sandbox"
)

// times collects durations and reports their percentiles in milliseconds.
type times struct {
	mu  sync.Mutex
	all []time.Duration
}

func (t *times) add(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = append(t.all, d)
}

func (t *times) report(b *testing.B, name string) {
	slices.Sort(t.all)
	for _, p := range []struct {
		name string
		part float64
	}{{"p50", .5}, {"p99", .99}} {
		i := int(p.part * float64(len(t.all)-1))
		b.ReportMetric(float64(t.all[i])/1e6, name+"-"+p.name+"-ms")
	}
}

// hello is the smallest program of a language.
func hello(l sandbox.Language) sandbox.Program {
	return sandbox.Program{Language: l.ID, Files: []sandbox.File{{Name: l.Main, Content: []byte(l.Hello)}}}
}

// timedRun runs p and returns how long its first output and its end took.
func timedRun(b *testing.B, e *wasm.Engine, p sandbox.Program) (first, end time.Duration, o sandbox.Outcome) {
	var out recorder
	began := time.Now()
	o, err := e.Run(b.Context(), p, &out)
	if err != nil || o.Status != sandbox.StatusOK {
		b.Errorf("%s: %+v, %v, stderr %q", p.Language, o, err, out.stderr.String())
	}
	return out.first.Sub(began), time.Since(began), o
}

// BenchmarkHello runs the smallest program of each language, one at a time.
func BenchmarkHello(b *testing.B) {
	e := newEngine(b)
	for _, l := range e.Languages() {
		b.Run(l.ID, func(b *testing.B) {
			var first, end times
			var cpu time.Duration
			for b.Loop() {
				f, d, o := timedRun(b, e, hello(l))
				first.add(f)
				end.add(d)
				cpu += o.Usage.CPU
			}
			first.report(b, "first")
			end.report(b, "end")
			b.ReportMetric(float64(cpu)/1e6/float64(b.N), "cpu-ms")
		})
	}
}

// BenchmarkParallel runs hellos of many clients at once.
func BenchmarkParallel(b *testing.B) {
	e := newEngine(b)
	for _, l := range e.Languages() {
		b.Run(l.ID, func(b *testing.B) {
			var end times
			b.SetParallelism(8)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					_, d, _ := timedRun(b, e, hello(l))
					end.add(d)
				}
			})
			end.report(b, "end")
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "runs/s")
		})
	}
}

// BenchmarkBesideStuckRuns runs a hello while other runs never end.
func BenchmarkBesideStuckRuns(b *testing.B) {
	e := newEngine(b, "python", "javascript")
	for range 4 {
		go func() {
			p := pythonProgram("while True: pass")
			p.Limits = sandbox.Limits{Wall: time.Minute, CPU: time.Minute}
			_, _ = e.Run(b.Context(), p, &recorder{})
		}()
	}
	time.Sleep(300 * time.Millisecond)
	for _, l := range e.Languages() {
		b.Run(l.ID, func(b *testing.B) {
			var end times
			for b.Loop() {
				_, d, _ := timedRun(b, e, hello(l))
				end.add(d)
			}
			end.report(b, "end")
		})
	}
}

// BenchmarkStart starts an engine whose cache is warm, until it has run a hello.
func BenchmarkStart(b *testing.B) {
	for _, id := range []string{"python", "javascript", "ruby"} {
		b.Run(id, func(b *testing.B) {
			_ = newEngine(b, id) // warms the cache
			for b.Loop() {
				e, err := wasm.New(wasm.Config{CacheDir: cacheDir(b), RunDir: b.TempDir(), Only: []string{id}})
				if err != nil {
					b.Fatal(err)
				}
				waitReady(b, e, id)
				timedRun(b, e, hello(e.Languages()[0]))
				if err := e.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
