package docker

import (
	"context"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"

	"sandpiper/sandbox"
)

// Pause implements sandbox.Pauser: the sandbox's processes get no processor time
// until Resume. Their memory stays.
func (e *Engine) Pause(ctx context.Context, id string) error {
	_, unlock, err := e.enter(ctx, id)
	if err != nil {
		return err
	}
	defer unlock()
	c, err := e.inspect(ctx, id)
	switch {
	case err != nil || c.State.Paused:
		return err
	case !c.State.Running:
		return sandbox.Errorf(sandbox.KindConflict, "sandbox %s is not started", id)
	}
	change, cancel := bounded(ctx, changeTimeout)
	defer cancel()
	return problem("pause the sandbox", e.api.ContainerPause(change, e.names.container(id)))
}

// Resume implements sandbox.Pauser.
func (e *Engine) Resume(ctx context.Context, id string) error {
	_, unlock, err := e.enter(ctx, id)
	if err != nil {
		return err
	}
	defer unlock()
	c, err := e.inspect(ctx, id)
	switch {
	case err != nil || c.State.Running && !c.State.Paused:
		return err
	case !c.State.Paused:
		return sandbox.Errorf(sandbox.KindConflict, "sandbox %s is not paused", id)
	}
	return e.unpause(ctx, id)
}

func (e *Engine) unpause(ctx context.Context, id string) error {
	ctx, cancel := bounded(ctx, changeTimeout)
	defer cancel()
	return problem("resume the sandbox", e.api.ContainerUnpause(ctx, e.names.container(id)))
}

// Resize implements sandbox.Resizer.
func (e *Engine) Resize(ctx context.Context, id string, r sandbox.Resources) error {
	h, unlock, err := e.enter(ctx, id)
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := e.inspect(ctx, id); err != nil {
		return err
	}
	rec, err := e.records.load(id)
	if err != nil {
		return err
	}
	if h.quota && r.DiskGiB != rec.Resources.DiskGiB {
		return sandbox.FieldErrorf("disk", "the storage driver %s cannot change the disk of a sandbox: make a snapshot of it and a new sandbox from that", h.info.Driver)
	}
	err = e.limit(ctx, id, resources(r))
	if err != nil && strings.Contains(err.Error(), "device or resource busy") {
		return sandbox.Errorf(sandbox.KindConflict, "the sandbox uses more memory than it would have: stop it, then make it smaller")
	}
	if err != nil {
		return problem("resize the sandbox", err)
	}
	rec.Resources = r
	return e.records.save(id, rec)
}

// LimitMemory sets what a started sandbox may use, in bytes, until Resize or for
// its life. The record of its resources stays.
func (e *Engine) LimitMemory(ctx context.Context, id string, bytes int64) error {
	_, unlock, err := e.enter(ctx, id)
	if err != nil {
		return err
	}
	defer unlock()
	err = e.limit(ctx, id, container.Resources{Memory: bytes, MemorySwap: bytes})
	return problem("limit the memory of a sandbox", err)
}

// limit sets limits of a container. Where control groups are of version 1, the
// one of memory cannot be above the one of memory with swap; gVisor raises them
// in the wrong order, so there the second one is raised on its own before.
func (e *Engine) limit(ctx context.Context, id string, r container.Resources) error {
	ctx, cancel := bounded(ctx, changeTimeout)
	defer cancel()
	name := e.names.container(id)
	_, err := e.api.ContainerUpdate(ctx, name, container.UpdateConfig{Resources: r})
	if err == nil || !strings.Contains(err.Error(), "memory.limit_in_bytes: invalid argument") {
		return err
	}
	above := container.Resources{MemorySwap: r.MemorySwap}
	if _, err := e.api.ContainerUpdate(ctx, name, container.UpdateConfig{Resources: above}); err != nil {
		return err
	}
	_, err = e.api.ContainerUpdate(ctx, name, container.UpdateConfig{Resources: r})
	return err
}

// SetNetwork implements sandbox.Networker. Open connections that the new policy
// does not allow end as well.
func (e *Engine) SetNetwork(ctx context.Context, id string, n sandbox.Network) error {
	h, unlock, err := e.enter(ctx, id)
	if err != nil {
		return err
	}
	defer unlock()
	c, err := e.inspect(ctx, id)
	if err != nil {
		return err
	}
	policy, err := e.policy(n)
	if err != nil {
		return err
	}
	rec, err := e.records.load(id)
	if err != nil {
		return err
	}
	if h.net == nil {
		return sandbox.Errorf(sandbox.KindUnprocessed, "network rules cannot be enforced on this host: %s", h.netProblem)
	}
	if c.State.Running && rec.Address.IsValid() {
		if err := h.net.Admit(rec.Address, policy); err != nil {
			return err
		}
	}
	rec.Network = n
	return e.records.save(id, rec)
}

// ignoreStopped returns nil where cause says that a container does not run, or is
// not there, and err otherwise.
func ignoreStopped(err, cause error) error {
	if cause == nil || isNotFound(cause) || cerrdefs.IsConflict(cause) && strings.Contains(cause.Error(), "is not running") {
		return nil
	}
	return err
}
