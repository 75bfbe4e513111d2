package jail_test

import (
	"testing"
	"unsafe"

	"github.com/tetratelabs/wazero/experimental/sys"

	"sandpiper/runtimes/wasm/jail"
)

// otherCounter returns a new file whose contents are not counted as those of ino are.
func otherCounter(t *testing.T, f *jail.FS, c *jail.Changes, ino uint64) sys.File {
	t.Helper()
	for {
		other, before := mustOpen(t, f, "other", sys.O_CREAT|sys.O_RDWR), c.Of(ino)
		_, errno := other.Write([]byte("text"))
		wantErrno(t, "write", errno, 0)
		if c.Of(ino) == before {
			return other
		}
		wantErrno(t, "rename", f.Rename("other", "unlucky"), 0) // its number stays in use
	}
}

// TestChanges makes each change that there is, and what is none.
func TestChanges(t *testing.T) {
	if size := unsafe.Sizeof(jail.Changes{}); size != 4096 {
		t.Errorf("the counters take %d bytes", size)
	}
	f, _ := newHome(t, jail.Limits{Bytes: 1 << 20, Files: 100, OpenFiles: 10})
	put(t, f, "a", "text")
	a := mustOpen(t, f, "a", sys.O_RDWR)
	defer a.Close()
	c := &jail.Changes{}
	f.Watch(c)
	ino, _ := a.Ino()
	other := otherCounter(t, f, c, ino)
	defer other.Close()
	const (
		nothing = iota
		names
		content
		otherContent
	)
	for _, tt := range []struct {
		name string
		want int
		do   func() sys.Errno
	}{
		{"stat", nothing, func() sys.Errno { _, errno := f.Stat("a"); return errno }},
		{"open", nothing, func() sys.Errno { return mustOpen(t, f, "a", sys.O_RDWR).Close() }},
		{"list", nothing, func() sys.Errno { _, errno := mustOpen(t, f, ".", sys.O_DIRECTORY).Readdir(-1); return errno }},
		{"read", nothing, func() sys.Errno { _, errno := a.Read(make([]byte, 2)); return errno }},
		{"write", content, func() sys.Errno { _, errno := a.Write([]byte("x")); return errno }},
		{"pwrite", content, func() sys.Errno { _, errno := a.Pwrite([]byte("x"), 9); return errno }},
		{"truncate", content, func() sys.Errno { return a.Truncate(3) }},
		{"open and truncate", content, func() sys.Errno { return mustOpen(t, f, "a", sys.O_RDWR|sys.O_TRUNC).Close() }},
		{"write another", otherContent, func() sys.Errno { _, errno := other.Write([]byte("x")); return errno }},
		{"times", names, func() sys.Errno { return f.Utimens("a", 1, 1) }},
		{"times of an open file", names, func() sys.Errno { return a.Utimens(1, 1) }},
		{"chmod", names, func() sys.Errno { return f.Chmod("a", 0o700) }},
		{"mkdir", names, func() sys.Errno { return f.Mkdir("d", 0) }},
		{"create", names, func() sys.Errno { return mustOpen(t, f, "d/b", sys.O_CREAT|sys.O_RDWR).Close() }},
		{"symlink", names, func() sys.Errno { return f.Symlink("a", "l") }},
		{"rename", names, func() sys.Errno { return f.Rename("d/b", "b") }},
		{"replace", names, func() sys.Errno { return f.Rename("b", "other") }},
		{"rmdir", names, func() sys.Errno { return f.Rmdir("d") }},
		{"unlink", names, func() sys.Errno { return f.Unlink("l") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before, allBefore := c.Of(ino), c.All()
			wantErrno(t, tt.name, tt.do(), 0)
			now, all := c.Of(ino), c.All()
			if got := now.Names != before.Names; got != (tt.want == names) {
				t.Errorf("names have changed: %v", got)
			}
			if got := now.Content != before.Content; got != (tt.want == content) {
				t.Errorf("the content has changed: %v", got)
			}
			if got := all.Content != allBefore.Content; got != (tt.want == content || tt.want == otherContent) {
				t.Errorf("some content has changed: %v", got)
			}
		})
	}
	f.Watch(nil)
	before := c.All()
	wantErrno(t, "mkdir", f.Mkdir("e", 0), 0)
	if c.All() != before {
		t.Error("changes are counted that nobody watches")
	}
}
