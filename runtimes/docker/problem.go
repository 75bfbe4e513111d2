package docker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/client"

	"sandpiper/sandbox"
)

// retryAfter is when a caller may try again what the engine had no room for.
const retryAfter = 15 * time.Second

// problem turns an error of the Docker client into one that names the cause and
// what can be done. doing says what was being done. Errors of the domain stay.
func problem(doing string, err error) error {
	var known *sandbox.Error
	if err == nil || errors.As(err, &known) || errors.Is(err, context.Canceled) {
		return err
	}
	kind, message := explain(err)
	e := &sandbox.Error{Kind: kind, Message: message, Err: fmt.Errorf("%s: %w", doing, err)}
	if message == "" {
		e.Message = doing + ": the container engine refused it"
	}
	if kind == sandbox.KindBusy || kind == sandbox.KindUnavailable {
		e.RetryAfter = retryAfter
	}
	return e
}

// explain finds out what an error of Docker means for people.
func explain(err error) (sandbox.Kind, string) {
	text := err.Error()
	switch {
	case strings.Contains(text, "permission denied") && strings.Contains(text, "connect"):
		return sandbox.KindUnavailable, "the server may not use Docker: let its user reach the Docker socket (usermod -aG docker) and restart it"
	case client.IsErrConnectionFailed(err):
		return sandbox.KindUnavailable, "docker daemon is not running: start it (systemctl start docker), or set DOCKER_HOST to where it is"
	case errors.Is(err, context.DeadlineExceeded):
		return sandbox.KindUnavailable, "docker daemon does not answer in time: it is overloaded or hangs; see its log (journalctl -u docker)"
	case strings.Contains(text, "no space left on device"):
		return sandbox.KindBusy, "the host's disk is full: remove sandboxes, snapshots or images (docker system df shows what takes room)"
	case strings.Contains(text, "cannot allocate memory"):
		return sandbox.KindBusy, "the host has no memory left: stop sandboxes that are not needed"
	case strings.Contains(text, "No such image"):
		return sandbox.KindNotFound, "the image is not on the container engine any more: create the snapshot again"
	case cerrdefs.IsNotFound(err):
		return sandbox.KindNotFound, "it is not on the container engine"
	case strings.Contains(text, "Minimum memory limit"), cerrdefs.IsInvalidArgument(err):
		return sandbox.KindUnprocessed, "docker refuses the sandbox's settings: " + lastPart(text)
	}
	return sandbox.KindInternal, ""
}

// lastPart cuts the prefixes that the client puts before the daemon's words.
func lastPart(text string) string {
	_, text, _ = strings.Cut(": "+text, "Error response from daemon: ")
	return strings.TrimSpace(text)
}

func isNotFound(err error) bool { return cerrdefs.IsNotFound(err) }

func notFound(id string) error {
	return sandbox.Errorf(sandbox.KindNotFound, "there is no sandbox %s on the container engine", id)
}
