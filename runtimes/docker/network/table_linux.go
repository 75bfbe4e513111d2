package network

import (
	"fmt"
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// sets are the sets of the table that rules look addresses up in.
type sets struct {
	open      *nftables.Set // sources of the default policy
	allow     *nftables.Set // source . destination ranges
	never     *nftables.Set
	private   *nftables.Set
	opened    *nftables.Set // of private, to lists
	resolvers *nftables.Set
}

// priority puts our chains before Docker's: what they refuse is refused, what
// they accept goes on to Docker's own rules.
const priority = -10

// writeTable replaces the whole table:
//
//	chain forward, for what a sandbox sends and for what is sent to one
//	  oifname BRIDGE iifname BRIDGE reject       other sandboxes
//	  oifname BRIDGE ct established ip daddr @open accept              answers
//	  oifname BRIDGE ct established ip daddr . ip saddr @allow accept
//	  oifname BRIDGE drop                        nobody opens connections to a sandbox
//	  iifname != BRIDGE accept                   not ours
//	  meta nfproto ipv6 drop
//	  ip daddr @never reject
//	  ip daddr != @private ip saddr . ip daddr @allow accept
//	  ip daddr @opened ip saddr . ip daddr @allow accept
//	  ip daddr @resolvers ip saddr . ip daddr @allow udp/tcp dport 53 accept
//	  ip saddr != @open reject                   closed sandboxes and strangers
//	  ip daddr @resolvers udp/tcp dport 53 accept
//	  ip daddr @private reject
//	chain refuse, where the others' rejects go
//	  meta l4proto tcp reject with tcp reset     at once; ICMP answers are rate-limited
//	  reject with icmpx admin-prohibited
//	chain input, for what a sandbox sends to the host
//	  iifname BRIDGE ct established accept
//	  iifname BRIDGE reject
//
// Since every packet is judged by its addresses, in both directions, a change of
// policy ends open connections as well.
func (n *Network) writeTable() error {
	c := n.nft
	table := &nftables.Table{Family: nftables.TableFamilyINet, Name: n.cfg.Table}
	c.AddTable(table)
	c.DelTable(table)
	c.AddTable(table)
	if err := n.addSets(table); err != nil {
		return err
	}
	n.addRefuse(table)
	n.addForward(table)
	n.addInput(table)
	return c.Flush()
}

func (n *Network) addSets(t *nftables.Table) error {
	address := nftables.TypeIPAddr
	s := sets{
		open:      &nftables.Set{Table: t, Name: "open", KeyType: address},
		allow:     &nftables.Set{Table: t, Name: "allow", KeyType: nftables.MustConcatSetType(address, address), Interval: true, Concatenation: true},
		never:     &nftables.Set{Table: t, Name: "never", KeyType: address, Interval: true},
		private:   &nftables.Set{Table: t, Name: "private", KeyType: address, Interval: true},
		opened:    &nftables.Set{Table: t, Name: "opened", KeyType: address, Interval: true},
		resolvers: &nftables.Set{Table: t, Name: "resolvers", KeyType: address},
	}
	var resolvers []nftables.SetElement
	for _, r := range n.cfg.Resolvers {
		resolvers = append(resolvers, nftables.SetElement{Key: r.AsSlice()})
	}
	for _, set := range []struct {
		set      *nftables.Set
		elements []nftables.SetElement
	}{{s.open, nil}, {s.allow, nil}, {s.never, intervals(never)}, {s.private, intervals(private)}, {s.opened, intervals(n.cfg.Opened)}, {s.resolvers, resolvers}} {
		if err := n.nft.AddSet(set.set, set.elements); err != nil {
			return fmt.Errorf("add set %s: %w", set.set.Name, err)
		}
	}
	n.sets = s
	return nil
}

// intervals returns the elements of an interval set: each range's first address
// and, as an end, the one after its last, unless there is none.
func intervals(ranges []netip.Prefix) []nftables.SetElement {
	var all []nftables.SetElement
	for _, p := range merge(ranges) {
		all = append(all, nftables.SetElement{Key: p.Addr().AsSlice()})
		if end := last(p).Next(); end.IsValid() && end.Is4() {
			all = append(all, nftables.SetElement{Key: end.AsSlice(), IntervalEnd: true})
		}
	}
	return all
}

func (n *Network) addRefuse(t *nftables.Table) {
	chain := n.nft.AddChain(&nftables.Chain{Table: t, Name: refuse})
	reset := []expr.Any{&expr.Reject{Type: unix.NFT_REJECT_TCP_RST}}
	prohibited := []expr.Any{&expr.Reject{Type: unix.NFT_REJECT_ICMPX_UNREACH, Code: unix.NFT_REJECT_ICMPX_ADMIN_PROHIBITED}}
	n.nft.AddRule(&nftables.Rule{Table: t, Chain: chain, Exprs: all(protocol(unix.IPPROTO_TCP), reset)})
	n.nft.AddRule(&nftables.Rule{Table: t, Chain: chain, Exprs: prohibited})
}

func (n *Network) addForward(t *nftables.Table) {
	bridge, s := n.cfg.Bridge, n.sets
	chain := n.chain(t, "forward", nftables.ChainHookForward)
	for _, rule := range [][]expr.Any{
		all(in(bridge, true), out(bridge), reject()),
		all(out(bridge), established(), destination(s.open, false), accept()),
		all(out(bridge), established(), answer(s.allow), accept()),
		all(out(bridge), drop()),
		all(in(bridge, false), accept()),
		all(family(unix.NFPROTO_IPV6), drop()),
		all(destination(s.never, false), reject()),
		all(destination(s.private, true), pair(s.allow), accept()),
		all(destination(s.opened, false), pair(s.allow), accept()),
		all(destination(s.resolvers, false), pair(s.allow), port(unix.IPPROTO_UDP, 53), accept()),
		all(destination(s.resolvers, false), pair(s.allow), port(unix.IPPROTO_TCP, 53), accept()),
		all(source(s.open, true), reject()),
		all(destination(s.resolvers, false), port(unix.IPPROTO_UDP, 53), accept()),
		all(destination(s.resolvers, false), port(unix.IPPROTO_TCP, 53), accept()),
		all(destination(s.private, false), reject()),
	} {
		n.nft.AddRule(&nftables.Rule{Table: t, Chain: chain, Exprs: rule})
	}
}

func (n *Network) addInput(t *nftables.Table) {
	chain := n.chain(t, "input", nftables.ChainHookInput)
	for _, rule := range [][]expr.Any{
		all(in(n.cfg.Bridge, true), established(), accept()),
		all(in(n.cfg.Bridge, true), reject()),
	} {
		n.nft.AddRule(&nftables.Rule{Table: t, Chain: chain, Exprs: rule})
	}
}

func (n *Network) chain(t *nftables.Table, name string, hook *nftables.ChainHook) *nftables.Chain {
	policy := nftables.ChainPolicyAccept
	return n.nft.AddChain(&nftables.Chain{
		Table: t, Name: name, Type: nftables.ChainTypeFilter, Hooknum: hook,
		Priority: nftables.ChainPriorityRef(priority), Policy: &policy,
	})
}

// Admit sets what an address may reach, in one step. Until then it reaches
// nothing.
func (n *Network) Admit(addr netip.Addr, p Policy) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.replace(addr, p); err != nil {
		return fmt.Errorf("set the network rules of %s: %w", addr, err)
	}
	n.members[addr] = p
	return nil
}

