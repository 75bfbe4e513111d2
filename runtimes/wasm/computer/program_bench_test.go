package computer_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sandpiper/runtimes/wasm"
	"sandpiper/runtimes/wasm/computer"
	"sandpiper/runtimes/wasm/program"
	"sandpiper/runtimes/wasm/worker"
)

// cpuTime returns the CPU time of this process and its workers.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var own unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &own); err != nil {
		b.Fatal(err)
	}
	total := time.Duration(own.Utime.Nano() + own.Stime.Nano())
	for pid := range children(b) {
		stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
		if err != nil {
			b.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		fields := strings.Fields(rest)
		for _, ticks := range fields[11:13] { // utime and stime, in hundredths of a second
			n, _ := strconv.Atoi(ticks)
			total += time.Duration(n) * 10 * time.Millisecond
		}
	}
	return total
}

// BenchmarkPrograms measures programs of a started sandbox inside this process and in
// a worker.
func BenchmarkPrograms(b *testing.B) {
	for _, place := range []struct {
		name string
		open func(b *testing.B) (program.Engine, func() error)
	}{
		{"inside", func(b *testing.B) (program.Engine, func() error) {
			e, err := wasm.New(wasm.Config{CacheDir: cacheFolder("sandpiper-test"), RunDir: b.TempDir(), Only: []string{"python"}})
			if err != nil {
				b.Fatal(err)
			}
			return e, e.Close
		}},
		{"worker", func(b *testing.B) (program.Engine, func() error) {
			p, err := worker.New(b.Context(), worker.Config{Args: []string{workerCommand}, Dir: workerFolder(b.TempDir()), Only: []string{"python"}})
			if err != nil {
				b.Fatal(err)
			}
			return p, p.Close
		}},
	} {
		b.Run(place.name, func(b *testing.B) {
			e, end := place.open(b)
			defer func() {
				if err := end(); err != nil {
					b.Error(err)
				}
			}()
			benchmarkPrograms(b, e)
		})
	}
}

func benchmarkPrograms(b *testing.B, e program.Engine) {
	g := newLab(b, computer.Config{Languages: e}).box(b)
	for _, tt := range []struct{ name, code string }{
		{"print", "print(1)"},
		{"10000 small files", `
import os
os.makedirs("many", exist_ok=True)
for i in range(10000):
    with open(f"many/{i}", "w") as f: f.write("some text\n")
n = 0
for i in range(10000):
    with open(f"many/{i}") as f: n += len(f.read())
assert n == 100000`},
		{"100 MB through a file", `
piece = b"x" * 1000000
with open("big", "wb") as f:
    for i in range(100): f.write(piece)
with open("big", "rb") as f:
    while f.read(1000000): pass`},
		{"100 MB of output", "print('x' * 100000000, end='')"},
	} {
		b.Run(tt.name, func(b *testing.B) {
			if got := run(b, g, "", "python3", "-c", tt.code); got.code != 0 {
				b.Fatalf("%+v", got)
			}
			var times []time.Duration
			before := cpuTime(b)
			for b.Loop() {
				began := time.Now()
				if got := run(b, g, "", "python3", "-c", tt.code); got.code != 0 {
					b.Fatalf("%+v", got)
				}
				times = append(times, time.Since(began))
			}
			used := cpuTime(b) - before
			percentiles(b, "wall", times)
			b.ReportMetric(float64(used.Microseconds())/1000/float64(len(times)), "cpu-ms")
		})
	}
}
