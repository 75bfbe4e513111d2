package docker

import (
	"net/netip"
	"os"
	"strings"
)

// resolverFiles are where a host says which DNS servers it asks; the second has
// the real ones where systemd-resolved answers on a loopback address.
var resolverFiles = []string{"/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"}

// maxResolvers is how many a resolver reads.
const maxResolvers = 3

// hostResolvers returns the host's DNS servers that sandboxes can ask as well.
func hostResolvers() []netip.Addr {
	for _, file := range resolverFiles {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		if found := parseResolvers(string(text)); len(found) > 0 {
			return found
		}
	}
	return nil
}

// parseResolvers returns the IPv4 servers of a resolv.conf that are not the host
// itself.
func parseResolvers(text string) (found []netip.Addr) {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 2 || fields[0] != "nameserver" || len(found) == maxResolvers {
			continue
		}
		addr, err := netip.ParseAddr(fields[1])
		if err == nil && addr.Is4() && !addr.IsLoopback() && !addr.IsUnspecified() && !addr.IsLinkLocalUnicast() {
			found = append(found, addr)
		}
	}
	return found
}