// Expel forgets an address: it reaches nothing.
func (n *Network) Expel(addr netip.Addr) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.replace(addr, Policy{}); err != nil {
		return fmt.Errorf("remove the network rules of %s: %w", addr, err)
	}
	delete(n.members, addr)
	return nil
}

// replace changes the sets. Preconditions: n.mu must be held.
func (n *Network) replace(addr netip.Addr, p Policy) error {
	old := n.members[addr]
	key := []nftables.SetElement{{Key: addr.AsSlice()}}
	for _, change := range []struct {
		do       func(*nftables.Set, []nftables.SetElement) error
		set      *nftables.Set
		elements []nftables.SetElement
		when     bool
	}{
		{n.nft.SetDeleteElements, n.sets.open, key, old.Public && !p.Public},
		{n.nft.SetDeleteElements, n.sets.allow, pairs(addr, old.Allow), len(old.Allow) > 0},
		{n.nft.SetAddElements, n.sets.allow, pairs(addr, p.Allow), len(p.Allow) > 0},
		{n.nft.SetAddElements, n.sets.open, key, p.Public && !old.Public},
	} {
		if change.when {
			if err := change.do(change.set, change.elements); err != nil {
				return err
			}
		}
	}
	return n.nft.Flush()
}

// pairs returns the elements source . destination range.
func pairs(source netip.Addr, ranges []netip.Prefix) []nftables.SetElement {
	var all []nftables.SetElement
	for _, p := range ranges {
		all = append(all, nftables.SetElement{
			Key:    append(source.AsSlice(), p.Addr().AsSlice()...),
			KeyEnd: append(source.AsSlice(), last(p).AsSlice()...),
		})
	}
	return all
}

