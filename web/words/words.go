// Package words writes figures, times and messages for people, the same on every
// page.
// static/src/lib/format.ts writes the same in the browser.
package words

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Duration returns a run's time with its unit, as the page's script does.
func Duration(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	switch {
	case ms < 1:
		return fmt.Sprintf("%.2f ms", ms)
	case ms < 10:
		return fmt.Sprintf("%.1f ms", ms)
	case ms < 1000:
		return fmt.Sprintf("%.0f ms", ms)
	case ms < 10_000:
		return fmt.Sprintf("%.2f s", ms/1000)
	default:
		return fmt.Sprintf("%.1f s", ms/1000)
	}
}

// Size returns a number of bytes with its unit, as the page's script does.
func Size(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	v := float64(n)
	for _, unit := range []string{"kB", "MB", "GB"} {
		v /= 1000
		if v < 9.95 {
			return fmt.Sprintf("%.1f %s", v, unit)
		}
		if v < 999.5 || unit == "GB" {
			return fmt.Sprintf("%.0f %s", v, unit)
		}
	}
	return ""
}

// units of relative times, the longest first.
var units = []struct {
	name string
	long time.Duration
}{
	{"year", 365 * 24 * time.Hour},
	{"month", 30 * 24 * time.Hour},
	{"day", 24 * time.Hour},
	{"hour", time.Hour},
	{"minute", time.Minute},
}

// Span returns a time span in its longest whole unit: "3 days".
func Span(d time.Duration) string {
	for _, u := range units {
		if n := d / u.long; n == 1 {
			return "1 " + u.name
		} else if n > 1 {
			return fmt.Sprintf("%d %ss", n, u.name)
		}
	}
	return "a moment"
}

// Ago returns how long before now t was.
func Ago(t, now time.Time) string {
	if s := Span(now.Sub(t)); s != "a moment" {
		return s + " ago"
	}
	return "just now"
}

// Exact returns a time for a tooltip.
func Exact(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// Joined joins the parts that are not empty.
func Joined(parts ...string) string {
	var kept []string
	for _, p := range parts {
		if p != "" {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, " · ")
}

// Sentence writes an error's message as a sentence.
func Sentence(s string) string {
	first, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return ""
	}
	s = string(unicode.ToUpper(first)) + s[n:]
	if strings.ContainsAny(s[len(s)-1:], ".!?") {
		return s
	}
	return s + "."
}

// Language names a language with the part of its version that people know:
// "Python 3.12". One below 1 is that of an interpreter which nobody calls by it.
func Language(name, version string) string {
	if strings.HasPrefix(version, "0.") {
		return name
	}
	parts := strings.Split(version, ".")
	if len(parts) > 2 {
		parts = parts[:2]
	}
	return strings.TrimSpace(name + " " + strings.TrimSuffix(strings.Join(parts, "."), ".0"))
}
