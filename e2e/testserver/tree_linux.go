package testserver

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Tree is what a process and all of its descendants use.
type Tree struct {
	Processes   int
	MemoryBytes int64 // proportional set size: shared pages count once
	Files       int   // open descriptors
}

// Tree measures the server and the processes that it started. Processes that end
// meanwhile are left out.
func (s *Server) Tree() (Tree, error) {
	var t Tree
	for _, pid := range descendants(s.PID()) {
		memory, err := proportional(pid)
		if err != nil {
			if pid == s.PID() {
				return t, err
			}
			continue
		}
		files, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid)) // it may have ended
		t.Processes++
		t.MemoryBytes += memory
		t.Files += len(files)
	}
	return t, nil
}

// descendants returns a process and all below it.
func descendants(pid int) []int {
	all := []int{pid}
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		b, _ := os.ReadFile(list) // the thread may have ended
		for _, field := range strings.Fields(string(b)) {
			if child, err := strconv.Atoi(field); err == nil {
				all = append(all, descendants(child)...)
			}
		}
	}
	return all
}

// proportional reads a process's proportional set size.
func proportional(pid int) (int64, error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "Pss:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("process %d has no memory", pid)
}
