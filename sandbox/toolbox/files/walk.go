package files

import (
	"context"
	"io/fs"
	"path"

	"sandpiper/sandbox/guest"
)

// walk goes through a folder without following links. A folder below that
// cannot be read is passed over, as find and grep do.
type walk struct {
	fs    guest.FS
	depth int  // how many levels; 0 means all
	left  int  // how many more entries may be looked at
	cut   bool // whether there were more
}

// folder visits everything in dir in the order of names, folders before what is
// in them. It ends early with an error of visit or of dir itself, when ctx ends,
// and without an error when the walk is cut.
func (s *walk) folder(ctx context.Context, dir string, visit func(name string, e fs.DirEntry) error) error {
	entries, err := s.fs.ReadDir(dir)
	if err != nil {
		return err
	}
	return s.entries(ctx, dir, 1, entries, visit)
}

func (s *walk) entries(ctx context.Context, dir string, level int, entries []fs.DirEntry, visit func(string, fs.DirEntry) error) error {
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		if s.left--; s.left < 0 {
			s.cut = true
			return nil
		}
		name := path.Join(dir, e.Name())
		if err := visit(name, e); err != nil {
			return err
		}
		if !e.IsDir() || level == s.depth {
			continue
		}
		below, err := s.fs.ReadDir(name)
		if err != nil {
			continue
		}
		if err := s.entries(ctx, name, level+1, below, visit); err != nil || s.cut {
			return err
		}
	}
	return nil
}
