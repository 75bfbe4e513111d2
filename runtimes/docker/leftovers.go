package docker

import (
	"context"
	"fmt"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
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
