package jail

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"sandpiper/sandbox"
)

// CollectLimits bounds what Collect brings back.
type CollectLimits struct {
	Bytes int64 // contents together
	Files int
}

// Collect reads the files that a program left below the folder dir of root,
// sorted by name, with names relative to dir. Links are not followed. Files that
// do not fit the limits, cannot be read, or have names that no program file may
// have are left out and counted. A missing dir is no files.
//
// Preconditions: the guest has ended.
func Collect(root *os.Root, dir string, limits CollectLimits) (files []sandbox.File, omitted int, err error) {
	info, err := root.Lstat(dir)
	if err != nil || !info.IsDir() {
		return nil, 0, ignoreMissing(err)
	}
	names, omitted, err := collectNames(root, dir)
	if err != nil {
		return nil, 0, fmt.Errorf("list the files of a run: %w", err)
	}
	left := limits.Bytes
	for _, name := range names {
		content, ok := readFile(root, path.Join(dir, name), left)
		if !ok || len(files) >= limits.Files {
			omitted++
			continue
		}
		left -= int64(len(content))
		files = append(files, sandbox.File{Name: name, Content: content})
	}
	return files, omitted, nil
}

func ignoreMissing(err error) error {
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return fmt.Errorf("look for the files of a run: %w", err)
}

// collectNames lists the regular files below dir and counts what is left out.
func collectNames(root *os.Root, dir string) (names []string, omitted int, err error) {
	err = fs.WalkDir(root.FS(), dir, func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name := strings.TrimPrefix(p, dir+"/")
		if !e.Type().IsRegular() || sandbox.ValidateFileName("files", name) != nil {
			omitted++
			return nil
		}
		names = append(names, name)
		return nil
	})
	slices.Sort(names)
	return names, omitted, err
}

// readFile reads a regular file of at most limit bytes.
func readFile(root *os.Root, name string, limit int64) ([]byte, bool) {
	f, err := root.OpenFile(name, hostFlags(0), 0)
	if err != nil {
		return nil, false
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() > limit {
		return nil, false
	}
	content, err := io.ReadAll(io.LimitReader(f, limit+1))
	return content, err == nil && int64(len(content)) <= limit
}
