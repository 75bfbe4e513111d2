package docker

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/image"

	"sandpiper/sandbox"
)

// imageInfo is what the engine needs to know of an image.
type imageInfo struct {
	id         string
	user       string
	workDir    string
	entrypoint []string
	cmd        []string
	labels     map[string]string
	sudo       bool
	bytes      int64
	tagged     bool // it has a name
}

// image looks an image up. ref is a name or an ID.
func (e *Engine) image(ctx context.Context, ref string) (imageInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	found, err := e.api.ImageInspect(ctx, ref)
	if isNotFound(err) {
		return imageInfo{}, sandbox.Errorf(sandbox.KindNotFound, "the image %s is not on the container engine", ref)
	}
	if err != nil {
		return imageInfo{}, problem("look at the image "+ref, err)
	}
	return newImageInfo(found), nil
}

func newImageInfo(found image.InspectResponse) imageInfo {
	i := imageInfo{id: found.ID, bytes: found.Size, tagged: len(found.RepoTags) > 0}
	if c := found.Config; c != nil {
		i.user, i.workDir, i.entrypoint, i.cmd, i.labels = c.User, c.WorkingDir, c.Entrypoint, c.Cmd, c.Labels
		i.sudo = c.Labels[labelSudo] == "true"
	}
	return i
}

// HasRef implements sandbox.Engine. A sandbox runs the image's own main process
// only when its Spec says so.
func (e *Engine) HasRef(ctx context.Context, ref string) (sandbox.RefInfo, error) {
	i, err := e.image(ctx, ref)
	if err != nil {
		return sandbox.RefInfo{}, err
	}
	return i.ref(), nil
}

func (i imageInfo) ref() sandbox.RefInfo {
	return sandbox.RefInfo{SizeBytes: i.bytes, Entrypoint: slices.Clone(i.entrypoint), Cmd: slices.Clone(i.cmd), User: i.user, WorkDir: i.workDir}
}

// removeImage removes an image by name; one that is not there is fine. Where a
// container still uses it, only the name goes, and the layers go with the last
// container. By its ID an image is removed when nothing uses it.
func (e *Engine) removeImage(ctx context.Context, ref string) error {
	ctx, cancel := bounded(ctx, changeTimeout)
	defer cancel()
	byName := !strings.HasPrefix(ref, "sha256:")
	_, err := e.api.ImageRemove(ctx, ref, image.RemoveOptions{PruneChildren: true, Force: byName})
	if err != nil && !isNotFound(err) {
		return problem(fmt.Sprintf("remove the image %s", ref), err)
	}
	return nil
}
