package network

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"sync"

	"github.com/google/nftables"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Config says where a Network is.
type Config struct {
	Namespace string                // file of the engine's network namespace: "/proc/123/ns/net"
	Bridge    string                // the engine's bridge, which is there
	Table     string                // of nftables; ours alone
	Subnet    netip.Prefix          // of the bridge
	Resolvers []netip.Addr          // DNS servers that sandboxes may ask, also private ones
	Opened    []netip.Prefix        // private ranges that lists may name
	Members   map[netip.Addr]Policy // what is there already
}

// Network is a bridge with the policy of those plugged into it. It is safe for
// concurrent use.
type Network struct {
	cfg  Config
	ns   netns.NsHandle
	link *netlink.Handle

	mu      sync.Mutex // orders changes of the table
	nft     *nftables.Conn
	sets    sets
	members map[netip.Addr]Policy
}

// Open enters the engine's network namespace and writes the table, in one step
// that leaves no moment without rules. It needs root.
func Open(cfg Config) (*Network, error) {
	ns, err := netns.GetFromPath(cfg.Namespace)
	if err != nil {
		return nil, fmt.Errorf("open the engine's network namespace: %w", err)
	}
	n := &Network{cfg: cfg, ns: ns, members: map[netip.Addr]Policy{}}
	if err := n.open(); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

func (n *Network) open() (err error) {
	if n.link, err = netlink.NewHandleAt(n.ns); err != nil {
		return fmt.Errorf("enter the engine's network namespace: %w", err)
	}
	bridge, err := n.link.LinkByName(n.cfg.Bridge)
	if err != nil {
		return fmt.Errorf("find the bridge %s: %w", n.cfg.Bridge, err)
	}
	if err := leaveUnaddressed(n.link, bridge); err != nil {
		return err
	}
	if n.nft, err = nftables.New(nftables.WithNetNSFd(int(n.ns))); err != nil {
		return fmt.Errorf("open nftables: %w", err)
	}
	if err := n.writeTable(); err != nil {
		return fmt.Errorf("write the table of network rules: %w", err)
	}
	for addr, policy := range n.cfg.Members {
		if err := n.Admit(addr, policy); err != nil {
			return err
		}
	}
	return nil
}

// Close lets go of the namespace. Rules and plugs stay.
func (n *Network) Close() error {
	if n.link != nil {
		n.link.Close()
	}
	return n.ns.Close()
}

// Plug gives the network namespace of process pid the address addr on the
// bridge, as eth0, with the bridge as its way out. The host's end is called name
// (15 characters at most); one that is there is replaced.
func (n *Network) Plug(pid int, name string, addr netip.Addr) error {
	inside, err := netns.GetFromPid(pid)
	if err != nil {
		return fmt.Errorf("open the sandbox's network namespace: %w", err)
	}
	defer inside.Close()
	if inside.Equal(n.ns) { // the process is gone, and its number is somebody else's
		return errors.New("the sandbox ended before it had a network")
	}
	if err := n.Unplug(name); err != nil {
		return err
	}
	bridge, err := n.link.LinkByName(n.cfg.Bridge)
	if err != nil {
		return fmt.Errorf("find the bridge %s: %w", n.cfg.Bridge, err)
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MasterIndex, attrs.MTU = name, bridge.Attrs().Index, bridge.Attrs().MTU
	// The peer is made inside under its own name at once: two host ends with
	// the same peer name never meet in the host's namespace.
	veth := &netlink.Veth{LinkAttrs: attrs, PeerName: "eth0", PeerNamespace: netlink.NsFd(int(inside))}
	if err := n.link.LinkAdd(veth); err != nil {
		return fmt.Errorf("add a veth pair: %w", err)
	}
	if err := n.configure(veth, inside, addr); err != nil {
		return errors.Join(err, n.Unplug(name))
	}
	return nil
}

// configure isolates the host's end of a pair and configures the other one.
func (n *Network) configure(veth netlink.Link, inside netns.NsHandle, addr netip.Addr) error {
	if err := n.link.LinkSetIsolated(veth, true); err != nil {
		return fmt.Errorf("isolate the bridge port: %w", err)
	}
	if err := leaveUnaddressed(n.link, veth); err != nil {
		return err
	}
	if err := n.link.LinkSetUp(veth); err != nil {
		return fmt.Errorf("set the host's end up: %w", err)
	}
	h, err := netlink.NewHandleAt(inside)
	if err != nil {
		return fmt.Errorf("enter the sandbox's network namespace: %w", err)
	}
	defer h.Close()
	eth0, err := h.LinkByName("eth0")
	if err != nil {
		return fmt.Errorf("find eth0: %w", err)
	}
	own := &net.IPNet{IP: addr.AsSlice(), Mask: net.CIDRMask(n.cfg.Subnet.Bits(), 32)}
	if err := h.AddrAdd(eth0, &netlink.Addr{IPNet: own}); err != nil {
		return fmt.Errorf("add the address %s: %w", addr, err)
	}
	if err := h.LinkSetUp(eth0); err != nil {
		return fmt.Errorf("set eth0 up: %w", err)
	}
	gateway := n.cfg.Subnet.Masked().Addr().Next()
	if err := h.RouteAdd(&netlink.Route{LinkIndex: eth0.Attrs().Index, Gw: gateway.AsSlice()}); err != nil {
		return fmt.Errorf("add the route by %s: %w", gateway, err)
	}
	return nil
}

// leaveUnaddressed keeps a link from being given an IPv6 address of its own when
// it comes up. Nobody uses that, and browsers on the host end their requests
// whenever an address appears or goes (ERR_NETWORK_CHANGED).
func leaveUnaddressed(h *netlink.Handle, link netlink.Link) error {
	const none = 1 // IN6_ADDR_GEN_MODE_NONE
	err := h.LinkSetIP6AddrGenMode(link, none)
	if err != nil && !errors.Is(err, unix.EAFNOSUPPORT) { // there is no IPv6 at all
		return fmt.Errorf("switch off the IPv6 address of %s: %w", link.Attrs().Name, err)
	}
	return nil
}

// Unplug removes a plug; one that is not there is fine.
func (n *Network) Unplug(name string) error {
	link, err := n.link.LinkByName(name)
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return nil
	}
	if err == nil {
		err = n.link.LinkDel(link)
	}
	if err != nil {
		return fmt.Errorf("remove the veth pair %s: %w", name, err)
	}
	return nil
}

// Sent returns how many bytes have come out of a plug; none out of one that is not
// there.
func (n *Network) Sent(name string) (int64, error) {
	link, err := n.link.LinkByName(name)
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("find the veth pair %s: %w", name, err)
	}
	if s := link.Attrs().Statistics; s != nil {
		return int64(s.RxBytes), nil // what the host's end receives
	}
	return 0, nil
}

