package network

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Inside is the network namespace of a sandbox that is plugged in. It stays there
// until Close, also when the sandbox ends.
type Inside struct {
	ns   netns.NsHandle
	link *netlink.Handle
	addr netip.Addr
	mtu  int
}

// Enter opens the network namespace of process pid. It must be the sandbox with
// the address addr: the process may have ended, and its number be another's.
// Otherwise the error is ErrUnplugged.
func Enter(pid int, addr netip.Addr) (*Inside, error) {
	ns, err := netns.GetFromPid(pid)
	if err != nil { // it has ended
		return nil, ErrUnplugged
	}
	i := &Inside{ns: ns, addr: addr}
	if i.link, err = netlink.NewHandleAt(ns); err != nil {
		return nil, errors.Join(fmt.Errorf("enter the sandbox's network namespace: %w", err), i.Close())
	}
	if err := i.identify(); err != nil {
		return nil, errors.Join(err, i.Close())
	}
	return i, nil
}

// identify looks whether the sandbox's address is here.
func (i *Inside) identify() error {
	eth0, err := i.find("eth0")
	if err != nil {
		return err
	}
	if eth0 == nil {
		return ErrUnplugged
	}
	addrs, err := i.link.AddrList(eth0, netlink.FAMILY_V4)
	if err != nil {
		return fmt.Errorf("list the addresses of eth0: %w", err)
	}
	if !slices.ContainsFunc(addrs, func(a netlink.Addr) bool { return a.IP.Equal(i.addr.AsSlice()) }) {
		return ErrUnplugged
	}
	i.mtu = eth0.Attrs().MTU
	return nil
}

// find returns a link, nil where there is none of that name.
func (i *Inside) find(name string) (netlink.Link, error) {
	link, err := i.link.LinkByName(name)
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", name, err)
	}
	return link, nil
}

// Wire lets two sandboxes reach each other by their addresses. The ends are called
// there, in i, and back, in other (15 characters at most). A wire that is there
// stays, with what goes through it.
func (i *Inside) Wire(other *Inside, there, back string) error {
	near, err := i.find(there)
	if err != nil {
		return err
	}
	far, err := other.find(back)
	if err != nil {
		return err
	}
	if near == nil || far == nil {
		// An end without the other leads into a sandbox that has ended, and that
		// the kernel has not removed yet.
		if err := errors.Join(i.cut(near), other.cut(far)); err != nil {
			return err
		}
		attrs := netlink.NewLinkAttrs()
		attrs.Name, attrs.MTU = there, i.mtu
		veth := &netlink.Veth{LinkAttrs: attrs, PeerName: back, PeerNamespace: netlink.NsFd(int(other.ns)), PeerMTU: uint32(i.mtu)}
		if err := i.link.LinkAdd(veth); err != nil {
			return fmt.Errorf("add the wire %s: %w", there, err)
		}
	}
	return errors.Join(i.lead(there, other.addr), other.lead(back, i.addr))
}

// cut removes a link; none is fine, and so is one that goes by itself meanwhile.
func (i *Inside) cut(link netlink.Link) error {
	if link == nil {
		return nil
	}
	if err := i.link.LinkDel(link); err != nil && !errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("remove the wire %s: %w", link.Attrs().Name, err)
	}
	return nil
}

// lead sets a wire's end up as the way to addr. It has no address of its own: the
// sandbox answers with the one that it has.
func (i *Inside) lead(name string, addr netip.Addr) error {
	end, err := i.link.LinkByName(name)
	if err != nil {
		return fmt.Errorf("find the wire %s: %w", name, err)
	}
	if err := leaveUnaddressed(i.link, end); err != nil {
		return err
	}
	if err := i.link.LinkSetUp(end); err != nil {
		return fmt.Errorf("set the wire %s up: %w", name, err)
	}
	only := &net.IPNet{IP: addr.AsSlice(), Mask: net.CIDRMask(32, 32)}
	route := &netlink.Route{LinkIndex: end.Attrs().Index, Dst: only, Src: i.addr.AsSlice(), Scope: netlink.SCOPE_LINK}
	if err := i.link.RouteReplace(route); err != nil {
		return fmt.Errorf("add the route to %s: %w", addr, err)
	}
	return nil
}

// Close lets go of the namespace. Wires stay.
func (i *Inside) Close() error {
	if i.link != nil {
		i.link.Close()
	}
	return i.ns.Close()
}
