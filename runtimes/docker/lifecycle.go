package docker

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"

	"sandpiper/sandbox"
)

// Stop implements sandbox.Engine.
func (e *Engine) Stop(ctx context.Context, id string, grace time.Duration) error {
	h, unlock, err := e.enter(ctx, id)
	if err != nil {
		return err
	}
	defer unlock()
	return e.halt(ctx, h, id, grace)
}

// halt ends a sandbox's processes and takes its network and box away.
func (e *Engine) halt(ctx context.Context, h *host, id string, grace time.Duration) error {
	c, err := e.inspect(ctx, id)
	if err != nil {
		return err
	}
	if c.State.Running {
		if grace > 0 && !c.State.Paused {
			err = e.ask(ctx, id, grace)
		}
		if err == nil {
			err = e.thaw(ctx, id, c)
		}
		if err == nil {
			err = e.kill(ctx, id)
		}
		if err != nil {
			return err
		}
	}
	rec, err := e.records.load(id)
	return errors.Join(err, e.unplug(h, id, rec.Address), h.boxes.remove(id))
}

// ask asks a sandbox's agent to end everything, and waits for it as long as
// grace. StopOptions are not used: old engines drop them silently.
func (e *Engine) ask(ctx context.Context, id string, grace time.Duration) error {
	name := e.names.container(id)
	ctx, cancel := bounded(ctx, lookTimeout+grace)
	defer cancel()
	ends, errs := e.api.ContainerWait(ctx, name, container.WaitConditionNotRunning)
	if err := e.api.ContainerKill(ctx, name, "TERM"); err != nil {
		return ignoreStopped(problem("ask the sandbox to stop", err), err)
	}
	select {
	case <-ends:
	case <-time.After(grace):
	case err := <-errs:
		return ignoreStopped(problem("wait for the sandbox to stop", err), err)
	}
	return nil
}

// thaw resumes a paused container of gVisor, which could not be killed: its
// kernel waits to be resumed. Others are killed as they are.
func (e *Engine) thaw(ctx context.Context, id string, c container.InspectResponse) error {
	if !c.State.Paused || !isGVisor(c.Config.Labels[labelRuntime]) {
		return nil
	}
	return e.unpause(ctx, id)
}

// kill ends a container at once, and waits until it has ended.
func (e *Engine) kill(ctx context.Context, id string) error {
	name := e.names.container(id)
	ctx, cancel := bounded(ctx, changeTimeout)
	defer cancel()
	if err := e.api.ContainerKill(ctx, name, "KILL"); err != nil && ignoreStopped(err, err) != nil {
		return problem("stop the sandbox", err)
	}
	ends, errs := e.api.ContainerWait(ctx, name, container.WaitConditionNotRunning)
	select {
	case <-ends:
		return nil
	case err := <-errs:
		return ignoreStopped(problem("wait for the sandbox to stop", err), err)
	}
}

// Destroy implements sandbox.Engine.
func (e *Engine) Destroy(ctx context.Context, id string) error {
	if validateID(id) != nil {
		return nil
	}
	h, unlock, err := e.enter(ctx, id)
	if err != nil {
		return err
	}
	defer unlock()
	return e.remove(ctx, h, id)
}

// remove removes everything of a sandbox; nothing need be there.
func (e *Engine) remove(ctx context.Context, h *host, id string) error {
	change, cancel := bounded(ctx, changeTimeout)
	defer cancel()
	c, err := e.inspect(change, id)
	if err == nil {
		err = e.thaw(ctx, id, c)
	}
	if err == nil {
		err = e.api.ContainerRemove(change, e.names.container(id), container.RemoveOptions{Force: true, RemoveVolumes: true})
	}
	if err != nil && !isNotFound(err) && sandbox.KindOf(err) != sandbox.KindNotFound {
		return problem("remove the sandbox", err)
	}
	if c.ContainerJSONBase != nil {
		e.removeOwnImage(change, c.Image)
	}
	rec, err := e.records.load(id)
	errs := []error{err, e.unplug(h, id, rec.Address), h.boxes.remove(id)}
	if errors.Join(errs...) != nil { // the record is needed to try again
		return errors.Join(errs...)
	}
	h.release(rec.Address)
	e.disks.forget(id)
	return e.records.remove(id)
}

