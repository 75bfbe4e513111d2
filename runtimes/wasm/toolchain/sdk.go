package toolchain

import (
	"archive/tar"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sandpiper/runtimes/catalog"
)

// values returns a map's values in the order of its keys.
func values(m map[string]string) []string {
	var all []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		all = append(all, m[k])
	}
	return all
}

// unpack makes the SDK's folder, once for each version, and removes those that were
// not used for long.
func (c *child) unpack() error {
	if c.sdk != "" {
		return nil
	}
	key, ok := catalog.ModuleKey(c.set.SDK)
	if !ok {
		return ErrNotInstalled
	}
	const prefix, new = "sdk-", "new-"
	folder := prefix + key[:min(16, len(key))]
	now := time.Now()
	if os.Chtimes(folder, now, now) == nil {
		c.sdk = folder
		return nil
	}
	const unused = 30 * 24 * time.Hour
	if err := errors.Join(removeOld(prefix+"*", unused), removeOld(new+"*", time.Hour)); err != nil {
		return err
	}
	tmp := new + rand.Text()
	if err := untar(tmp, c.set.SDK); err != nil {
		return errors.Join(fmt.Errorf("unpack the SDK: %w", err), os.RemoveAll(tmp))
	}
	if err := os.Rename(tmp, folder); err != nil && !errors.Is(err, fs.ErrExist) {
		return err // another child may have been faster
	}
	c.sdk = folder
	return nil
}

// untar unpacks a tree of the catalogue.
func untar(folder, name string) error {
	r, err := catalog.OpenTree(name)
	if err != nil {
		return err
	}
	defer r.Close()
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer root.Close()
	made := map[string]bool{}
	for archive := tar.NewReader(r); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if dir := filepath.Dir(h.Name); !made[dir] && strings.Contains(h.Name, "/") {
			if err := root.MkdirAll(dir, 0o700); err != nil {
				return err
			}
			made[dir] = true
		}
		f, err := root.Create(h.Name)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, archive)
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
}