// Plugs returns the names of all that is plugged into the bridge.
func (n *Network) Plugs() ([]string, error) {
	bridge, err := n.link.LinkByName(n.cfg.Bridge)
	if err != nil {
		return nil, fmt.Errorf("find the bridge %s: %w", n.cfg.Bridge, err)
	}
	links, err := n.link.LinkList()
	if err != nil {
		return nil, fmt.Errorf("list network links: %w", err)
	}
	var names []string
	for _, l := range links {
		if l.Attrs().MasterIndex == bridge.Attrs().Index {
			names = append(names, l.Attrs().Name)
		}
	}
	return names, nil
}

// Used returns the subnets that the namespace has addresses or routes in.
func Used(namespace string) (used []netip.Prefix, err error) {
	ns, err := netns.GetFromPath(namespace)
	if err != nil {
		return nil, fmt.Errorf("open the engine's network namespace: %w", err)
	}
	defer ns.Close()
	h, err := netlink.NewHandleAt(ns)
	if err != nil {
		return nil, fmt.Errorf("enter the engine's network namespace: %w", err)
	}
	defer h.Close()
	routes, err := h.RouteList(nil, netlink.FAMILY_V4)
	if err != nil {
		return nil, fmt.Errorf("list routes: %w", err)
	}
	for _, r := range routes {
		if r.Dst == nil {
			continue
		}
		addr, _ := netip.AddrFromSlice(r.Dst.IP.To4())
		if ones, _ := r.Dst.Mask.Size(); ones > 0 && addr.IsValid() {
			used = append(used, netip.PrefixFrom(addr, ones))
		}
	}
	runtime.KeepAlive(ns)
	return used, nil
}
