package docker

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sandpiper/sandbox"
)

// volumeDir returns the folder of a volume's part, which is made when it is not
// there. What sandboxes wrote into the volume does not lead out of it: a path
// with a link in it is refused.
func volumeDir(volumes string, v sandbox.VolumeMount) (string, error) {
	if volumes == "" {
		return "", sandbox.FieldErrorf("volumes", "this server has no volumes")
	}
	if v.Volume == "" || strings.ContainsAny(v.Volume, "/\\\x00") || v.Volume[0] == '.' {
		return "", sandbox.FieldErrorf("volumes", "%.40q is not the ID of a volume", v.Volume)
	}
	dir := filepath.Join(volumes, v.Volume)
	if info, err := os.Lstat(dir); err != nil || !info.IsDir() {
		return "", sandbox.Errorf(sandbox.KindNotFound, "there is no volume %s", v.Volume)
	}
	if v.Subpath == "" {
		return dir, nil
	}
	if !filepath.IsLocal(v.Subpath) {
		return "", sandbox.FieldErrorf("volumes", "the subpath %.80q does not stay in the volume", v.Subpath)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", fmt.Errorf("open volume %s: %w", v.Volume, err)
	}
	defer root.Close()
	if err := root.MkdirAll(v.Subpath, 0o777); err != nil {
		return "", sandbox.FieldErrorf("volumes", "the subpath %.80q cannot be a folder of the volume", v.Subpath)
	}
	return filepath.Join(dir, v.Subpath), nil
}
