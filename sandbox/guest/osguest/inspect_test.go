//go:build linux

package osguest

import (
	"net"
	"os"
	"slices"
	"strings"
	"testing"

	"sandpiper/sandbox/guest"
)

func TestProcesses(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	g, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	all, err := g.Processes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(p guest.ProcessInfo) bool { return p.PID == os.Getpid() })
	if i < 0 {
		t.Fatalf("this process is not among %d", len(all))
	}
	p := all[i]
	if p.Parent != os.Getppid() || !strings.HasPrefix(p.Command, os.Args[0]) || p.MemoryBytes < 1<<20 || p.Started.IsZero() {
		t.Errorf("%+v", p)
	}
	if port := l.Addr().(*net.TCPAddr).Port; !slices.Contains(p.Ports, port) {
		t.Errorf("port %d is not among %v", port, p.Ports)
	}
}

func TestParseListener(t *testing.T) {
	for _, c := range []struct {
		name, line string
		port       int
		inode      string
		ok         bool
	}{
		{"one", "   0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1", 8000, "4711", true},
		{"a connection", "   1: 0100007F:1F40 0100007F:9999 01 00000000:00000000 00:00000000 00000000  1000        0 4712 1", 0, "", false},
		{"the head", "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode", 0, "", false},
		{"cut", "   0: 0100007F:1F40 00000000:0000 0A", 0, "", false},
	} {
		port, inode, ok := parseListener(c.line)
		if port != c.port || inode != c.inode || ok != c.ok {
			t.Errorf("%s: %d, %q, %v", c.name, port, inode, ok)
		}
	}
}