// unplug takes a sandbox's network away.
func (e *Engine) unplug(h *host, id string, addr netip.Addr) error {
	if h.net == nil {
		return nil
	}
	err := h.net.Unplug(e.names.plug(id))
	if addr.IsValid() {
		err = errors.Join(err, h.net.Expel(addr))
	}
	return err
}

// inspect looks at a sandbox's container. A container of that name that is not
// ours is not found.
func (e *Engine) inspect(ctx context.Context, id string) (container.InspectResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	c, err := e.api.ContainerInspect(ctx, e.names.container(id))
	if isNotFound(err) {
		return c, notFound(id)
	}
	if err != nil {
		return c, problem("look at sandbox "+id, err)
	}
	if got, ok := e.names.sandboxID(c.Config.Labels, c.Name); !ok || got != id {
		return container.InspectResponse{}, notFound(id)
	}
	return c, nil
}

// Status implements sandbox.Engine.
func (e *Engine) Status(ctx context.Context, id string) (sandbox.Found, error) {
	if err := validateID(id); err != nil {
		return sandbox.Found{}, err
	}
	h, err := e.ready(ctx)
	if err != nil {
		return sandbox.Found{}, err
	}
	c, err := e.inspect(ctx, id)
	if err != nil {
		return sandbox.Found{}, err
	}
	created, err := time.Parse(time.RFC3339Nano, c.Created)
	if err != nil {
		return sandbox.Found{}, fmt.Errorf("the container's time of creation: %w", err)
	}
	found, err := e.found(h, id, string(c.State.Status), c.Config.Labels, created)
	if found.State == sandbox.StateStopped && found.Reason == "" {
		found.Reason = stopReason(c.State, c.Config.Labels[labelRuntime])
	}
	return found, err
}

// gvisorPanics is the exit code of gVisor when it lacks what it needs to go on.
const gvisorPanics = 2

// stopReason says why a container ended that nobody stopped, as far as is known.
func stopReason(s *container.State, runtime string) string {
	switch {
	case s.OOMKilled:
		return "it ran out of memory"
	case s.Error != "":
		return "it could not be started: " + s.Error
	case isGVisor(runtime) && s.ExitCode == gvisorPanics:
		return "gVisor ended, as it does when a sandbox has more processes or memory than it may have"
	}
	return ""
}

// found says what a container's state means.
func (e *Engine) found(h *host, id, state string, labels map[string]string, created time.Time) (sandbox.Found, error) {
	rec, err := e.records.load(id)
	if err != nil {
		return sandbox.Found{}, err
	}
	f := sandbox.Found{
		ID: id, State: sandbox.StateStopped, Reason: rec.Reason, Isolation: isolation(labels[labelRuntime]),
		CreatedAt: created, DiskBytes: e.disks.used(id),
	}
	if h.net != nil {
		f.Network = &rec.Network
	}
	switch container.ContainerState(state) {
	case container.StateRunning:
		f.State = sandbox.StateStarted
	case container.StatePaused:
		f.State = sandbox.StatePaused
	case container.StateDead:
		f.State, f.Reason = sandbox.StateError, "docker could not remove its container: delete it again"
	default:
		if rec.Reason != "" {
			f.State = sandbox.StateError
		}
	}
	return f, nil
}

// List implements sandbox.Engine.
func (e *Engine) List(ctx context.Context) ([]sandbox.Found, error) {
	h, err := e.ready(ctx)
	if err != nil {
		return nil, err
	}
	all, err := e.containers(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]sandbox.Found, 0, len(all))
	for id, c := range all {
		found, err := e.found(h, id, string(c.State), c.Labels, time.Unix(c.Created, 0))
		if err != nil {
			return nil, err
		}
		list = append(list, found)
	}
	return list, nil
}

// containers returns all of this instance's, but for probes, by sandbox.
func (e *Engine) containers(ctx context.Context) (map[string]container.Summary, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	all, err := e.api.ContainerList(ctx, container.ListOptions{
		All: true, Filters: filters.NewArgs(filters.Arg("label", labelInstance+"="+e.names.instance)),
	})
	if err != nil {
		return nil, problem("list the sandboxes", err)
	}
	ours := make(map[string]container.Summary, len(all))
	for _, c := range all {
		id, ok := e.names.sandboxID(c.Labels, c.Names...)
		if ok && c.Labels[labelKind] != kindProbe && c.State != container.StateRemoving {
			ours[id] = c
		}
	}
	return ours, nil
}
