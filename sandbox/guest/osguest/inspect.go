//go:build linux

package osguest

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"sandpiper/sandbox/guest"
)

const (
	ticks       = 100 // of the clock in a second, which Linux tells programs whatever its own are
	maxCommand  = 4 << 10
	maxHandles  = 4096 // open files of a process that are looked at for sockets
	maxListable = 2000 // processes that are described
)

var _ guest.Inspector = (*Guest)(nil)

// Processes implements guest.Inspector. The sockets of a process are seen by those
// who may trace it: root where it has that right, and the account that programs of
// this sandbox run as.
func (g *Guest) Processes(ctx context.Context) ([]guest.ProcessInfo, error) {
	all := processes(g.proc)
	slices.SortFunc(all, func(a, b stat) int { return a.pid - b.pid })
	sockets := g.listeningSockets()
	boot := bootTime(g.proc)
	out := make([]guest.ProcessInfo, 0, len(all))
	for _, s := range all[:min(len(all), maxListable)] {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if s.state == 'Z' {
			continue // it has ended
		}
		p := guest.ProcessInfo{PID: s.pid, Parent: s.parent, Command: commandOf(g.proc, s), CPUSeconds: float64(s.cpu) / ticks, MemoryBytes: s.resident * int64(os.Getpagesize())}
		if !boot.IsZero() {
			p.Started = boot.Add(time.Duration(s.started) * time.Second / ticks)
		}
		out = append(out, p)
	}
	if len(sockets) == 0 {
		return out, nil
	}
	g.findPorts(out, sockets)
	return out, g.user.as(func() error { g.findPorts(out, sockets); return nil })
}

// findPorts adds the ports of processes as far as the calling thread may see them.
func (g *Guest) findPorts(all []guest.ProcessInfo, sockets map[string]int) {
	for i := range all {
		if p := &all[i]; p.Ports == nil {
			p.Ports = portsOf(filepath.Join(g.proc, strconv.Itoa(p.PID), "fd"), sockets)
		}
	}
}

// commandOf returns the arguments of a process, or in brackets the name of one
// that has none.
func commandOf(proc string, s stat) string {
	f, err := os.Open(filepath.Join(proc, strconv.Itoa(s.pid), "cmdline"))
	if err == nil {
		defer f.Close()
		if data, err := io.ReadAll(io.LimitReader(f, maxCommand)); err == nil && len(data) > 0 {
			return strings.ToValidUTF8(string(bytes.ReplaceAll(bytes.TrimRight(data, "\x00"), []byte{0}, []byte{' '})), "�")
		}
	}
	return "[" + s.name + "]"
}

// bootTime returns when the machine started, zero where that is not to be found.
func bootTime(proc string) time.Time {
	for line := range strings.Lines(read(filepath.Join(proc, "stat"))) {
		if text, ok := strings.CutPrefix(line, "btime "); ok {
			if n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64); err == nil {
				return time.Unix(n, 0)
			}
		}
	}
	return time.Time{}
}

// listeningSockets returns the ports of sockets that wait for connections, by
// the names that processes have for them.
func (g *Guest) listeningSockets() map[string]int {
	sockets := map[string]int{}
	for _, table := range []string{"tcp", "tcp6"} {
		f, err := os.Open(filepath.Join(g.proc, "net", table))
		if err != nil {
			continue // a machine without that protocol
		}
		for lines := bufio.NewScanner(f); lines.Scan(); {
			if port, inode, ok := parseListener(lines.Text()); ok {
				sockets["socket:["+inode+"]"] = port
			}
		}
		_ = f.Close()
	}
	return sockets
}

// parseListener reads a line of the kernel's table of sockets, as parsePorts
// does: the tenth field is the socket's inode.
func parseListener(line string) (port int, inode string, ok bool) {
	fields := strings.Fields(line)
	if len(fields) < 10 || fields[3] != listening {
		return 0, "", false
	}
	_, hex, _ := strings.Cut(fields[1], ":")
	n, err := strconv.ParseUint(hex, 16, 16)
	return int(n), fields[9], err == nil && n > 0
}

// portsOf returns the ports of the sockets that are among the open files of a
// process.
func portsOf(folder string, sockets map[string]int) []int {
	dir, err := os.Open(folder)
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(maxHandles) // what could be read is better than nothing
	var ports []int
	for _, name := range names {
		if target, err := os.Readlink(filepath.Join(folder, name)); err == nil && sockets[target] != 0 {
			ports = append(ports, sockets[target])
		}
	}
	slices.Sort(ports)
	return slices.Compact(ports)
}
