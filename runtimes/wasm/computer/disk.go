package computer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sandpiper/runtimes/wasm/jail"
	"sandpiper/sandbox"
)

// Names in the engine's folder and in that of a sandbox.
const (
	snapshotFolder = "snapshots"
	archiveFolder  = "archives"
	rootFolder     = "root"
	metaFile       = "box.json"
)

// meta is what is kept of a sandbox besides its files. There are no secrets in
// it: those come with each start.
type meta struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"createdAt"`
	DiskBytes int64     `json:"diskBytes"` // when it was made
}

// disk is the engine's folder. Its methods are called for one sandbox at a time.
type disk struct {
	dir    string
	blanks *stock[blank]
}

// blank is the folder of a sandbox with nothing in it that has no name yet.
type blank struct {
	dir  string
	used jail.Usage
}

// openDisk makes the folder and sweeps it. It has spare blanks while its stock of
// them is kept.
func openDisk(dir string, spares int, log *slog.Logger) (*disk, error) {
	if dir == "" {
		return nil, errors.New("computer: a folder is required")
	}
	d := &disk{dir: dir}
	d.blanks = newStock("folder", spares, log, d.newBlank, func(b blank) { _ = os.RemoveAll(b.dir) }) // else the next sweep does
	for _, sub := range []string{"", snapshotFolder, archiveFolder} {
		path := filepath.Join(dir, sub)
		if err := os.MkdirAll(path, 0o700); err != nil {
			return nil, fmt.Errorf("make the folder of sandboxes: %w", err)
		}
		if err := d.sweep(path); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// sweep removes what was being made or removed when the last process ended.
func (d *disk) sweep(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("look for sandboxes: %w", err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
				return fmt.Errorf("remove what is left of a sandbox: %w", err)
			}
		}
	}
	return nil
}

func (d *disk) path(id string, more ...string) string {
	return filepath.Join(append([]string{d.dir, id}, more...)...)
}

// has reports whether a sandbox is there, complete.
func (d *disk) has(id string) bool {
	if checkID(id) != nil {
		return false
	}
	info, err := os.Lstat(d.path(id))
	return err == nil && info.IsDir()
}

func (d *disk) list() ([]string, error) {
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		return nil, fmt.Errorf("list sandboxes: %w", err)
	}
	var ids []string
	for _, e := range entries {
		if e.IsDir() && checkID(e.Name()) == nil {
			ids = append(ids, e.Name())
		}
	}
	return ids, nil
}

func (d *disk) meta(id string) (meta, error) {
	var m meta
	b, err := os.ReadFile(d.path(id, metaFile))
	if err != nil {
		return m, fmt.Errorf("read what is known of a sandbox: %w", err)
	}
	return m, json.Unmarshal(b, &m)
}

// build makes a folder with fill and then gives it its name, so that it is there
// whole or not at all.
func (d *disk) build(ctx context.Context, final string, fill func(dir string) error) error {
	dir, err := os.MkdirTemp(filepath.Dir(final), ".new-")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	return finish(ctx, dir, final, fill)
}

// finish is build with a folder that is there.
func finish(ctx context.Context, dir, final string, fill func(dir string) error) error {
	err := fill(dir)
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = os.Rename(dir, final)
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	return nil
}

// buildBox makes a sandbox's folder; fill puts its files into root and returns
// what they take.
func (d *disk) buildBox(ctx context.Context, spec sandbox.Spec, fill func(root *os.Root) (int64, error)) error {
	return d.build(ctx, d.path(spec.ID), func(dir string) error {
		if err := os.Mkdir(filepath.Join(dir, rootFolder), 0o755); err != nil {
			return fmt.Errorf("make the sandbox's folder: %w", err)
		}
		root, err := os.OpenRoot(filepath.Join(dir, rootFolder))
		if err != nil {
			return fmt.Errorf("open the sandbox's folder: %w", err)
		}
		defer root.Close()
		size, err := fill(root)
		if err != nil {
			return err
		}
		return describe(dir, spec, size)
	})
}

// describe writes down what is kept of a sandbox besides its files.
func describe(dir string, spec sandbox.Spec, size int64) error {
	b, err := json.Marshal(meta{ID: spec.ID, Name: spec.Name, CreatedAt: time.Now().UTC(), DiskBytes: size})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, metaFile), b, 0o600)
}

// create makes a sandbox from what its Ref names. It returns what the files take
// where it knows.
func (d *disk) create(ctx context.Context, spec sandbox.Spec) (*jail.Usage, error) {
	if spec.Ref == Ref || spec.Ref == "" {
		return d.createEmpty(ctx, spec)
	}
	source, err := d.refPath(spec.Ref)
	if err != nil {
		return nil, err
	}
	return nil, d.copyBox(ctx, spec, filepath.Join(source, rootFolder))
}

// createEmpty gives a blank to a sandbox.
func (d *disk) createEmpty(ctx context.Context, spec sandbox.Spec) (*jail.Usage, error) {
	b, ok := d.blanks.take()
	if !ok {
		var err error
		if b, err = d.newBlank(); err != nil {
			return nil, err
		}
	}
	return &b.used, finish(ctx, b.dir, d.path(spec.ID), func(dir string) error { return describe(dir, spec, 0) })
}

// newBlank makes a blank.
func (d *disk) newBlank() (b blank, err error) {
	if b.dir, err = os.MkdirTemp(d.dir, ".new-"); err != nil {
		return b, fmt.Errorf("make a folder: %w", err)
	}
	if b.used, err = layOut(filepath.Join(b.dir, rootFolder)); err != nil {
		return b, errors.Join(err, os.RemoveAll(b.dir))
	}
	return b, nil
}

// layOut makes the files of a sandbox with nothing in it, and measures them.
func layOut(dir string) (jail.Usage, error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return jail.Usage{}, fmt.Errorf("make the sandbox's folder: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return jail.Usage{}, fmt.Errorf("open the sandbox's folder: %w", err)
	}
	defer root.Close()
	if err := makeLayout(root); err != nil {
		return jail.Usage{}, err
	}
	return jail.Measure(root)
}

// copyBox makes a sandbox with the files of another folder.
func (d *disk) copyBox(ctx context.Context, spec sandbox.Spec, source string) error {
	return d.buildBox(ctx, spec, func(root *os.Root) (int64, error) {
		from, err := os.OpenRoot(source)
		if err != nil {
			return 0, fmt.Errorf("open the files to copy: %w", err)
		}
		defer from.Close()
		return copyTree(ctx, from, root, int64(bounded(spec.Resources).DiskGiB)<<30)
	})
}

func (d *disk) fork(ctx context.Context, source string, spec sandbox.Spec) error {
	return d.copyBox(ctx, spec, d.path(source, rootFolder))
}

// open opens a sandbox's files and measures them, unless what they take is known.
func (d *disk) open(id string, known *jail.Usage) (*os.Root, jail.Usage, error) {
	root, err := os.OpenRoot(d.path(id, rootFolder))
	if err != nil {
		return nil, jail.Usage{}, fmt.Errorf("open the sandbox's files: %w", err)
	}
	if known != nil {
		return root, *known, nil
	}
	used, err := jail.Measure(root)
	if err != nil {
		return nil, used, errors.Join(err, root.Close())
	}
	return root, used, nil
}

// remove takes the name away first, so that a sandbox is there whole or not at
// all.
func (d *disk) remove(id string) error {
	if checkID(id) != nil {
		return nil
	}
	return d.discard(d.path(id))
}

func (d *disk) discard(path string) error {
	gone := filepath.Join(filepath.Dir(path), ".gone-"+sandbox.NewID())
	if err := os.Rename(path, gone); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return fmt.Errorf("remove a sandbox: %w", err)
	}
	if err := os.RemoveAll(gone); err != nil {
		return fmt.Errorf("remove a sandbox: %w", err)
	}
	return nil
}

// snapshotPrefix begins the Ref of a snapshot; its folder's name follows.
const snapshotPrefix = Ref + ":"

// refPath returns the folder of a snapshot.
func (d *disk) refPath(ref string) (string, error) {
	name, ok := strings.CutPrefix(ref, snapshotPrefix)
	if ok && checkID(name) == nil {
		path := d.path(snapshotFolder, name)
		if info, err := os.Lstat(path); err == nil && info.IsDir() {
			return path, nil
		}
	}
	return "", sandbox.Errorf(sandbox.KindNotFound, "there is no snapshot %q for WebAssembly sandboxes", ref)
}

// refSize returns the size of what a Ref names.
func (d *disk) refSize(ref string) (int64, error) {
	if ref == Ref {
		return 0, nil
	}
	path, err := d.refPath(ref)
	if err != nil {
		return 0, err
	}
	b, err := os.ReadFile(filepath.Join(path, metaFile))
	if err != nil {
		return 0, fmt.Errorf("read what is known of a snapshot: %w", err)
	}
	var m meta
	if err := json.Unmarshal(b, &m); err != nil {
		return 0, fmt.Errorf("read what is known of a snapshot: %w", err)
	}
	return max(1, m.DiskBytes), nil
}

// snapshot copies a sandbox's files into a snapshot of their own.
func (d *disk) snapshot(ctx context.Context, id, name string) (ref string, err error) {
	folder := sandbox.NewID()
	err = d.build(ctx, d.path(snapshotFolder, folder), func(dir string) error {
		from, err := os.OpenRoot(d.path(id, rootFolder))
		if err != nil {
			return fmt.Errorf("open the sandbox's files: %w", err)
		}
		defer from.Close()
		if err := os.Mkdir(filepath.Join(dir, rootFolder), 0o755); err != nil {
			return fmt.Errorf("make the snapshot's folder: %w", err)
		}
		to, err := os.OpenRoot(filepath.Join(dir, rootFolder))
		if err != nil {
			return fmt.Errorf("open the snapshot's folder: %w", err)
		}
		defer to.Close()
		size, err := copyTree(ctx, from, to, 1<<62)
		if err != nil {
			return err
		}
		b, err := json.Marshal(meta{ID: folder, Name: name, CreatedAt: time.Now().UTC(), DiskBytes: size})
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, metaFile), b, 0o600)
	})
	return snapshotPrefix + folder, err
}

func (d *disk) removeRef(ref string) error {
	path, err := d.refPath(ref)
	if err != nil {
		return nil // it is not there: fine
	}
	return d.discard(path)
}
