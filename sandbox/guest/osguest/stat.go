//go:build linux

package osguest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// stat is what the kernel says of a process.
type stat struct {
	pid, parent, group int
	state              byte
	terminal           int    // 0 for none
	started            uint64 // in clock ticks since the machine's start
	name               string
	cpu                uint64 // clock ticks used
	resident           int64  // pages in memory
}

// readStat reads a process's line. A process that is gone is an error.
func readStat(proc string, pid int) (stat, error) {
	data, err := os.ReadFile(filepath.Join(proc, strconv.Itoa(pid), "stat"))
	if err != nil {
		return stat{}, err
	}
	return parseStat(data)
}

// parseStat parses "pid (name) state parent group … started …". The name may
// hold anything, so the fields are counted from its last parenthesis.
func parseStat(data []byte) (stat, error) {
	open, end := bytes.IndexByte(data, '('), bytes.LastIndexByte(data, ')')
	if open < 0 || end < open {
		return stat{}, fmt.Errorf("process line %.60q: no name", data)
	}
	fields := strings.Fields(string(data[end+1:]))
	if len(fields) < 22 || len(fields[0]) != 1 {
		return stat{}, fmt.Errorf("process line %.60q: too short", data)
	}
	s := stat{state: fields[0][0], name: string(data[open+1 : end])}
	var errs [8]error
	s.pid, errs[0] = strconv.Atoi(strings.TrimSpace(string(data[:open])))
	s.parent, errs[1] = strconv.Atoi(fields[1])
	s.group, errs[2] = strconv.Atoi(fields[2])
	s.terminal, errs[4] = strconv.Atoi(fields[4])
	s.started, errs[3] = strconv.ParseUint(fields[19], 10, 64)
	user, err := strconv.ParseUint(fields[11], 10, 64)
	system, err2 := strconv.ParseUint(fields[12], 10, 64)
	s.cpu, errs[5], errs[6] = user+system, err, err2
	s.resident, errs[7] = strconv.ParseInt(fields[21], 10, 64)
	for _, err := range errs {
		if err != nil {
			return stat{}, fmt.Errorf("process line %.60q: %w", data, err)
		}
	}
	return s, nil
}

// processes reads the lines of all processes.
func processes(proc string) []stat {
	dir, err := os.Open(proc)
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1) // what could be read is better than nothing
	var all []stat
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if s, err := readStat(proc, pid); err == nil {
			all = append(all, s)
		}
	}
	return all
}

// kin returns the processes of all that are root's descendants or in its group,
// but not root itself.
func kin(all []stat, root int) []stat {
	family := map[int]bool{root: true}
	for grown := true; grown; {
		grown = false
		for _, s := range all {
			if !family[s.pid] && (family[s.parent] || s.group == root) {
				family[s.pid], grown = true, true
			}
		}
	}
	var found []stat
	for _, s := range all {
		if family[s.pid] && s.pid != root {
			found = append(found, s)
		}
	}
	return found
}

// killAll kills processes; those that have ended by themselves are fine.
func killAll(all []stat) {
	for _, s := range all {
		_ = syscall.Kill(s.pid, syscall.SIGKILL)
	}
}
