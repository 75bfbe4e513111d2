package docker

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/docker/docker/api/types/container"

	"sandpiper/sandbox"
)

// maxLayers is how many layers an image may have here; Docker stops at 125.
const maxLayers = 115

// commitComment is in the history of every image that commit made.
const commitComment = "files of a Sandpiper sandbox"

// commit makes an image of a sandbox's files. What the image says of itself, its
// entrypoint and user, is what the image that the sandbox started from says: the
// agent leaves no trace.
func (e *Engine) commit(ctx context.Context, id, kind, ref string) (imageInfo, error) {
	c, err := e.inspect(ctx, id)
	if err != nil {
		return imageInfo{}, err
	}
	from, err := e.image(ctx, c.Image)
	if err != nil {
		return imageInfo{}, err
	}
	if err := e.checkLayers(ctx, c.Image); err != nil {
		return imageInfo{}, err
	}
	change, cancel := bounded(ctx, copyTimeout)
	defer cancel()
	_, err = e.api.ContainerCommit(change, c.ID, container.CommitOptions{
		Reference: ref, Pause: true, Comment: commitComment, Changes: commitChanges(from, e.names.instance, kind), Config: &container.Config{},
	})
	if err != nil {
		return imageInfo{}, problem("copy the sandbox's files", err)
	}
	return e.image(ctx, ref)
}

func (e *Engine) checkLayers(ctx context.Context, image string) error {
	look, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	found, err := e.api.ImageInspect(look, image)
	if err != nil {
		return problem("look at the sandbox's image", err)
	}
	if len(found.RootFS.Layers) >= maxLayers {
		return sandbox.Errorf(sandbox.KindUnprocessed,
			"the sandbox comes from a long line of copies (%d layers), and Docker allows no more: copy its files to a new sandbox", len(found.RootFS.Layers))
	}
	return nil
}

// commitChanges undoes what the engine set in a container that it made of an
// image, and labels what comes of it.
func commitChanges(from imageInfo, instance, kind string) []string {
	user := from.user
	if user == "" {
		user = "root"
	}
	return []string{
		"ENTRYPOINT " + jsonList(from.entrypoint),
		"CMD " + jsonList(from.cmd),
		"USER " + user,
		fmt.Sprintf(`LABEL %s=%s %s=%s %s="" %s="" %s=""`, labelInstance, instance, labelKind, kind, labelSandbox, labelRuntime, labelPlug),
	}
}

func jsonList(list []string) string {
	if list == nil {
		list = []string{}
	}
	text, _ := json.Marshal(list) // strings always marshal
	return string(text)
}

// Snapshot implements sandbox.Snapshotter. The name does not matter to Docker.
func (e *Engine) Snapshot(ctx context.Context, id, _ string) (string, sandbox.RefInfo, error) {
	_, unlock, err := e.enter(ctx, id)
	if err != nil {
		return "", sandbox.RefInfo{}, err
	}
	defer unlock()
	ref := e.names.image(kindSnapshot, sandbox.NewID())
	made, err := e.commit(ctx, id, kindSnapshot, ref)
	if err != nil {
		return "", sandbox.RefInfo{}, err
	}
	return ref, made.ref(), nil
}

// DeleteRef implements sandbox.Snapshotter. Images that the engine did not make
// are left where they are.
func (e *Engine) DeleteRef(ctx context.Context, ref string) error {
	return e.removeMade(ctx, kindSnapshot, ref)
}

// removeMade removes an image that the engine made, known by its name.
func (e *Engine) removeMade(ctx context.Context, kind, ref string) error {
	if !strings.HasPrefix(ref, strings.TrimSuffix(e.names.image(kind, ""), ":")+":") {
		return nil
	}
	return e.removeImage(ctx, ref)
}

// Archive implements sandbox.Archiver: the files that differ from the image that
// the sandbox started from become an image of their own, and the container goes.
func (e *Engine) Archive(ctx context.Context, id string) (string, error) {
	h, unlock, err := e.enter(ctx, id)
	if err != nil {
		return "", err
	}
	defer unlock()
	ref := e.names.image(kindArchive, id)
	c, err := e.inspect(ctx, id)
	if sandbox.KindOf(err) == sandbox.KindNotFound {
		if _, done := e.image(ctx, ref); done == nil { // an earlier call was cut off
			return ref, nil
		}
	}
	switch {
	case err != nil:
		return "", err
	case c.State.Running:
		return "", sandbox.Errorf(sandbox.KindConflict, "sandbox %s is started; stop it before it is archived", id)
	}
	if _, err := e.commit(ctx, id, kindArchive, ref); err != nil {
		return "", err
	}
	return ref, e.remove(ctx, h, id)
}

// Restore implements sandbox.Archiver.
func (e *Engine) Restore(ctx context.Context, spec sandbox.Spec, archive string) error {
	spec.Ref = archive
	return e.create(ctx, spec, false)
}

// DeleteArchive implements sandbox.Archiver.
func (e *Engine) DeleteArchive(ctx context.Context, archive string) error {
	return e.removeMade(ctx, kindArchive, archive)
}

// Fork implements sandbox.Forker: the fork has the source's files, not its
// memory.
func (e *Engine) Fork(ctx context.Context, source string, fork sandbox.Spec) error {
	if err := validateID(fork.ID); err != nil {
		return err
	}
	ref := e.names.image(kindFork, fork.ID)
	if _, err := e.inspect(ctx, fork.ID); err == nil { // an earlier call was cut off
		return e.Create(ctx, fork)
	}
	if err := e.commitFork(ctx, source, ref); err != nil {
		return err
	}
	fork.Ref = ref
	err := e.Create(ctx, fork)
	// The fork holds the layers; the name is not needed any more, nor anything
	// when there is no fork.
	if remove := e.removeImage(ctx, ref); err == nil {
		err = remove
	}
	return err
}

func (e *Engine) commitFork(ctx context.Context, source, ref string) error {
	_, unlock, err := e.enter(ctx, source)
	if err != nil {
		return err
	}
	defer unlock()
	_, err = e.commit(ctx, source, kindFork, ref)
	return err
}

// removeOwnImage removes the image of a container that is gone, where it was
// made for that container only. Others that still use it keep it.
func (e *Engine) removeOwnImage(ctx context.Context, id string) {
	i, err := e.image(ctx, id)
	if err != nil || i.labels[labelInstance] != e.names.instance || i.tagged || i.labels[labelKind] == "" || i.labels[labelKind] == kindProbe {
		return
	}
	if err := e.removeImage(ctx, i.id); err != nil {
		e.log.Debug("an image is still used", "image", i.id, "error", err)
	}
}
