package metrics

import (
	"fmt"
	"math"
	"strings"
	"time"

	"sandpiper/components"
)

// The size of a chart's drawing, in its own units.
const (
	Width, Height = 600.0, 140.0
)

// gap is between two samples that are further apart than two readings, of which
// one may have failed: nothing is known of the time between them.
const gap = 2*Seldom + Seldom/2

// Charts draws what samples say: processor, memory and disk.
func Charts(samples []Sample, now time.Time) []components.Chart {
	const gib = 1 << 30
	return []components.Chart{
		chart("Processor", "%", samples, now, func(Sample) float64 { return 100 }, func(s Sample) float64 { return s.CPU }),
		chart("Memory", "GiB", samples, now, func(s Sample) float64 { return float64(s.MemTotal) / gib }, func(s Sample) float64 { return float64(s.MemUsed) / gib }),
		chart("Disk", "GiB", samples, now, func(s Sample) float64 { return float64(s.DiskTotal) / gib }, func(s Sample) float64 { return float64(s.DiskUsed) / gib }),
	}
}

// chart draws one line. The scale goes from nothing to the limit, so that the
// height says how much is left.
func chart(title, unit string, samples []Sample, now time.Time, limit, value func(Sample) float64) components.Chart {
	c := components.Chart{ID: strings.ToLower(title), Title: title, Unit: unit}
	if len(samples) == 0 {
		return c
	}
	last := samples[len(samples)-1]
	top := limit(last)
	for _, s := range samples {
		top = math.Max(top, value(s))
	}
	if top <= 0 {
		top = 1
	}
	c.Line = line(samples, now, func(s Sample) float64 { return value(s) / top })
	c.Now, c.Top, c.Half = amount(value(last), unit), amount(top, unit), amount(top/2, unit)
	c.Limit = amount(limit(last), unit)
	c.Table = table(samples, unit, value)
	return c
}

// line draws a path through the samples, whose heights are parts of the whole. It
// is broken where samples lack; one without neighbours is a dot.
func line(samples []Sample, now time.Time, height func(Sample) float64) string {
	var path strings.Builder
	for i, s := range samples {
		x := math.Max(0, Width*(1-float64(now.Sub(s.At))/float64(Keep)))
		y := math.Max(0, Height*(1-height(s)))
		if i == 0 || s.At.Sub(samples[i-1].At) > gap {
			fmt.Fprintf(&path, "M%.1f %.1fh0", x, y)
		} else {
			fmt.Fprintf(&path, "L%.1f %.1f", x, y)
		}
	}
	return path.String()
}

// table are some of the samples, for those who read rather than see: at most one
// for each minute.
func table(samples []Sample, unit string, value func(Sample) float64) []components.ChartRow {
	var rows []components.ChartRow
	var last time.Time
	for i := len(samples) - 1; i >= 0; i-- {
		s := samples[i]
		if !last.IsZero() && last.Sub(s.At) < time.Minute {
			continue
		}
		last = s.At
		rows = append(rows, components.ChartRow{Time: s.At.UTC().Format("15:04:05"), Value: amount(value(s), unit)})
	}
	return rows
}

// amount writes a value with its unit, as exactly as it is of use.
func amount(v float64, unit string) string {
	switch {
	case unit == "%":
		return fmt.Sprintf("%.0f %%", v)
	case v < 1:
		return fmt.Sprintf("%.0f MiB", v*1024)
	default:
		return fmt.Sprintf("%.1f %s", v, unit)
	}
}
