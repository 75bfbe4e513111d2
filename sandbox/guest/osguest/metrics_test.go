//go:build linux

package osguest_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"sandpiper/sandbox/guest/osguest"
)

// tree writes files below a new folder.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestMetrics(t *testing.T) {
	for name, c := range map[string]struct {
		cgroup               map[string]string
		cpus, seconds        float64
		memory, cache, limit int64
		processes            int
		anyCPUs, anyLimit    bool
	}{
		"version 2": {
			cgroup: map[string]string{
				"memory.current": "1000\n", "memory.max": "5000\n", "memory.stat": "anon 1\ninactive_file 300\n",
				"cpu.stat": "usage_usec 2500000\nuser_usec 1\n", "cpu.max": "150000 100000\n", "pids.current": "7\n",
			},
			cpus: 1.5, seconds: 2.5, memory: 700, cache: 300, limit: 5000, processes: 7,
		},
		"version 2 without limits": {
			cgroup:    map[string]string{"memory.current": "1000\n", "memory.max": "max\n", "cpu.max": "max 100000\n", "pids.current": "1"},
			memory:    1000,
			processes: 1, anyCPUs: true, anyLimit: true,
		},
		"version 1": {
			cgroup: map[string]string{
				"memory/memory.usage_in_bytes": "1000\n", "memory/memory.limit_in_bytes": "5000\n", "memory/memory.stat": "cache 1\ntotal_inactive_file 300\n",
				"cpuacct/cpuacct.usage": "2500000000\n", "cpu/cpu.cfs_quota_us": "50000\n", "cpu/cpu.cfs_period_us": "100000\n", "pids/pids.current": "7\n",
			},
			cpus: 0.5, seconds: 2.5, memory: 700, cache: 300, limit: 5000, processes: 7,
		},
		"version 1 without limits": {
			cgroup: map[string]string{
				"memory/memory.usage_in_bytes": "1000\n", "memory/memory.limit_in_bytes": "9223372036854771712\n",
				"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n", "pids/pids.current": "1\n",
			},
			memory: 1000, processes: 1, anyCPUs: true, anyLimit: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGuest(t, osguest.Config{Cgroup: tree(t, c.cgroup)})
			m, err := g.Metrics(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if !c.anyCPUs && m.CPUCount != c.cpus || c.anyCPUs && m.CPUCount < 1 || m.CPUSeconds != c.seconds {
				t.Errorf("cores %v, seconds %v", m.CPUCount, m.CPUSeconds)
			}
			if m.MemoryBytes != c.memory || m.MemoryCache != c.cache || !c.anyLimit && m.MemoryLimit != c.limit || c.anyLimit && m.MemoryLimit < 1<<20 || m.Processes != c.processes {
				t.Errorf("got %+v", m)
			}
			if m.DiskBytes <= 0 || m.DiskLimit < m.DiskBytes || m.At.IsZero() {
				t.Errorf("got %+v", m)
			}
		})
	}
}

func TestMetricsOfAMachineWithoutCgroups(t *testing.T) {
	g := newGuest(t, osguest.Config{Cgroup: t.TempDir()})
	m, err := g.Metrics(t.Context())
	if err != nil || m.CPUCount < 1 || m.CPUSeconds <= 0 || m.MemoryBytes <= 0 || m.MemoryLimit < m.MemoryBytes || m.Processes < 1 {
		t.Errorf("got %+v, %v", m, err)
	}
}

func TestPortTables(t *testing.T) {
	const head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
	g := newGuest(t, osguest.Config{Proc: tree(t, map[string]string{
		"net/tcp":  head + "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000\n   1: 0100007F:2710 0100007F:1F90 01 0\nrubbish\n",
		"net/tcp6": head + "   0: 00000000000000000000000000000000:1F90 0:0000 0A 0\n   1: 00000000000000000000000001000000:0BB8 0:0 0A 0\n",
	})})
	ports, err := g.Ports(t.Context())
	if err != nil || !slices.Equal(ports, []int{3000, 8080}) {
		t.Errorf("got %v, %v", ports, err)
	}
}
