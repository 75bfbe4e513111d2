package quickjs_test

import (
	"slices"
	"testing"
	"time"
)

// BenchmarkHello measures a whole run of the smallest programs, a fresh instance
// and its folder included, and reports the median.
func BenchmarkHello(b *testing.B) {
	for _, l := range languages() {
		b.Run(l.name, func(b *testing.B) {
			var walls []time.Duration
			for b.Loop() {
				r := script(b, "main"+l.ending, l.hello)
				r.start(b.Context(), b, l.driver)
				if r.stdout.String() != "hello\n" {
					b.Fatalf("stdout %q, stderr %q", &r.stdout, &r.stderr)
				}
				walls = append(walls, r.outcome.Usage.Wall)
			}
			slices.Sort(walls)
			b.ReportMetric(float64(walls[len(walls)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(walls[len(walls)*99/100].Microseconds()), "p99-µs")
		})
	}
}
