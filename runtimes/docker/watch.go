package docker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"sandpiper/sandbox"
)

// disks remembers what sandboxes used at the last reading.
type disks struct {
	mu   sync.Mutex
	read map[string]int64
}

func (d *disks) used(id string) int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.read[id]
}

func (d *disks) set(id string, n int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.read == nil {
		d.read = map[string]int64{}
	}
	d.read[id] = n
}

func (d *disks) forget(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.read, id)
}

// overLimit reports whether a sandbox uses more than its disk. With grace it may
// use a quarter more, to clear up.
func overLimit(used int64, limitGiB int, grace bool) bool {
	limit := int64(limitGiB) * gib
	if grace {
		limit += limit / 4
	}
	return limitGiB > 0 && used > limit
}

// How the watch goes on: a glance at the free disk costs nothing, a reading of
// every sandbox's disk does.
const (
	glance = time.Second
	burst  = 512 << 20 // so much less free since the last reading asks for another
)

// watch looks after the Docker engine until ctx ends: it finds one that was not
// there, and reads what sandboxes use of the disk.
func (e *Engine) watch(ctx context.Context) {
	ticks := time.NewTicker(glance)
	defer ticks.Stop()
	var last time.Time // of a reading
	var free int64     // then
	failed := false
	for {
		if h, err := e.ready(ctx); err != nil {
			if !failed && ctx.Err() == nil {
				e.log.Warn("the Docker engine cannot be used", "error", err)
			}
			failed = true
		} else {
			failed = false
			_, now, _ := diskSpace(h.info.DockerRootDir)
			if time.Since(last) >= e.cfg.Watch || free-now > burst {
				e.inspection(ctx, h)
				last = time.Now()
				_, free, _ = diskSpace(h.info.DockerRootDir)
			}
			free = max(free, now)
		}
		wait := ticks.C
		select {
		case <-wait:
		case <-ctx.Done():
			return
		}
	}
}

// inspection looks whether the daemon is still the same, and reads the disks.
func (e *Engine) inspection(ctx context.Context, h *host) {
	if p := daemonPeer(e.api.DaemonHost()); p.pid != 0 && p.namespace != h.peer.namespace {
		if err := e.forget(h); err != nil {
			e.log.Warn("leave the network of the Docker engine before", "error", err)
		}
		return
	}
	all, err := e.containers(ctx)
	if err != nil {
		e.log.Debug("disk use is not read", "error", err)
		return
	}
	for id, c := range all {
		if runs(c) && ctx.Err() == nil {
			if err := e.readDisk(ctx, h, id); err != nil {
				e.log.Debug("disk use is not read", "sandbox", id, "error", err)
			}
		}
	}
}

// readDisk reads what a sandbox uses of the disk, and stops it when that is too
// much and the storage driver does not see to it.
func (e *Engine) readDisk(ctx context.Context, h *host, id string) error {
	used, err := e.diskUsed(ctx, id)
	if err != nil {
		return err
	}
	e.disks.set(id, used)
	rec, err := e.records.load(id)
	if err != nil || h.quota {
		return err
	}
	if rec.Grace && !overLimit(used, rec.Resources.DiskGiB, false) {
		return e.endGrace(ctx, id)
	}
	if !overLimit(used, rec.Resources.DiskGiB, rec.Grace) {
		return nil
	}
	return e.stopFull(ctx, h, id, used)
}

func (e *Engine) endGrace(ctx context.Context, id string) error {
	unlock, err := e.locks.lock(ctx, id)
	if err != nil {
		return err
	}
	defer unlock()
	rec, err := e.records.load(id)
	if err != nil {
		return err
	}
	rec.Grace = false
	return e.records.save(id, rec)
}

// stopFull stops a sandbox that is over its disk limit, and says why.
func (e *Engine) stopFull(ctx context.Context, h *host, id string, used int64) error {
	unlock, err := e.locks.lock(ctx, id)
	if err != nil {
		return err
	}
	defer unlock()
	rec, err := e.records.load(id)
	if err != nil {
		return err
	}
	rec.Reason = fmt.Sprintf("it was stopped since it used %.1f GiB of its disk of %d GiB; start it and delete files at once, or give it a larger disk",
		float64(used)/gib, rec.Resources.DiskGiB)
	if err := errors.Join(e.records.save(id, rec), e.halt(ctx, h, id, 0)); err != nil {
		return err
	}
	e.log.Info("a sandbox over its disk limit was stopped", "sandbox", id, "used", used)
	return nil
}

// diskUsed returns what a container has written. Docker tells where that is; it
// is counted here where it can be seen, since Docker's own counting is slower.
func (e *Engine) diskUsed(ctx context.Context, id string) (int64, error) {
	c, err := e.inspect(ctx, id)
	if err != nil {
		return 0, err
	}
	if dir := c.GraphDriver.Data["UpperDir"]; dir != "" {
		if n, err := treeUse(ctx, dir); err == nil {
			return n, nil
		}
	}
	ctx, cancel := context.WithTimeout(ctx, changeTimeout)
	defer cancel()
	sized, _, err := e.api.ContainerInspectWithRaw(ctx, c.ID, true)
	if err != nil {
		return 0, problem("measure the sandbox's files", err)
	}
	if sized.SizeRw == nil {
		return 0, sandbox.Errorf(sandbox.KindInternal, "docker does not say how large the sandbox is")
	}
	return *sized.SizeRw, nil
}

// treeUse adds up what the files below dir take on the disk. Nothing that a
// sandbox does meanwhile leads it elsewhere.
func treeUse(ctx context.Context, dir string) (total int64, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return 0, err
	}
	defer root.Close()
	err = fs.WalkDir(root.FS(), ".", func(_ string, entry fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil { // it was removed, or cannot be read
			return nil
		}
		if info, err := entry.Info(); err == nil {
			total += diskUse(info)
		}
		return nil
	})
	return total, err
}
