package docker

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"sandpiper/runtimes/docker/network"
	"sandpiper/sandbox"
)

// member is a sandbox of a family that runs and is plugged in.
type member struct {
	sandbox.Peer
	address string
	inside  *network.Inside
}

// Link implements sandbox.Linker: a wire between each two that run, and a line for
// each of them in the hosts file of all. What a sandbox may reach besides stays
// what it is. Those whose network Docker has set up, which gVisor's are, cannot
// have wires and are left out.
func (e *Engine) Link(ctx context.Context, family []sandbox.Peer) error {
	h, err := e.ready(ctx)
	if err != nil {
		return err
	}
	if h.net == nil {
		return sandbox.Errorf(sandbox.KindUnprocessed, "sandboxes cannot be linked on this host: %s", h.netProblem)
	}
	e.linking.Lock()
	defer e.linking.Unlock()
	members, err := e.members(ctx, family)
	defer func() {
		for _, m := range members {
			_ = m.inside.Close() // nothing was written
		}
	}()
	if err != nil {
		return err
	}
	for i, a := range members {
		for _, b := range members[:i] {
			if err := a.inside.Wire(b.inside, e.names.wire(b.ID), e.names.wire(a.ID)); err != nil {
				return fmt.Errorf("link sandbox %s with %s: %w", a.ID, b.ID, err)
			}
		}
	}
	e.nameMembers(h, members)
	return nil
}

// members returns those of a family that run and are plugged in. One that is not
// yet is linked by the call that follows its start.
func (e *Engine) members(ctx context.Context, family []sandbox.Peer) (all []member, err error) {
	for _, p := range family {
		m, err := e.member(ctx, p)
		switch {
		case errors.Is(err, network.ErrUnplugged) || sandbox.KindOf(err) == sandbox.KindNotFound:
		case err != nil:
			return all, err
		default:
			all = append(all, m)
		}
	}
	return all, nil
}

// member returns a sandbox of a family, or network.ErrUnplugged. The caller must
// close what is inside.
func (e *Engine) member(ctx context.Context, p sandbox.Peer) (member, error) {
	c, err := e.inspect(ctx, p.ID)
	if err != nil {
		return member{}, err
	}
	rec, err := e.records.load(p.ID)
	if err != nil {
		return member{}, err
	}
	if c.State.Pid == 0 || c.Config.Labels[labelPlug] != plugVeth || !rec.Address.IsValid() {
		return member{}, network.ErrUnplugged
	}
	inside, err := network.Enter(c.State.Pid, rec.Address)
	return member{p, rec.Address.String(), inside}, err
}

// nameMembers writes the names of a family's members into the hosts file of each.
// A sandbox may have left no room for it there: it then knows the others by their
// addresses only, which must not keep one of them from starting.
func (e *Engine) nameMembers(h *host, members []member) {
	var lines strings.Builder
	if len(members) > 1 {
		for _, m := range members {
			fmt.Fprintf(&lines, "%s\t%s\t%s\n", m.address, aliases(m.Peer), linkedMark)
		}
	}
	for _, m := range members {
		if err := h.boxes.writeLinked(m.ID, lines.String()); err != nil {
			e.log.Warn("a sandbox is not told the names of those that it is linked with", "sandbox", m.ID, "error", err)
		}
	}
}

// aliases returns the names by which a hosts file can know a sandbox: its name
// only where that is one word.
func aliases(p sandbox.Peer) string {
	if p.Name == p.ID || len(strings.Fields(p.Name)) != 1 {
		return p.ID
	}
	return p.Name + " " + p.ID
}
