package manager_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/manager"
)

// BenchmarkCreateAndDestroy is what the manager and SQLite add to an engine
// that takes no time.
func BenchmarkCreateAndDestroy(b *testing.B) {
	dir := b.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "engine"), 0o700); err != nil {
		b.Fatal(err)
	}
	s, err := openSite(dir, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer s.db.Close()
	defer s.Close()
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		made, err := s.Create(b.Context(), manager.CreateRequest{Organization: org, Snapshot: "wasm", Env: map[string]string{"A": "1"}})
		took = append(took, time.Since(began))
		if err != nil || made.State != sandbox.StateStarted {
			b.Fatal(made.State, err)
		}
		if _, err := s.Destroy(b.Context(), org, made.ID); err != nil {
			b.Fatal(err)
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs/create")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs/create")
}
