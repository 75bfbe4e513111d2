// Package network plugs containers into a bridge of the Docker engine and keeps
// one nftables table that says what each of them may reach, by its address.
//
// Docker makes the bridge, with its NAT and its own forwarding rules. What is
// done here is what Docker does slowly or not at all: a veth pair per sandbox by
// netlink (2 ms where Docker's own hook takes 270), and a policy that is in
// place before the sandbox has an address. The table is not Docker's, and a
// source address that it does not know reaches nothing.
//
// A sandbox never reaches another one by the bridge, the host's services or the
// cloud's metadata address. By default it reaches public addresses and the resolvers it
// is given, not the private ranges of the host's own networks. A list of what it
// may reach opens those no more than the default does: only the operator can let
// lists name some of them.
//
// Sandboxes that are linked have wires beside the bridge: a veth pair between each
// two, of which neither end is on the host. No rule has to tell them from others,
// Docker's rules do not see them, and there is nothing else that a wire leads to.
// The kernel removes it with the first of the two that ends.
package network

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"sandpiper/sandbox"
)

// maxAllowed bounds a policy's list.
const maxAllowed = 64

// never lists what no policy opens: link-local addresses with the metadata
// services of clouds, loopback, multicast and the like.
var never = prefixes("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "100.100.100.200/32", "224.0.0.0/3")

// private lists what is closed besides, since it is likely to be the host's own
// surroundings, but for what the operator has opened to lists.
var private = prefixes("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15")

func prefixes(list ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(list))
	for i, s := range list {
		all[i] = netip.MustParsePrefix(s)
	}
	return all
}

// ErrUnplugged is the error of Enter where no sandbox has the address.
var ErrUnplugged = errors.New("the sandbox is not plugged in")

// Policy is what one sandbox may reach. The zero value reaches nothing.
type Policy struct {
	Public bool           // public addresses and the resolvers
	Allow  []netip.Prefix // sorted, none inside another
}

// ParsePolicy returns the policy that n stands for, or a *sandbox.Error of
// KindUnprocessed that names the field at fault.
func ParsePolicy(n sandbox.Network) (Policy, error) {
	switch {
	case n.BlockAll:
		return Policy{}, nil
	case len(n.Domains) > 0:
		return Policy{}, sandbox.FieldErrorf("domainAllowList", "lists of domains cannot be enforced here; give addresses in networkAllowList")
	case len(n.Allow) == 0:
		return Policy{Public: true}, nil
	case len(n.Allow) > maxAllowed:
		return Policy{}, sandbox.FieldErrorf("networkAllowList", "at most %d ranges can be allowed", maxAllowed)
	}
	var allow []netip.Prefix
	for _, text := range n.Allow {
		p, err := parsePrefix(text)
		if err != nil {
			return Policy{}, err
		}
		allow = append(allow, p)
	}
	return Policy{Allow: merge(allow)}, nil
}

// Check returns a *sandbox.Error of KindUnprocessed for a list of which nothing
// can be reached. opened is what lists may have of the private ranges.
func (p Policy) Check(opened []netip.Prefix) error {
	reachable := func(r netip.Prefix) bool {
		return !inside(r, never) && (!inside(r, private) || slices.ContainsFunc(opened, r.Overlaps))
	}
	if len(p.Allow) == 0 || slices.ContainsFunc(p.Allow, reachable) {
		return nil
	}
	return sandbox.FieldErrorf("networkAllowList",
		"sandboxes reach no private networks, and the list names nothing else; the operator can open some to such lists with --sandbox-private-networks")
}

// CheckOpened returns why an operator cannot open networks to lists, or nil.
func CheckOpened(opened []netip.Prefix) error {
	for _, r := range opened {
		if !r.Addr().Is4() || inside(r.Masked(), never) {
			return fmt.Errorf("%s cannot be opened: sandboxes have IPv4 only, and never reach loopback, link-local addresses and the metadata of clouds", r)
		}
	}
	return nil
}

// inside reports whether a range is inside one of others.
func inside(r netip.Prefix, others []netip.Prefix) bool {
	return slices.ContainsFunc(others, func(o netip.Prefix) bool { return o.Bits() <= r.Bits() && o.Contains(r.Addr()) })
}

// parsePrefix reads an IPv4 range or address.
func parsePrefix(text string) (netip.Prefix, error) {
	text = strings.TrimSpace(text)
	p, err := netip.ParsePrefix(text)
	if err != nil {
		var addr netip.Addr
		if addr, err = netip.ParseAddr(text); err == nil {
			p = netip.PrefixFrom(addr, addr.BitLen())
		}
	}
	switch {
	case err != nil:
		return p, sandbox.FieldErrorf("networkAllowList", "%.60q is not an address range such as 203.0.113.0/24", text)
	case !p.Addr().Is4():
		return p, sandbox.FieldErrorf("networkAllowList", "%s: sandboxes have IPv4 only", text)
	}
	return p.Masked(), nil
}

// merge sorts ranges and drops those inside another.
func merge(all []netip.Prefix) []netip.Prefix {
	slices.SortFunc(all, func(a, b netip.Prefix) int {
		if c := a.Addr().Compare(b.Addr()); c != 0 {
			return c
		}
		return a.Bits() - b.Bits()
	})
	var kept []netip.Prefix
	for _, p := range all {
		if n := len(kept); n == 0 || !kept[n-1].Contains(p.Addr()) {
			kept = append(kept, p)
		}
	}
	return kept
}

// last returns the highest address of an IPv4 range.
func last(p netip.Prefix) netip.Addr {
	a := p.Addr().As4()
	for bit := p.Bits(); bit < 32; bit++ {
		a[bit/8] |= 0x80 >> (bit % 8)
	}
	return netip.AddrFrom4(a)
}
