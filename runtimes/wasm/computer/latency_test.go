package computer_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"sandpiper/runtimes/wasm/computer"
	"sandpiper/sandbox"
)

// percentiles reports the median and the 99th percentile.
func percentiles(b *testing.B, name string, times []time.Duration) {
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Microseconds())/1000, name+"-p50-ms")
	b.ReportMetric(float64(times[len(times)*99/100].Microseconds())/1000, name+"-p99-ms")
}

// BenchmarkCreateToExec measures how soon a new sandbox has run its first
// command, with a spare shell ready.
func BenchmarkCreateToExec(b *testing.B) {
	l := newLab(b, computer.Config{})
	for _, command := range [][]string{{"/bin/bash", "-c", "echo hello"}, {"/bin/bash", "-c", "ls | wc -l"}, {"python3", "-c", "print(1)"}, {"/bin/bash", "-c", "python3 -c 'print(1)'"}} {
		b.Run(fmt.Sprint(command[len(command)-1]), func(b *testing.B) {
			var created, ran []time.Duration
			for b.Loop() {
				b.StopTimer()
				time.Sleep(150 * time.Millisecond) // the spare is there
				b.StartTimer()
				began := time.Now()
				g := l.box(b)
				created = append(created, time.Since(began))
				if got := run(b, g, "", command...); got.code != 0 {
					b.Fatalf("%+v", got)
				}
				ran = append(ran, time.Since(began))
			}
			percentiles(b, "create", created)
			percentiles(b, "first-exec", ran)
		})
	}
}

// BenchmarkLifecycle measures the engine's own calls.
func BenchmarkLifecycle(b *testing.B) {
	l := newLab(b, computer.Config{Spares: -1})
	var create, stop, start, destroy []time.Duration
	timed := func(to *[]time.Duration, f func() error) {
		began := time.Now()
		if err := f(); err != nil {
			b.Fatal(err)
		}
		*to = append(*to, time.Since(began))
	}
	for b.Loop() {
		spec := sandbox.Spec{ID: sandbox.NewID(), Ref: computer.Ref, Token: "t"}
		timed(&create, func() error { return l.Create(b.Context(), spec) })
		timed(&stop, func() error { return l.Stop(b.Context(), spec.ID, 0) })
		timed(&start, func() error { return l.Start(b.Context(), spec) })
		timed(&destroy, func() error { return l.Destroy(b.Context(), spec.ID) })
	}
	percentiles(b, "create", create)
	percentiles(b, "stop", stop)
	percentiles(b, "start", start)
	percentiles(b, "destroy", destroy)
}
