//go:build linux

package osguest

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// listening is the state of a socket that waits for connections.
const listening = "0A"

// Ports implements guest.Guest.
func (g *Guest) Ports(ctx context.Context) ([]int, error) {
	var ports []int
	for _, table := range []string{"tcp", "tcp6"} {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		f, err := os.Open(filepath.Join(g.proc, "net", table))
		if errors.Is(err, fs.ErrNotExist) {
			continue // a machine without that protocol
		}
		if err != nil {
			return nil, err
		}
		found, err := parsePorts(f)
		_ = f.Close()
		if err != nil {
			return nil, err
		}
		ports = append(ports, found...)
	}
	slices.Sort(ports)
	return slices.Compact(ports), nil
}

// parsePorts reads the kernel's table of sockets: "sl local remote state …", with
// addresses as HEX:PORT.
func parsePorts(r io.Reader) ([]int, error) {
	var ports []int
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 4 || fields[3] != listening {
			continue
		}
		_, hex, _ := strings.Cut(fields[1], ":")
		if port, err := strconv.ParseUint(hex, 16, 16); err == nil && port > 0 {
			ports = append(ports, int(port))
		}
	}
	return ports, lines.Err()
}
