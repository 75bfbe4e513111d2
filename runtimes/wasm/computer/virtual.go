package computer

import (
	"bytes"
	"io/fs"
	"path"
	"slices"
	"syscall"
	"time"

	"sandpiper/runtimes/wasm/coreutils"
	"sandpiper/sandbox/guest"
)

// shells are the names that the shell goes by.
var shells = []string{"sh", "bash"}

// devices are the files of /dev that shells know; programs in WebAssembly have
// fewer.
var devices = []string{"full", "null", "random", "stderr", "stdin", "stdout", "tty", "urandom", "zero"}

// virtual are the folders whose files are not on disk: the commands, and devices.
type virtual struct {
	commands []string // sorted
	since    time.Time
}

func newVirtual(programs []string, since time.Time) virtual {
	all := slices.Concat(coreutils.Names(), shells, programs, []string{"git"})
	slices.Sort(all)
	return virtual{slices.Compact(all), since}
}

// folder returns the names in a virtual folder.
func (v virtual) folder(name string) ([]string, bool) {
	switch name {
	case "/bin", "/usr/bin":
		return v.commands, true
	case "/dev":
		return devices, true
	}
	return nil, false
}

// covers reports whether a path is a virtual folder or in one.
func (v virtual) covers(name string) bool {
	_, ok := v.folder(name)
	if !ok {
		_, ok = v.folder(path.Dir(name))
	}
	return ok
}

// info describes a virtual file or folder.
func (v virtual) info(name string) (fs.FileInfo, error) {
	base := path.Base(name)
	if _, ok := v.folder(name); ok {
		return &fileInfo{name: base, mode: fs.ModeDir | 0o755, modified: v.since, root: true}, nil
	}
	dir := path.Dir(name)
	names, _ := v.folder(dir)
	if _, ok := slices.BinarySearch(names, base); !ok {
		return nil, syscall.ENOENT
	}
	if dir == "/dev" {
		return &fileInfo{name: base, mode: fs.ModeDevice | fs.ModeCharDevice | 0o666, modified: v.since, root: true}, nil
	}
	return &fileInfo{name: base, mode: 0o755, size: int64(len(commandText)), modified: v.since, root: true}, nil
}

func (v virtual) readDir(name string) ([]fs.DirEntry, error) {
	names, ok := v.folder(name)
	if !ok {
		return nil, syscall.ENOTDIR
	}
	entries := make([]fs.DirEntry, 0, len(names))
	for _, n := range names {
		if info, err := v.info(path.Join(name, n)); err == nil {
			entries = append(entries, fs.FileInfoToDirEntry(info))
		}
	}
	return entries, nil
}

// commandText is what a command's file holds.
const commandText = "This command is part of the WebAssembly sandbox itself.\n"

func (v virtual) open(name string) (guest.File, error) {
	info, err := v.info(name)
	if err != nil {
		return nil, err
	}
	f := &textFile{Reader: bytes.NewReader([]byte(commandText)), info: info}
	if path.Dir(name) == "/dev" || info.IsDir() {
		f.Reader = bytes.NewReader(nil)
	}
	return f, nil
}

// textFile is an open file that cannot be changed. What is written to a device
// without a shell is dropped.
type textFile struct {
	*bytes.Reader
	info fs.FileInfo
}

// Write implements io.Writer.
func (f *textFile) Write(p []byte) (int, error) {
	if f.info.Mode()&fs.ModeDevice == 0 {
		return 0, syscall.EBADF
	}
	return len(p), nil
}

// Stat implements guest.File.
func (f *textFile) Stat() (fs.FileInfo, error) { return f.info, nil }

// Truncate implements guest.File.
func (f *textFile) Truncate(int64) error { return syscall.EINVAL }

// Close implements io.Closer.
func (f *textFile) Close() error { return nil }
