package docker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/network"
)

// staleProbe is an age that no probe reaches whose process still runs.
const staleProbe = time.Hour

// removeProbes removes what the probes of processes that were killed have left:
// those of this data folder, and old ones of others, whose server may never start
// again. The images go after the containers that hold them.
func (e *Engine) removeProbes(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, changeTimeout)
	defer cancel()
	probes := filters.NewArgs(filters.Arg("label", labelKind+"="+kindProbe))
	containers, err := e.api.ContainerList(ctx, container.ListOptions{All: true, Filters: probes})
	if err != nil {
		return fmt.Errorf("list probes: %w", err)
	}
	for _, c := range containers {
		maker := names{c.Labels[labelInstance]}
		if _, made := maker.sandboxID(c.Labels, c.Names...); !made || !e.leftBehind(maker, c.Created) {
			continue
		}
		err := e.api.ContainerRemove(ctx, c.ID, container.RemoveOptions{Force: true})
		if err != nil && !isNotFound(err) && maker == e.names {
			return fmt.Errorf("remove a probe: %w", err)
		}
	}
	images, err := e.api.ImageList(ctx, image.ListOptions{Filters: probes})
	if err != nil {
		return fmt.Errorf("list the images of probes: %w", err)
	}
	for _, i := range images {
		empty := i.Size == 0 // else somebody made it of one
		if empty && e.leftBehind(names{i.Labels[labelInstance]}, i.Created) {
			e.removeUnused(ctx, i.ID)
		}
	}
	return nil
}

// leftBehind reports whether what an instance made at a time, in seconds since
// 1970, is of a process that has ended.
func (e *Engine) leftBehind(maker names, created int64) bool {
	return maker == e.names || time.Since(time.Unix(created, 0)) > staleProbe
}

// home names the data folder among those of all hosts that use the Docker engine,
// or is "" when the host does not know its name.
func (e *Engine) home() string {
	host, err := os.Hostname()
	if err != nil {
		return ""
	}
	return host + ":" + e.cfg.DataDir
}

// removeDeadNetworks removes the networks of servers of this host that were killed
// and whose data folder has been deleted since. Nobody would ever use them again,
// and each holds a range of addresses.
func (e *Engine) removeDeadNetworks(ctx context.Context, h *host) error {
	mine, _, known := strings.Cut(e.home(), ":")
	if !known || h.peer.pid == 0 {
		return nil // the folders of the engine's host cannot be looked at
	}
	ctx, cancel := bounded(ctx, changeTimeout)
	defer cancel()
	list, err := e.api.NetworkList(ctx, network.ListOptions{Filters: filters.NewArgs(filters.Arg("label", labelHome))})
	if err != nil {
		return fmt.Errorf("list the networks of other servers: %w", err)
	}
	for _, n := range list {
		host, dir, _ := strings.Cut(n.Labels[labelHome], ":")
		maker := names{n.Labels[labelInstance]}
		if _, err := os.Stat(dir); host != mine || n.Name != maker.network() || !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		left, err := e.api.ContainerList(ctx, container.ListOptions{All: true, Filters: filters.NewArgs(filters.Arg("label", labelInstance+"="+maker.instance))})
		if err != nil || len(left) > 0 {
			continue // what people may still want stays
		}
		if err := e.api.NetworkRemove(ctx, n.ID); err != nil {
			e.log.Warn("the network of a server that is gone could not be removed", "network", n.Name, "error", err)
		}
	}
	return nil
}

// sweepImages removes images that belong to nothing: of forks that were cut off,
// and those that have lost their name. Layers of containers stay.
func (e *Engine) sweepImages(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, changeTimeout)
	defer cancel()
	made, err := e.api.ImageList(ctx, image.ListOptions{Filters: filters.NewArgs(filters.Arg("label", labelInstance+"="+e.names.instance))})
	if err != nil {
		return fmt.Errorf("list the images that were made here: %w", err)
	}
	for _, i := range made {
		if i.Labels[labelKind] != kindFork && !unnamed(i) {
			continue
		}
		// What people build on an image of ours has its labels, not its comment.
		if found, err := e.api.ImageInspect(ctx, i.ID); err == nil && found.Comment == commitComment {
			e.removeUnused(ctx, i.ID)
		}
	}
	return nil
}

// unnamed reports whether an image has no name but its ID.
func unnamed(i image.Summary) bool {
	return len(i.RepoTags) == 0 || len(i.RepoTags) == 1 && i.RepoTags[0] == "<none>:<none>"
}

// removeUnused removes an image by its ID. Docker refuses that for one which a
// container, another image or a second name stands on: such a one stays.
func (e *Engine) removeUnused(ctx context.Context, id string) {
	_, err := e.api.ImageRemove(ctx, id, image.RemoveOptions{PruneChildren: true})
	if err != nil && !isNotFound(err) {
		e.log.Debug("an image is still used", "image", id, "error", err)
	}
}
