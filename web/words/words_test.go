package words

import (
	"testing"
	"time"
)

func TestFigures(t *testing.T) {
	for d, want := range map[time.Duration]string{
		20 * time.Microsecond: "0.02 ms", 2100 * time.Microsecond: "2.1 ms", 42 * time.Millisecond: "42 ms",
		1234 * time.Millisecond: "1.23 s", 61 * time.Second: "61.0 s",
	} {
		if got := Duration(d); got != want {
			t.Errorf("Duration(%v) = %q, want %q", d, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 9_400_000: "9.4 MB", 9_960_000: "10 MB", 999_600: "1.0 MB", 256 << 20: "268 MB", 5_000_000_000_000: "5000 GB"} {
		if got := Size(n); got != want {
			t.Errorf("Size(%d) = %q, want %q", n, got, want)
		}
	}
	for d, want := range map[time.Duration]string{0: "a moment", time.Minute: "1 minute", 50 * time.Hour: "2 days", 800 * 24 * time.Hour: "2 years"} {
		if got := Span(d); got != want {
			t.Errorf("Span(%v) = %q, want %q", d, got, want)
		}
	}
}
