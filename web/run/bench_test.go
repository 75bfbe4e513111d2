package run_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"sandpiper/web/run/runtest"
)

// BenchmarkRun measures what everything but the engine costs: HTTP on loopback,
// decoding, the scheduler and the answer, for an engine that takes no time.
func BenchmarkRun(b *testing.B) {
	for _, accept := range []string{"application/json", "text/event-stream"} {
		b.Run(accept, func(b *testing.B) {
			s := runtest.New(b, runtest.Options{})
			body := script("print hello")
			for b.Loop() {
				r, err := http.NewRequestWithContext(b.Context(), "POST", s.URL+"/v1/run", strings.NewReader(body))
				if err != nil {
					b.Fatal(err)
				}
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("Accept", accept)
				r.Header.Set("Authorization", "Bearer "+runtest.Key)
				res, err := s.Client().Do(r)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != 200 {
					b.Fatal(res.Status, err)
				}
				res.Body.Close()
			}
		})
	}
}
