package auth

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// clientAddress returns the address that a request counts for: the
// connection's, or the one that a trusted proxy names. An IPv6 client counts
// as its /64, which is what one subscriber has.
func clientAddress(r *http.Request, proxies []netip.Prefix) string {
	text := clientIP(r, proxies)
	if addr, err := netip.ParseAddr(text); err == nil && addr.Is6() {
		block, _ := addr.WithZone("").Prefix(64)
		return block.Masked().String()
	}
	return text
}

// clientIP is clientAddress of one client.
func clientIP(r *http.Request, proxies []netip.Prefix) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr // a unix socket or a test
	}
	addr := peer.Addr().Unmap()
	if trusted(addr, proxies) {
		addr = forwarded(r.Header.Values("X-Forwarded-For"), addr, proxies)
	}
	return addr.String()
}

// forwarded walks the hops that proxies appended, nearest first, to the first
// that is not one of ours. What stands before it may be made up.
func forwarded(headers []string, peer netip.Addr, proxies []netip.Prefix) netip.Addr {
	hops := strings.Split(strings.Join(headers, ","), ",")
	for _, hop := range slices.Backward(hops) {
		addr, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			return peer
		}
		peer = addr.Unmap()
		if !trusted(peer, proxies) {
			return peer
		}
	}
	return peer
}

func trusted(addr netip.Addr, proxies []netip.Prefix) bool {
	return slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(addr) })
}
