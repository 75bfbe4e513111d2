package docker

import (
	"context"
	"errors"
	"fmt"

	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
)

// Purge destroys every sandbox of this data folder and removes its network, its
// rules and its images from the Docker engine: for an operator who gives the
// data folder up. The Engine works on and makes what it needs again.
func (e *Engine) Purge(ctx context.Context) error {
	h, err := e.ready(ctx)
	if err != nil {
		return err
	}
	all, err := e.containers(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for id := range all {
		errs = append(errs, e.Destroy(ctx, id))
	}
	errs = append(errs, e.removeProbes(ctx), e.removeImages(ctx), e.removeNetwork(ctx, h), e.forget(h))
	return errors.Join(errs...)
}

// removeImages removes all images that were made here.
func (e *Engine) removeImages(ctx context.Context) error {
	made, err := e.api.ImageList(ctx, image.ListOptions{Filters: filters.NewArgs(filters.Arg("label", labelInstance+"="+e.names.instance))})
	if err != nil {
		return fmt.Errorf("list the images that were made here: %w", err)
	}
	var errs []error
	for _, i := range made {
		if _, err := e.api.ImageRemove(ctx, i.ID, image.RemoveOptions{Force: true, PruneChildren: true}); err != nil && !isNotFound(err) {
			errs = append(errs, fmt.Errorf("remove image %s: %w", i.ID, err))
		}
	}
	return errors.Join(errs...)
}

func (e *Engine) removeNetwork(ctx context.Context, h *host) error {
	var errs []error
	if h.net != nil {
		errs = append(errs, h.net.Remove())
	}
	if err := e.api.NetworkRemove(ctx, e.names.network()); err != nil && !isNotFound(err) {
		errs = append(errs, fmt.Errorf("remove the network: %w", err))
	}
	return errors.Join(errs...)
}
