package network

import (
	"net/netip"
	"sync"

	"sandpiper/sandbox"
)

// Pool hands out the addresses of a subnet. Its first address is the bridge's.
type Pool struct {
	subnet netip.Prefix

	mu    sync.Mutex
	next  netip.Addr // where the search goes on, so that addresses are not reused soon
	taken map[netip.Addr]bool
}

// NewPool returns a pool with every address of the subnet free.
func NewPool(subnet netip.Prefix) *Pool {
	return &Pool{subnet: subnet.Masked(), next: subnet.Masked().Addr(), taken: map[netip.Addr]bool{}}
}

// Gateway returns the bridge's address.
func (p *Pool) Gateway() netip.Addr { return p.subnet.Addr().Next() }

// Subnet returns the pool's subnet.
func (p *Pool) Subnet() netip.Prefix { return p.subnet }

// usable reports whether addr may be handed out.
func (p *Pool) usable(addr netip.Addr) bool {
	return p.subnet.Contains(addr) && addr != p.subnet.Addr() && addr != p.Gateway() && addr != last(p.subnet)
}

// Claim takes an address, or reports that it is taken or not of this pool.
func (p *Pool) Claim(addr netip.Addr) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.usable(addr) || p.taken[addr] {
		return false
	}
	p.taken[addr] = true
	return true
}

// Take returns a free address, or a *sandbox.Error of KindBusy.
func (p *Pool) Take() (netip.Addr, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for range 1 << (32 - p.subnet.Bits()) {
		if p.next = p.next.Next(); !p.subnet.Contains(p.next) {
			p.next = p.subnet.Addr()
		}
		if p.usable(p.next) && !p.taken[p.next] {
			p.taken[p.next] = true
			return p.next, nil
		}
	}
	return netip.Addr{}, sandbox.Errorf(sandbox.KindBusy, "all addresses of the sandboxes' network %s are in use: delete sandboxes that are no longer needed", p.subnet)
}

// Release gives an address back.
func (p *Pool) Release(addr netip.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.taken, addr)
}