// Remove deletes the table.
func (n *Network) Remove() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	table := &nftables.Table{Family: nftables.TableFamilyINet, Name: n.cfg.Table}
	n.nft.AddTable(table)
	n.nft.DelTable(table)
	if err := n.nft.Flush(); err != nil {
		return fmt.Errorf("remove the table of network rules: %w", err)
	}
	n.members = map[netip.Addr]Policy{}
	return nil
}

// The parts of a rule.

func all(parts ...[]expr.Any) (rule []expr.Any) {
	for _, p := range parts {
		rule = append(rule, p...)
	}
	return rule
}

func in(name string, is bool) []expr.Any { return interfaceName(expr.MetaKeyIIFNAME, name, is) }
func out(name string) []expr.Any         { return interfaceName(expr.MetaKeyOIFNAME, name, true) }

func interfaceName(key expr.MetaKey, name string, is bool) []expr.Any {
	var padded [unix.IFNAMSIZ]byte
	copy(padded[:], name)
	op := expr.CmpOpEq
	if !is {
		op = expr.CmpOpNeq
	}
	return []expr.Any{&expr.Meta{Key: key, Register: 1}, &expr.Cmp{Op: op, Register: 1, Data: padded[:]}}
}

func family(f byte) []expr.Any {
	return []expr.Any{&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: 1}, &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{f}}}
}

// header compares a part of the IPv4 header with a set.
func header(offset, length uint32, s *nftables.Set, not bool) []expr.Any {
	return all(family(unix.NFPROTO_IPV4), []expr.Any{
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: length},
		&expr.Lookup{SourceRegister: 1, SetName: s.Name, SetID: s.ID, Invert: not},
	})
}

const sourceOffset, destinationOffset = 12, 16

func source(s *nftables.Set, not bool) []expr.Any      { return header(sourceOffset, 4, s, not) }
func destination(s *nftables.Set, not bool) []expr.Any { return header(destinationOffset, 4, s, not) }

// pair looks the source and the destination up together; they are neighbours in
// the header.
func pair(s *nftables.Set) []expr.Any { return header(sourceOffset, 8, s, false) }

// answer looks the destination and the source up together: pair for what comes
// back. They are put into neighbouring registers.
func answer(s *nftables.Set) []expr.Any {
	const first, second = unix.NFT_REG32_00, unix.NFT_REG32_01
	return all(family(unix.NFPROTO_IPV4), []expr.Any{
		&expr.Payload{DestRegister: first, Base: expr.PayloadBaseNetworkHeader, Offset: destinationOffset, Len: 4},
		&expr.Payload{DestRegister: second, Base: expr.PayloadBaseNetworkHeader, Offset: sourceOffset, Len: 4},
		&expr.Lookup{SourceRegister: first, SetName: s.Name, SetID: s.ID},
	})
}

func protocol(number byte) []expr.Any {
	return []expr.Any{&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1}, &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{number}}}
}

func port(transport byte, number uint16) []expr.Any {
	return all(protocol(transport), []expr.Any{
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: binaryutil.BigEndian.PutUint16(number)},
	})
}

func established() []expr.Any {
	mask := binaryutil.NativeEndian.PutUint32(expr.CtStateBitESTABLISHED | expr.CtStateBitRELATED)
	return []expr.Any{
		&expr.Ct{Key: expr.CtKeySTATE, Register: 1},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 4, Mask: mask, Xor: make([]byte, 4)},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: make([]byte, 4)},
	}
}

func accept() []expr.Any { return []expr.Any{&expr.Verdict{Kind: expr.VerdictAccept}} }
func drop() []expr.Any   { return []expr.Any{&expr.Verdict{Kind: expr.VerdictDrop}} }

// refuse is the chain that answers instead of dropping, so that programs fail at
// once and need not wait for a time-out.
const refuse = "refuse"

func reject() []expr.Any { return []expr.Any{&expr.Verdict{Kind: expr.VerdictGoto, Chain: refuse}} }
