package docker

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/docker/docker/api/types/container"

	"sandpiper/runtimes/docker/network"
	"sandpiper/sandbox"
)

// Create implements sandbox.Engine. What it made is removed again when it fails
// or ctx ends.
func (e *Engine) Create(ctx context.Context, spec sandbox.Spec) error {
	return e.create(ctx, spec, true)
}

// create makes a sandbox's container, and starts it when it should.
func (e *Engine) create(ctx context.Context, spec sandbox.Spec, start bool) error {
	h, unlock, err := e.enter(ctx, spec.ID)
	if err != nil {
		return err
	}
	defer unlock()
	if found, err := e.inspect(ctx, spec.ID); err == nil {
		if !start {
			return nil
		}
		return e.start(ctx, h, spec, found)
	} else if sandbox.KindOf(err) != sandbox.KindNotFound {
		return err
	}
	p, err := e.plan(ctx, h, spec)
	if err != nil {
		return err
	}
	leave, err := e.queue(ctx)
	if err != nil {
		return err
	}
	defer leave()
	err = e.build(ctx, h, p, start)
	if err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		e.erase(ctx, h, spec.ID)
	}
	return err
}

// enter begins a call for one sandbox: the Docker engine is there, and no other
// call for the sandbox is under way.
func (e *Engine) enter(ctx context.Context, id string) (*host, func(), error) {
	if err := validateID(id); err != nil {
		return nil, nil, err
	}
	h, err := e.ready(ctx)
	if err != nil {
		return nil, nil, err
	}
	unlock, err := e.locks.lock(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	return h, unlock, nil
}

// queue waits for a turn to make or start a container. Docker gets slower, not
// faster, when it starts many at once.
func (e *Engine) queue(ctx context.Context) (leave func(), err error) {
	if err := e.gate.Acquire(ctx, 1); err != nil {
		return nil, context.Cause(ctx)
	}
	return func() { e.gate.Release(1) }, nil
}

// plan decides how a sandbox is made, and refuses what cannot be.
func (e *Engine) plan(ctx context.Context, h *host, spec sandbox.Spec) (plan, error) {
	p := plan{spec: spec, seccomp: h.seccomp, files: h.files, agent: e.agent, boxes: h.boxes, names: e.names, quota: h.quota && spec.Resources.DiskGiB > 0}
	var err error
	if p.runtime, err = h.pick(spec.Runtime); err != nil {
		return p, err
	}
	policy, err := e.policy(spec.Network)
	if err != nil {
		return p, err
	}
	if p.plug, err = h.plug(p.runtime, policy); err != nil {
		return p, err
	}
	if err := checkVolumes(spec.Volumes); err != nil {
		return p, err
	}
	p.image, err = e.image(ctx, spec.Ref)
	if h.info.Driver == "btrfs" || h.info.Driver == "zfs" {
		p.beneath = p.image.bytes
	}
	return p, err
}

// policy returns what a network stands for, unless nothing of it can be had here.
func (e *Engine) policy(n sandbox.Network) (network.Policy, error) {
	p, err := network.ParsePolicy(n)
	if err == nil {
		err = p.Check(e.cfg.PrivateNetworks)
	}
	return p, err
}

// build makes the container and starts it when it should. The caller erases what
// is there after an error.
func (e *Engine) build(ctx context.Context, h *host, p plan, start bool) (err error) {
	rec := record{Network: p.spec.Network, Resources: p.spec.Resources}
	if p.plug != plugNone {
		if rec.Address, err = h.pool.Take(); err != nil {
			return err
		}
		p.address = rec.Address
	}
	if err := e.records.save(p.spec.ID, rec); err != nil {
		h.release(rec.Address)
		return err
	}
	b := boot{spec: p.spec, image: p.image, plug: p.plug, address: p.address}
	if err := e.prepare(h, b); err != nil { // Docker wants to see what it will mount
		return err
	}
	if err := e.make(ctx, p); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if !start {
		return h.boxes.remove(p.spec.ID)
	}
	return e.launch(ctx, h, b)
}

func (h *host) release(addr netip.Addr) {
	if h.pool != nil && addr.IsValid() {
		h.pool.Release(addr)
	}
}

// make makes the container of a plan.
func (e *Engine) make(ctx context.Context, p plan) error {
	ctx, cancel := bounded(ctx, changeTimeout)
	defer cancel()
	_, err := e.api.ContainerCreate(ctx, p.config(), p.hostConfig(), p.networking(), nil, p.names.container(p.spec.ID))
	return problem("create the sandbox", err)
}

// boot is what a start needs to know.
type boot struct {
	spec    sandbox.Spec
	image   imageInfo
	plug    string
	address netip.Addr
}

// launch starts a container that is there and prepared, and waits for its agent.
// After an error the container is stopped.
func (e *Engine) launch(ctx context.Context, h *host, b boot) error {
	err := e.run(ctx, h, b)
	if err != nil {
		if kill := e.kill(ctx, b.spec.ID); kill != nil {
			e.log.Warn("a sandbox that did not start could not be stopped", "sandbox", b.spec.ID, "error", kill)
		}
		err = errors.Join(err, e.unplug(h, b.spec.ID, b.address), h.boxes.remove(b.spec.ID))
	}
	return err
}

// prepare fills the sandbox's box and sets its network rules, which are so in
// place before it has a network.
func (e *Engine) prepare(h *host, b boot) error {
	volumes, err := e.volumeDirs(b.spec.Volumes)
	if err != nil {
		return err
	}
	files := boxFiles{
		settings: settings(b.spec, b.image), hostname: hostname(b.spec), address: b.address,
		resolvers: e.cfg.Resolvers, volumes: volumes,
	}
	if err := h.boxes.fill(b.spec.ID, files); err != nil {
		return err
	}
	if h.net == nil || b.plug == plugNone {
		return nil
	}
	policy, err := network.ParsePolicy(b.spec.Network)
	if err != nil {
		return err
	}
	return h.net.Admit(b.address, policy)
}

// run starts the container, plugs it in and waits for its agent.
func (e *Engine) run(ctx context.Context, h *host, b boot) error {
	name := e.names.container(b.spec.ID)
	change, cancel := bounded(ctx, changeTimeout)
	defer cancel()
	if err := e.api.ContainerStart(change, name, container.StartOptions{}); err != nil {
		return problem("start the sandbox", err)
	}
	if b.plug == plugVeth {
		c, err := e.api.ContainerInspect(change, name)
		if err != nil {
			return problem("look at the started sandbox", err)
		}
		if c.State.Pid == 0 {
			return ended(c)
		}
		if err := h.net.Plug(c.State.Pid, e.names.plug(b.spec.ID), b.address); err != nil {
			return err
		}
	}
	return e.awaitAgent(ctx, h, b.spec.ID, b.spec.Token)
}

// ended says how a container ended that should run.
func ended(c container.InspectResponse) error {
	text := fmt.Sprintf("its agent ended with exit code %d", c.State.ExitCode)
	if c.State.Error != "" {
		text += ": " + c.State.Error
	}
	if c.State.OOMKilled {
		text = "it had not enough memory"
	}
	return sandbox.Errorf(sandbox.KindInternal, "the sandbox did not start: %s", text)
}

// Start implements sandbox.Engine. A paused sandbox is resumed.
func (e *Engine) Start(ctx context.Context, spec sandbox.Spec) error {
	h, unlock, err := e.enter(ctx, spec.ID)
	if err != nil {
		return err
	}
	defer unlock()
	found, err := e.inspect(ctx, spec.ID)
	if err != nil {
		return err
	}
	leave, err := e.queue(ctx)
	if err != nil {
		return err
	}
	defer leave()
	return e.start(ctx, h, spec, found)
}

// start starts a container that is there, unless it runs.
func (e *Engine) start(ctx context.Context, h *host, spec sandbox.Spec, c container.InspectResponse) error {
	switch {
	case c.State.Paused:
		return e.unpause(ctx, spec.ID)
	case c.State.Running:
		token, err := h.boxes.token(spec.ID)
		if err != nil {
			return err
		}
		return e.awaitAgent(ctx, h, spec.ID, token)
	}
	image, err := e.image(ctx, c.Image)
	if err != nil {
		return err
	}
	rec, err := e.renew(h, spec, c.Config.Labels[labelPlug])
	if err != nil {
		return err
	}
	b := boot{spec: spec, image: image, plug: c.Config.Labels[labelPlug], address: rec.Address}
	if len(c.HostConfig.Mounts) != 4+len(spec.Volumes) {
		return sandbox.FieldErrorf("volumes", "the volumes of a sandbox cannot change after it was created")
	}
	if err := e.prepare(h, b); err != nil {
		return err
	}
	return e.launch(ctx, h, b)
}

// renew updates a sandbox's record for a start. One that was over its disk limit
// gets some room to clear up.
func (e *Engine) renew(h *host, spec sandbox.Spec, plug string) (record, error) {
	rec, err := e.records.load(spec.ID)
	if err != nil {
		return rec, err
	}
	if plug == plugVeth && (h.pool == nil || !h.pool.Subnet().Contains(rec.Address)) {
		if h.net == nil {
			return rec, sandbox.Errorf(sandbox.KindUnavailable, "the sandbox's network cannot be set up: %s", h.netProblem)
		}
		if rec.Address, err = h.pool.Take(); err != nil {
			return rec, err
		}
	}
	if rec.Resources == (sandbox.Resources{}) { // the record was lost
		rec.Resources = spec.Resources
	}
	rec.Network, rec.Reason = spec.Network, ""
	rec.Grace = overLimit(e.disks.used(spec.ID), rec.Resources.DiskGiB, false)
	return rec, e.records.save(spec.ID, rec)
}

// erase removes everything of a sandbox after a creation that failed. It goes on
// when ctx has ended; what it cannot remove is logged and left to Destroy.
func (e *Engine) erase(ctx context.Context, h *host, id string) {
	ctx, cancel := bounded(ctx, changeTimeout)
	defer cancel()
	if err := e.remove(ctx, h, id); err != nil {
		e.log.Warn("a sandbox that was not created left something", "sandbox", id, "error", err)
	}
}

// volumeDirs returns the folders of volumes.
func (e *Engine) volumeDirs(volumes []sandbox.VolumeMount) ([]string, error) {
	dirs := make([]string, 0, len(volumes))
	for i, v := range volumes {
		dir, err := volumeDir(e.cfg.Volumes, v)
		if err != nil {
			return nil, fmt.Errorf("volume %d: %w", i, err)
		}
		dirs = append(dirs, dir)
	}
	return slices.Clip(dirs), nil
}

// agentTimeout is how long an agent may take to answer after its container
// started.
const agentTimeout = 30 * time.Second

// awaitAgent waits until a sandbox's toolbox answers.
func (e *Engine) awaitAgent(ctx context.Context, h *host, id, token string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, agentTimeout, sandbox.Errorf(sandbox.KindInternal,
		"the sandbox started, but its agent does not answer; the host may be overloaded"))
	defer cancel()
	looked := time.Now()
	for delay := time.Millisecond; ; delay = min(delay*3/2, 25*time.Millisecond) {
		err := greet(ctx, h.boxes.path(id, "run"), token)
		if err == nil {
			return nil
		}
		if time.Since(looked) > 300*time.Millisecond {
			looked = time.Now()
			if c, err := e.inspect(ctx, id); err == nil && !c.State.Running {
				return ended(c)
			}
		}
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
