package manager

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"sandpiper/sandbox"
)

// upstreamImage is the image that clients of other servers name for the default.
const upstreamImage = "daytonaio/sandbox"

// defaultResources are those of an image for which nobody named any.
var defaultResources = sandbox.Resources{CPU: 1, MemoryGiB: 1, DiskGiB: 3}

// resolve returns the snapshot that a request names, or one made up for the
// image that it names.
func (m *Manager) resolve(ctx context.Context, r CreateRequest) (sandbox.Snapshot, error) {
	m.placer.ReadFirst(ctx) // which snapshot is the default hangs on it
	image := r.Image
	if image == "" && r.Dockerfile != "" {
		var err error
		if image, err = fromDockerfile(r.Dockerfile); err != nil {
			return sandbox.Snapshot{}, err
		}
	}
	if image != "" {
		return m.resolveImage(ctx, image)
	}
	name := r.Snapshot
	if name == "" {
		name = m.DefaultSnapshot()
	}
	s, err := m.store.FindSnapshot(ctx, r.Organization, name)
	if err != nil {
		if sandbox.KindOf(err) == sandbox.KindNotFound {
			err = &sandbox.Error{Kind: sandbox.KindNotFound, Field: "snapshot", Message: "there is no snapshot " + quote(name)}
		}
		return s, err
	}
	if err := m.usable(s); err != nil {
		return s, err
	}
	m.used(ctx, s)
	return s, nil
}

// usable returns why sandboxes cannot start from a snapshot, or nil.
func (m *Manager) usable(s sandbox.Snapshot) error {
	if _, err := m.placer.Print(s.Engine); err != nil {
		return &sandbox.Error{Kind: sandbox.KindUnavailable, Field: "snapshot", RetryAfter: retryOf(err),
			Message: "the snapshot " + s.Name + " cannot be used: " + reasonOf(opCreate, err)}
	}
	switch s.State {
	case sandbox.SnapshotActive:
		return nil
	case sandbox.SnapshotInactive:
		return sandbox.Errorf(sandbox.KindConflict, "the snapshot %s is inactive; activate it first", s.Name)
	case sandbox.SnapshotError, sandbox.SnapshotFailed:
		return sandbox.Errorf(sandbox.KindConflict, "the snapshot %s cannot be used: %s", s.Name, s.ErrorReason)
	default:
		return sandbox.Errorf(sandbox.KindConflict, "the snapshot %s is %s; try again when it is active", s.Name, s.State)
	}
}

// resolveImage finds an image on the container engine.
func (m *Manager) resolveImage(ctx context.Context, image string) (sandbox.Snapshot, error) {
	made := sandbox.Snapshot{Name: image, Image: image, Ref: image, Engine: sandbox.EngineContainer, Resources: defaultResources, State: sandbox.SnapshotActive}
	if err := validateImage(image); err != nil {
		return made, err
	}
	info, err := m.hasImage(ctx, image)
	made.User, made.Entrypoint = info.User, mainProcess(info)
	if err != nil && isUpstream(image) {
		if _, own := m.hasImage(ctx, m.cfg.Image); own == nil {
			made.Ref, made.User, made.Entrypoint = m.cfg.Image, builtinUser, nil
			return made, nil
		}
	}
	return made, err
}

// mainProcess returns what an image starts when nobody says otherwise; nil where
// that would only keep a container from ending, which the toolbox does here.
func mainProcess(image sandbox.RefInfo) []string {
	args := slices.Concat(image.Entrypoint, image.Cmd)
	if slices.Equal(args, []string{"sleep", "infinity"}) {
		return nil
	}
	return args
}

// withCommand returns the main process of a sandbox whose request says with what
// arguments its image's entrypoint is to be called.
func (m *Manager) withCommand(ctx context.Context, s sandbox.Snapshot, command []string) ([]string, error) {
	info, err := m.hasRef(ctx, s.Engine, s.Ref)
	return slices.Concat(info.Entrypoint, command), err
}

func isUpstream(image string) bool {
	name := strings.TrimPrefix(image, "docker.io/")
	return name == upstreamImage || strings.HasPrefix(name, upstreamImage+":")
}

// hasImage asks the container engine for an image.
func (m *Manager) hasImage(ctx context.Context, image string) (sandbox.RefInfo, error) {
	if _, err := m.placer.Print(sandbox.EngineContainer); err != nil {
		return sandbox.RefInfo{}, err
	}
	info, err := m.hasRef(ctx, sandbox.EngineContainer, image)
	if err != nil && sandbox.KindOf(err) == sandbox.KindNotFound {
		return info, sandbox.FieldErrorf("image", "the image %s is not on this server; make it there with docker pull or docker build, and try again", quote(image))
	}
	return info, err
}

// hasRef asks the engines of a name, the preferred one first.
func (m *Manager) hasRef(ctx context.Context, e sandbox.EngineName, ref string) (sandbox.RefInfo, error) {
	err := error(sandbox.Errorf(sandbox.KindUnavailable, "this server has no %s engine", e))
	for _, engine := range m.cfg.Engines {
		if engine.Name() != e {
			continue
		}
		var info sandbox.RefInfo
		if info, err = engine.HasRef(ctx, ref); err == nil {
			return info, nil
		}
	}
	return sandbox.RefInfo{}, err
}

// validateImage refuses what cannot be the name of an image.
func validateImage(image string) error {
	if len(image) > 512 || strings.HasPrefix(image, "-") || strings.ContainsFunc(image, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return sandbox.FieldErrorf("image", "%s cannot be the name of an image", quote(image))
	}
	return nil
}

// fromDockerfile returns the image that a Dockerfile names which does nothing
// else: that is how some clients ask for an image.
func fromDockerfile(text string) (string, error) {
	image := ""
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || strings.HasPrefix(words[0], "#"):
		case image == "" && len(words) == 2 && strings.EqualFold(words[0], "FROM") && !strings.Contains(words[1], "$"):
			image = words[1]
		default:
			return "", sandbox.FieldErrorf("buildInfo.dockerfileContent",
				"this server does not build images yet: the Dockerfile may only say FROM an image; build it with docker build and name it as the image")
		}
	}
	if image == "" {
		return "", sandbox.FieldErrorf("buildInfo.dockerfileContent", "the Dockerfile says FROM no image")
	}
	return image, nil
}

// quote makes what somebody sent fit for a message.
func quote(s string) string {
	if len(s) > 80 {
		s = strings.ToValidUTF8(s[:80], "") + "…"
	}
	return `"` + s + `"`
}

// retryOf returns when an error says to come back.
func retryOf(err error) time.Duration {
	var e *sandbox.Error
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}
