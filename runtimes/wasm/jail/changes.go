package jail

import "sync/atomic"

// Changes counts the changes of an FS, so that those who keep something that they have
// read of it can tell whether it still is so. It takes a page of memory and has no
// pointers: it can be in memory that is shared with a process that may only read it.
//
// A counter goes up after the change and before whoever made it hears of that. What
// was read after the counters were is as it was for as long as they are the same. That
// of all files goes up before that of the file: who does not know yet which file it
// will be reads All, the file, Of and All again.
type Changes struct {
	names    atomic.Uint64      // names, modes and times of files, and links
	all      atomic.Uint64      // contents of all files
	contents [510]atomic.Uint64 // of files by their inode numbers, several of which share one
}

// Version is what counters were at one moment.
type Version struct{ Names, Content uint64 }

// Of returns the version of the file with that inode number.
func (c *Changes) Of(ino uint64) Version {
	return Version{c.names.Load(), c.content(ino).Load()}
}

// All returns the version of all files: it goes up with that of each.
func (c *Changes) All() Version { return Version{c.names.Load(), c.all.Load()} }

func (c *Changes) content(ino uint64) *atomic.Uint64 {
	return &c.contents[ino%uint64(len(c.contents))]
}

// Watch has the changes of f counted in c from now on, and nowhere if c is nil.
func (f *FS) Watch(c *Changes) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.changes = c
}

// renamed counts a change of names, modes or times. Preconditions: f.mu must be held.
func (f *FS) renamed() {
	if f.changes != nil {
		f.changes.names.Add(1)
	}
}

// written counts a change of a file's content. Preconditions: f.mu must be held.
func (f *FS) written(n *node) {
	if f.changes != nil {
		f.changes.all.Add(1) // first: see Changes
		f.changes.content(f.inode(n.id)).Add(1)
	}
}
