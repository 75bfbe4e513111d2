package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// residentBytes reads a process's resident set from /proc.
func residentBytes(pid int) (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(b))
	if len(fields) < 2 {
		return 0, fmt.Errorf("unexpected statm: %q", b)
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize()), err
}

// availableBytes reads how much memory of the machine programs could still get.
func availableBytes() (int64, error) {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "MemAvailable:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kib << 10, err
		}
	}
	return 0, errors.New("/proc/meminfo has no MemAvailable")
}

// watchResident follows a process's resident set until stop is called; peak
// returns the most that was seen.
func watchResident(pid int) (peak func() int64, stop func()) {
	var mu sync.Mutex
	var most int64
	done := make(chan struct{})
	go func() {
		for {
			if now, err := residentBytes(pid); err == nil {
				mu.Lock()
				most = max(most, now)
				mu.Unlock()
			}
			select {
			case <-done:
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	peak = func() int64 {
		mu.Lock()
		defer mu.Unlock()
		return most
	}
	return peak, sync.OnceFunc(func() { close(done) })
}
