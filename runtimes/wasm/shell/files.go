package shell

import (
	"context"
	"io"
	"io/fs"
	"os"
	"time"

	"sandpiper/runtimes/wasm/shell/wire"
	"sandpiper/sandbox/guest"
)

// files is the sandbox's file system as a child sees it: over the wire.
type files struct{ peer *wire.Peer }

var _ guest.FS = files{}

// call sends a request about a path and names it in the error.
func (f files) call(op string, m *wire.Message) (*wire.Message, error) {
	a, err := f.peer.Call(context.Background(), m)
	if err != nil {
		return nil, &fs.PathError{Op: op, Path: m.Path, Err: err}
	}
	return a, nil
}

func (f files) do(op string, m *wire.Message) error {
	_, err := f.call(op, m)
	return err
}

// OpenFile implements guest.FS.
func (f files) OpenFile(name string, flag int, perm fs.FileMode) (guest.File, error) {
	a, err := f.call("open", &wire.Message{Op: wire.OpOpen, Path: name, Flag: flag, Perm: perm})
	if err != nil {
		return nil, err
	}
	return &file{peer: f.peer, handle: a.Handle, name: name}, nil
}

// Mkdir implements guest.FS.
func (f files) Mkdir(name string, perm fs.FileMode) error {
	return f.do("mkdir", &wire.Message{Op: wire.OpMkdir, Path: name, Perm: perm})
}

// MkdirAll implements guest.FS.
func (f files) MkdirAll(name string, perm fs.FileMode) error {
	return f.do("mkdir", &wire.Message{Op: wire.OpMkdirAll, Path: name, Perm: perm})
}

// Stat implements guest.FS.
func (f files) Stat(name string) (fs.FileInfo, error) { return f.info("stat", wire.OpStat, name) }

// Lstat implements guest.FS.
func (f files) Lstat(name string) (fs.FileInfo, error) { return f.info("lstat", wire.OpLstat, name) }

func (f files) info(op string, what wire.Op, name string) (fs.FileInfo, error) {
	a, err := f.call(op, &wire.Message{Op: what, Path: name})
	if err != nil {
		return nil, err
	}
	if a.Info == nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	return a.Info, nil
}

// ReadDir implements guest.FS. The entries come with their information.
func (f files) ReadDir(name string) ([]fs.DirEntry, error) {
	var entries []fs.DirEntry
	for {
		a, err := f.call("readdir", &wire.Message{Op: wire.OpReadDir, Path: name, Offset: int64(len(entries))})
		if err != nil {
			return entries, err
		}
		for i := range a.Infos {
			entries = append(entries, fs.FileInfoToDirEntry(&a.Infos[i]))
		}
		if a.EOF || len(a.Infos) == 0 {
			return entries, nil
		}
	}
}

// Readlink implements guest.FS.
func (f files) Readlink(name string) (string, error) {
	a, err := f.call("readlink", &wire.Message{Op: wire.OpReadlink, Path: name})
	if err != nil {
		return "", err
	}
	return a.Path, nil
}

// Symlink implements guest.FS.
func (f files) Symlink(target, name string) error {
	return f.do("symlink", &wire.Message{Op: wire.OpSymlink, Path: name, To: target})
}

// Remove implements guest.FS.
func (f files) Remove(name string) error {
	return f.do("remove", &wire.Message{Op: wire.OpRemove, Path: name})
}

// RemoveAll implements guest.FS.
func (f files) RemoveAll(name string) error {
	return f.do("remove", &wire.Message{Op: wire.OpRemoveAll, Path: name})
}

// Rename implements guest.FS.
func (f files) Rename(from, to string) error {
	return f.do("rename", &wire.Message{Op: wire.OpRename, Path: from, To: to})
}

// Chmod implements guest.FS.
func (f files) Chmod(name string, mode fs.FileMode) error {
	return f.do("chmod", &wire.Message{Op: wire.OpChmod, Path: name, Perm: mode})
}

// Chown implements guest.FS.
func (f files) Chown(name, owner, group string) error {
	return f.do("chown", &wire.Message{Op: wire.OpChown, Path: name, To: owner, Text: group})
}

// Chtimes implements guest.FS.
func (f files) Chtimes(name string, atime, mtime time.Time) error {
	return f.do("chtimes", &wire.Message{Op: wire.OpChtimes, Path: name, Times: []time.Time{atime, mtime}})
}

// Owner implements guest.FS.
func (f files) Owner(info fs.FileInfo) (owner, group string) {
	if i, ok := info.Sys().(*wire.Info); ok {
		return i.Owner, i.Group
	}
	return "", ""
}

// file is an open file of the sandbox.
type file struct {
	peer   *wire.Peer
	handle int
	name   string
}

func (f *file) call(m *wire.Message) (*wire.Message, error) {
	m.Handle = f.handle
	return f.peer.Call(context.Background(), m)
}

// Read implements io.Reader.
func (f *file) Read(p []byte) (int, error) { return f.read(p, &wire.Message{Op: wire.OpRead}) }

// ReadAt implements io.ReaderAt.
func (f *file) ReadAt(p []byte, off int64) (int, error) {
	n := 0
	for n < len(p) {
		got, err := f.read(p[n:], &wire.Message{Op: wire.OpReadAt, Offset: off + int64(n)})
		n += got
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

func (f *file) read(p []byte, m *wire.Message) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	m.N = int64(min(len(p), wire.MaxData))
	a, err := f.call(m)
	if err != nil {
		return 0, err
	}
	n := copy(p, a.Data)
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// Write implements io.Writer.
func (f *file) Write(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		piece := p[n:min(len(p), n+wire.MaxData)]
		if _, err := f.call(&wire.Message{Op: wire.OpWrite, Data: piece}); err != nil {
			return n, err
		}
		n += len(piece)
	}
	return n, nil
}

// WriteTo implements io.WriterTo, with pieces as large as a message may be.
func (f *file) WriteTo(w io.Writer) (int64, error) {
	return io.CopyBuffer(w, struct{ io.Reader }{f}, make([]byte, wire.MaxData))
}

// Seek implements io.Seeker.
func (f *file) Seek(offset int64, whence int) (int64, error) {
	a, err := f.call(&wire.Message{Op: wire.OpSeek, Offset: offset, Whence: whence})
	if err != nil {
		return 0, err
	}
	return a.Offset, nil
}

// Stat implements guest.File.
func (f *file) Stat() (fs.FileInfo, error) {
	a, err := f.call(&wire.Message{Op: wire.OpFstat})
	if err != nil {
		return nil, err
	}
	if a.Info == nil {
		return nil, fs.ErrInvalid
	}
	return a.Info, nil
}

// Truncate implements guest.File.
func (f *file) Truncate(size int64) error {
	_, err := f.call(&wire.Message{Op: wire.OpTruncate, Offset: size})
	return err
}

// Close implements io.Closer.
func (f *file) Close() error {
	_, err := f.call(&wire.Message{Op: wire.OpClose})
	return err
}

// pathError makes the error of a device as a file system would.
func pathError(name string, err error) error { return &os.PathError{Op: "open", Path: name, Err: err} }
