package docker

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/docker/docker/api/types/image"
	"github.com/google/uuid"

	"sandpiper/sandbox"
)

// candidates are the runtimes that are tried, best first.
var candidates = []string{"crun", "runc", "runsc"}

// probeTimeout bounds the start of a probe; it is one empty container.
const probeTimeout = 30 * time.Second

// probe finds out which runtimes start a sandbox here and whether the storage
// driver holds disk limits, by trying.
func (e *Engine) probe(ctx context.Context, h *host) error {
	empty, err := e.emptyImage(ctx)
	if err != nil {
		return err
	}
	defer e.forgetImage(ctx, empty)
	var problems []any
	for _, name := range e.offered(h) {
		err := e.probeRuntime(ctx, h, empty, name)
		if err != nil && h.boxes.tmpfs && len(h.runtimes) == 0 {
			// The daemon may not see what this process mounts.
			h.boxes.tmpfs = false
			if again := e.probeRuntime(ctx, h, empty, name); again == nil {
				err = nil
			} else {
				h.boxes.tmpfs = true
			}
		}
		if err != nil {
			e.log.Info("a container runtime does not work", "runtime", name, "error", err)
			problems = append(problems, name, err)
			continue
		}
		h.runtimes = append(h.runtimes, name)
	}
	if len(h.runtimes) == 0 {
		return sandbox.Errorf(sandbox.KindUnavailable, "docker answers but starts no sandbox here: %v", problems)
	}
	h.quota = e.probeQuota(ctx, h, empty)
	return nil
}

// offered returns the candidates that the daemon knows.
func (e *Engine) offered(h *host) []string {
	known := []string{h.info.DefaultRuntime}
	for name := range h.info.Runtimes {
		known = append(known, name)
	}
	found := slices.DeleteFunc(slices.Clone(candidates), func(c string) bool { return !slices.Contains(known, c) })
	if len(found) == 0 {
		found = []string{h.info.DefaultRuntime}
	}
	return found
}

// emptyImage makes an image without files: the agent is all that runs in it.
func (e *Engine) emptyImage(ctx context.Context) (imageInfo, error) {
	ref := e.names.image(kindProbe, "1")
	if found, err := e.image(ctx, ref); err == nil {
		return found, nil
	}
	ctx, cancel := bounded(ctx, changeTimeout)
	defer cancel()
	end := bytes.NewReader(make([]byte, 1024)) // of a tar archive
	progress, err := e.api.ImageImport(ctx, image.ImportSource{Source: end, SourceName: "-"}, ref, image.ImportOptions{
		Changes: []string{fmt.Sprintf("LABEL %s=%s %s=%s", labelInstance, e.names.instance, labelKind, kindProbe)},
	})
	if err != nil {
		return imageInfo{}, fmt.Errorf("import an empty image: %w", err)
	}
	if err := discard(progress); err != nil {
		return imageInfo{}, fmt.Errorf("import an empty image: %w", err)
	}
	return e.image(ctx, ref)
}

// forgetImage removes the image of probes.
func (e *Engine) forgetImage(ctx context.Context, i imageInfo) {
	if err := e.removeImage(ctx, e.names.image(kindProbe, "1")); err != nil {
		e.log.Debug("the image of probes is left", "image", i.id, "error", err)
	}
}

// probePlan is a sandbox that only tries whether one starts.
func (e *Engine) probePlan(h *host, empty imageInfo, runtime string) plan {
	spec := sandbox.Spec{ID: uuid.NewString(), Name: "probe", Token: sandbox.NewID(), Resources: sandbox.Resources{CPU: 1, MemoryGiB: 1, DiskGiB: 1}}
	return plan{spec: spec, image: empty, runtime: runtime, plug: plugNone, seccomp: h.seccomp, files: h.files, agent: e.agent, boxes: h.boxes, names: e.names, kind: kindProbe}
}

func (e *Engine) probeRuntime(ctx context.Context, h *host, empty imageInfo, runtime string) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	p := e.probePlan(h, empty, runtime)
	defer e.erase(ctx, h, p.spec.ID)
	b := boot{spec: p.spec, image: empty, plug: plugNone}
	if err := e.prepare(h, b); err != nil {
		return err
	}
	if err := e.make(ctx, p); err != nil {
		return err
	}
	return e.launch(ctx, h, b)
}

// probeQuota makes a container with a disk limit and does not start it: drivers
// that cannot hold one refuse it.
func (e *Engine) probeQuota(ctx context.Context, h *host, empty imageInfo) bool {
	p := e.probePlan(h, empty, h.runtimes[0])
	p.quota = true
	defer e.erase(ctx, h, p.spec.ID)
	err := e.prepare(h, boot{spec: p.spec, image: empty, plug: plugNone})
	if err == nil {
		err = e.make(ctx, p)
	}
	if err != nil {
		e.log.Debug("the storage driver holds no disk limits", "driver", h.info.Driver, "error", err)
		return false
	}
	return true
}
