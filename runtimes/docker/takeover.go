package docker

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/container"
	dockernet "github.com/docker/docker/api/types/network"

	"sandpiper/runtimes/docker/network"
)

// takeOver makes the engine's state agree with what is in the Docker engine,
// after an earlier process ended in whatever way: it goes on with the network of
// what runs, and removes what belongs to nothing.
func (e *Engine) takeOver(ctx context.Context, h *host) error {
	found, err := e.containers(ctx)
	if err != nil {
		return err
	}
	kept, err := e.sweepRecords(found)
	if err != nil {
		return err
	}
	if err := e.openNetwork(ctx, h, found, kept); err != nil {
		h.netProblem = err.Error()
		e.log.Warn("the network of sandboxes cannot be set up as it should be", "error", err)
	}
	if err := e.sweepImages(ctx); err != nil {
		return err
	}
	return e.sweepBoxes(h, found)
}

// sweepRecords forgets sandboxes that have no container, and returns the records
// of the others.
func (e *Engine) sweepRecords(found map[string]container.Summary) (map[string]record, error) {
	kept, err := e.records.all()
	if err != nil {
		return nil, err
	}
	for id := range kept {
		if _, ok := found[id]; ok {
			continue
		}
		delete(kept, id)
		if err := e.records.remove(id); err != nil {
			return nil, err
		}
	}
	return kept, nil
}

// sweepBoxes removes the boxes of sandboxes that do not run.
func (e *Engine) sweepBoxes(h *host, found map[string]container.Summary) error {
	ids, err := h.boxes.ids()
	if err != nil {
		return err
	}
	for _, id := range ids {
		if !runs(found[id]) {
			if err := h.boxes.remove(id); err != nil {
				return err
			}
		}
	}
	return nil
}

func runs(c container.Summary) bool {
	return c.State == container.StateRunning || c.State == container.StatePaused
}

// openNetwork opens the sandboxes' network with the rules of those that run.
func (e *Engine) openNetwork(ctx context.Context, h *host, found map[string]container.Summary, kept map[string]record) error {
	if err := e.removeDeadNetworks(ctx, h); err != nil {
		return err
	}
	subnet, err := e.ensureNetwork(ctx, h)
	if err != nil {
		return err
	}
	h.pool = network.NewPool(subnet)
	members := map[netip.Addr]network.Policy{}
	for id, rec := range kept {
		if !rec.Address.IsValid() || !h.pool.Claim(rec.Address) {
			continue
		}
		if runs(found[id]) {
			// A policy that cannot be read counts as closed.
			policy, _ := network.ParsePolicy(rec.Network)
			members[rec.Address] = policy
		}
	}
	if h.peer.pid == 0 {
		return errors.New("the server is not on the Docker engine's host, or not as root: run it as root there to have the rules enforced")
	}
	h.net, err = network.Open(network.Config{
		Namespace: h.peer.file(), Bridge: e.names.bridge(), Table: e.names.table(), Subnet: subnet,
		Resolvers: e.cfg.Resolvers, Opened: e.cfg.PrivateNetworks, Members: members,
	})
	if err != nil {
		return fmt.Errorf("%w (run the server as root to have the rules enforced)", err)
	}
	if err := e.sweepPlugs(h, found); err != nil {
		return err
	}
	return e.replug(ctx, h, found, kept)
}

// replug plugs in what was started when an earlier process ended before it had
// done that.
func (e *Engine) replug(ctx context.Context, h *host, found map[string]container.Summary, kept map[string]record) error {
	plugs, err := h.net.Plugs()
	if err != nil {
		return err
	}
	for id, c := range found {
		addr := kept[id].Address
		if !runs(c) || c.Labels[labelPlug] != plugVeth || slices.Contains(plugs, e.names.plug(id)) || !h.pool.Subnet().Contains(addr) {
			continue
		}
		full, err := e.inspect(ctx, id)
		if err != nil {
			return err
		}
		if full.State.Pid == 0 { // it has ended meanwhile
			continue
		}
		if err := h.net.Plug(full.State.Pid, e.names.plug(id), addr); err != nil {
			return err
		}
	}
	return nil
}

// sweepPlugs removes what is plugged in and belongs to no sandbox that runs.
func (e *Engine) sweepPlugs(h *host, found map[string]container.Summary) error {
	plugs, err := h.net.Plugs()
	if err != nil {
		return err
	}
	for id, c := range found {
		if runs(c) {
			plugs = slices.DeleteFunc(plugs, func(name string) bool { return name == e.names.plug(id) })
		}
	}
	for _, name := range plugs {
		if strings.HasPrefix(name, "sp") { // Docker's own are called veth…
			if err := h.net.Unplug(name); err != nil {
				return err
			}
		}
	}
	return nil
}

// subnetBits leaves room for four thousand sandboxes.
const subnetBits = 20

// ensureNetwork returns the subnet of the sandboxes' network in Docker, which is
// made when it is not there.
func (e *Engine) ensureNetwork(ctx context.Context, h *host) (netip.Prefix, error) {
	ctx, cancel := bounded(ctx, changeTimeout)
	defer cancel()
	found, err := e.api.NetworkInspect(ctx, e.names.network(), dockernet.InspectOptions{})
	if err == nil {
		return subnetOf(found)
	}
	if !isNotFound(err) {
		return netip.Prefix{}, fmt.Errorf("look at the network of sandboxes: %w", err)
	}
	var used []netip.Prefix
	if h.peer.pid != 0 {
		used, _ = network.Used(h.peer.file()) // Docker refuses what overlaps as well
	}
	err = errors.New("every range of addresses that it could have is in use")
	for _, subnet := range subnets() {
		if slices.ContainsFunc(used, subnet.Overlaps) {
			continue
		}
		if err = e.createNetwork(ctx, subnet); err == nil {
			return subnet, nil
		}
	}
	return netip.Prefix{}, fmt.Errorf("make the network of sandboxes: %w", err)
}

// subnets returns the ranges that are tried.
func subnets() (all []netip.Prefix) {
	for second := byte(213); second < 253; second++ {
		all = append(all, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, second, 0, 0}), subnetBits))
	}
	return all
}

func subnetOf(n dockernet.Inspect) (netip.Prefix, error) {
	if len(n.IPAM.Config) == 0 {
		return netip.Prefix{}, fmt.Errorf("the network %s has no subnet: remove it (docker network rm)", n.Name)
	}
	subnet, err := netip.ParsePrefix(n.IPAM.Config[0].Subnet)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("the subnet of network %s: %w", n.Name, err)
	}
	return subnet.Masked(), nil
}

// createNetwork makes the bridge. Containers that Docker plugs into it cannot
// reach each other either.
func (e *Engine) createNetwork(ctx context.Context, subnet netip.Prefix) error {
	_, err := e.api.NetworkCreate(ctx, e.names.network(), dockernet.CreateOptions{
		Driver: "bridge",
		Labels: map[string]string{labelInstance: e.names.instance, labelHome: e.home()},
		IPAM:   &dockernet.IPAM{Config: []dockernet.IPAMConfig{{Subnet: subnet.String(), Gateway: subnet.Addr().Next().String()}}},
		Options: map[string]string{
			"com.docker.network.bridge.name":                 e.names.bridge(),
			"com.docker.network.bridge.enable_icc":           "false",
			"com.docker.network.bridge.enable_ip_masquerade": "true",
		},
	})
	return err
}
