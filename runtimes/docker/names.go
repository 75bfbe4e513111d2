package docker

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/uuid"

	"sandpiper/sandbox"
)

// Labels by which things in the Docker engine are known.
const (
	labelSandbox  = "sandpiper.sandbox"  // the sandbox's ID
	labelInstance = "sandpiper.instance" // the data folder's number
	labelHome     = "sandpiper.home"     // of a network: the host's name and the data folder
	labelKind     = "sandpiper.kind"     // of an image: kindSnapshot, kindFork, kindArchive, kindProbe
	labelRuntime  = "sandpiper.runtime"  // of a container
	labelPlug     = "sandpiper.plug"     // of a container: plugVeth or plugDocker
	labelSudo     = "sandpiper.sudo"     // of an image: "true" allows to gain privileges
)

// Kinds of images that the engine makes.
const (
	kindSnapshot = "snapshot"
	kindFork     = "fork"
	kindArchive  = "archive"
	kindProbe    = "probe"
)

// names derives the names of everything in the Docker engine from the number of
// the data folder.
type names struct{ instance string }

func (n names) container(id string) string { return "sandpiper-" + n.instance + "-" + id }
func (n names) network() string            { return "sandpiper-" + n.instance }
func (n names) bridge() string             { return "spbr-" + n.instance }
func (n names) table() string              { return "sandpiper_" + n.instance }
func (n names) image(kind, id string) string {
	return fmt.Sprintf("sandpiper/%s-%s:%s", kind, n.instance, id)
}

// plug is the name of a sandbox's end on the bridge. It has 15 characters at
// most, so it is a digest.
func (n names) plug(id string) string {
	sum := sha256.Sum256([]byte(n.instance + "/" + id))
	return "sp" + hex.EncodeToString(sum[:6])
}

// wire is what the wire to a sandbox is called in those that it is linked with.
func (n names) wire(id string) string { return "to" + strings.TrimPrefix(n.plug(id), "sp") }

// sandboxID returns the sandbox of a container with such labels and names.
func (n names) sandboxID(labels map[string]string, called ...string) (id string, ok bool) {
	id = labels[labelSandbox]
	if id == "" || labels[labelInstance] != n.instance {
		return "", false
	}
	for _, name := range called {
		if strings.TrimPrefix(name, "/") == n.container(id) {
			return id, true
		}
	}
	return "", false
}

// validateID refuses what cannot be part of names and paths.
func validateID(id string) error {
	if _, err := uuid.Parse(id); err != nil || len(id) != 36 || strings.ToLower(id) != id {
		return sandbox.Errorf(sandbox.KindNotFound, "there is no sandbox %.40q", id)
	}
	return nil
}

// loadInstance returns the number of a data folder; the first time it is made.
func loadInstance(dir string) (string, error) {
	file := filepath.Join(dir, "instance")
	text, err := os.ReadFile(file)
	if err == nil && len(text) == 8 {
		return string(text), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read the instance's number: %w", err)
	}
	number := uuid.NewString()[:8]
	if err := os.WriteFile(file, []byte(number), 0o600); err != nil {
		return "", fmt.Errorf("write the instance's number: %w", err)
	}
	return number, nil
}
