//go:build linux

package osguest

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"sandpiper/sandbox/guest"
)

// unlimited is where a memory limit of the older cgroups means none: they write
// the largest number of whole pages.
const unlimited = math.MaxInt64 / 2

// Metrics implements guest.Guest. It reads the control group of this machine,
// of either version, and where there is none, or no limit, the machine itself.
func (g *Guest) Metrics(ctx context.Context) (guest.Metrics, error) {
	if err := ctx.Err(); err != nil {
		return guest.Metrics{}, err
	}
	m := guest.Metrics{At: time.Now()}
	switch {
	case g.exists("memory.current"):
		g.readV2(&m)
	case g.exists("memory/memory.usage_in_bytes"):
		g.readV1(&m)
	default:
		g.readMachine(&m)
	}
	if m.MemoryLimit == 0 {
		m.MemoryLimit = parseTable(read(filepath.Join(g.proc, "meminfo")))["MemTotal:"] << 10
	}
	if m.CPUCount <= 0 {
		m.CPUCount = float64(runtime.NumCPU())
	}
	if m.Processes == 0 {
		m.Processes = len(processes(g.proc))
	}
	var disk unix.Statfs_t
	if err := unix.Statfs("/", &disk); err != nil {
		return m, &os.PathError{Op: "statfs", Path: "/", Err: err}
	}
	m.DiskLimit = int64(disk.Blocks) * disk.Bsize
	m.DiskBytes = int64(disk.Blocks-disk.Bfree) * disk.Bsize
	return m, nil
}

func (g *Guest) readV2(m *guest.Metrics) {
	stats := g.table("memory.stat")
	m.MemoryCache = stats["inactive_file"]
	m.MemoryBytes = max(0, g.number("memory.current")-m.MemoryCache)
	m.MemoryLimit = g.number("memory.max") // "max" is no number: none
	m.CPUSeconds = float64(g.table("cpu.stat")["usage_usec"]) / 1e6
	m.Processes = int(g.number("pids.current"))
	if quota, period, ok := strings.Cut(g.text("cpu.max"), " "); ok {
		m.CPUCount = ratio(quota, period)
	}
}

func (g *Guest) readV1(m *guest.Metrics) {
	stats := g.table("memory/memory.stat")
	m.MemoryCache = stats["total_inactive_file"]
	m.MemoryBytes = max(0, g.number("memory/memory.usage_in_bytes")-m.MemoryCache)
	if m.MemoryLimit = g.number("memory/memory.limit_in_bytes"); m.MemoryLimit > unlimited {
		m.MemoryLimit = 0
	}
	m.CPUSeconds = float64(g.number("cpuacct/cpuacct.usage")) / 1e9
	m.CPUCount = ratio(g.text("cpu/cpu.cfs_quota_us"), g.text("cpu/cpu.cfs_period_us"))
	m.Processes = int(g.number("pids/pids.current"))
}

// readMachine is for machines that have no control group: the whole is ours.
func (g *Guest) readMachine(m *guest.Metrics) {
	info := parseTable(read(filepath.Join(g.proc, "meminfo")))
	m.MemoryCache = info["Inactive(file):"] << 10
	m.MemoryBytes = max(0, info["MemTotal:"]-info["MemAvailable:"]) << 10
	line, _, _ := strings.Cut(read(filepath.Join(g.proc, "stat")), "\n")
	for i, field := range strings.Fields(line) {
		const idle, iowait, ticksPerSecond = 4, 5, 100
		if ticks, err := strconv.ParseInt(field, 10, 64); err == nil && i != idle && i != iowait {
			m.CPUSeconds += float64(ticks) / ticksPerSecond
		}
	}
}

func (g *Guest) exists(name string) bool {
	_, err := os.Stat(filepath.Join(g.cgroup, name))
	return err == nil
}

func (g *Guest) text(name string) string {
	return strings.TrimSpace(read(filepath.Join(g.cgroup, name)))
}

// number reads a file of one number; 0 when it holds none.
func (g *Guest) number(name string) int64 {
	n, err := strconv.ParseInt(g.text(name), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func (g *Guest) table(name string) map[string]int64 { return parseTable(g.text(name)) }

// parseTable reads lines of "name number", with anything behind.
func parseTable(text string) map[string]int64 {
	values := map[string]int64{}
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		if n, err := strconv.ParseInt(fields[1], 10, 64); err == nil {
			values[fields[0]] = n
		}
	}
	return values
}

// ratio returns quota / period; 0 when there is no quota ("max" or -1).
func ratio(quota, period string) float64 {
	q, err := strconv.ParseFloat(quota, 64)
	p, err2 := strconv.ParseFloat(period, 64)
	if err != nil || err2 != nil || q <= 0 || p <= 0 {
		return 0
	}
	return q / p
}

// read returns a file's text; "" when it cannot be read.
func read(name string) string {
	data, err := os.ReadFile(name)
	if err != nil {
		return ""
	}
	return string(data)
}
