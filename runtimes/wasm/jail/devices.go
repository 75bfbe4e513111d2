package jail

import (
	"io/fs"
	"slices"

	"github.com/tetratelabs/wazero/experimental/sys"
	wasys "github.com/tetratelabs/wazero/sys"
)

// Devices is a folder of devices, to be mounted at /dev:
//
//	display  each line written becomes a call of Displays.Line
//	null     reads as empty and takes whatever is written
//
// It is a mount of its own, so no path below another mount leads into it or out
// of it. Nothing in it can be created, changed or removed.
type Devices struct {
	sys.UnimplementedFS
	displays *Displays
	opens    openCount
}

var _ sys.FS = (*Devices)(nil)

// deviceNames are the devices in the order of their inode numbers, from 2 on;
// the folder has number 1.
var deviceNames = []string{"display", "null"}

// NewDevices returns the devices of one run. At most maxOpen may be open at once.
func NewDevices(displays *Displays, maxOpen int) *Devices {
	return &Devices{displays: displays, opens: openCount{max: maxOpen}}
}

// lookup finds p and returns its inode number, which is 1 for the folder.
func (d *Devices) lookup(p string) (wasys.Inode, sys.Errno) {
	g, errno := cleanPath(p)
	if errno != 0 {
		return 0, errno
	}
	if g.name == "." {
		return 1, 0
	}
	i := slices.Index(deviceNames, g.name)
	switch {
	case i < 0:
		return 0, sys.ENOENT
	case g.wantDir:
		return 0, sys.ENOTDIR
	}
	return wasys.Inode(i + 2), 0
}

// OpenFile implements sys.FS.
func (d *Devices) OpenFile(p string, flag sys.Oflag, _ fs.FileMode) (sys.File, sys.Errno) {
	ino, errno := d.lookup(p)
	isDir := ino == 1
	switch {
	case errno == sys.ENOENT && flag&sys.O_CREAT != 0:
		return nil, sys.EROFS
	case errno != 0:
		return nil, errno
	case flag&sys.O_CREAT != 0 && flag&sys.O_EXCL != 0:
		return nil, sys.EEXIST
	case flag&sys.O_DIRECTORY != 0 && !isDir:
		return nil, sys.ENOTDIR
	case isDir && flag&sys.O_DIRECTORY == 0 && flag&writeFlags != 0:
		return nil, sys.EISDIR
	}
	if !d.opens.take() {
		return nil, sys.EIO
	}
	if isDir {
		return newListing(deviceStat(ino), deviceEntries(), &d.opens), 0
	}
	f := &device{opens: &d.opens, ino: ino}
	if deviceNames[ino-2] == "display" {
		f.sink = &lineBuffer{displays: d.displays}
	}
	return f, 0
}

// Lstat implements sys.FS.
func (d *Devices) Lstat(p string) (wasys.Stat_t, sys.Errno) { return d.Stat(p) }

// Stat implements sys.FS.
func (d *Devices) Stat(p string) (wasys.Stat_t, sys.Errno) {
	ino, errno := d.lookup(p)
	if errno != 0 {
		return wasys.Stat_t{}, errno
	}
	return deviceStat(ino), 0
}

func deviceStat(ino wasys.Inode) wasys.Stat_t {
	mode := fs.ModeDevice | fs.ModeCharDevice | 0o666
	if ino == 1 {
		mode = fs.ModeDir | 0o555
	}
	return wasys.Stat_t{Dev: devDevices, Ino: ino, Mode: mode, Nlink: 1}
}

func deviceEntries() []sys.Dirent {
	var out []sys.Dirent
	for i, name := range deviceNames {
		out = append(out, sys.Dirent{Name: name, Ino: wasys.Inode(i + 2), Type: fs.ModeDevice | fs.ModeCharDevice})
	}
	return out
}

// Mkdir implements sys.FS.
func (d *Devices) Mkdir(string, fs.FileMode) sys.Errno { return sys.EROFS }

// Rmdir implements sys.FS.
func (d *Devices) Rmdir(string) sys.Errno { return sys.EROFS }

// Unlink implements sys.FS.
func (d *Devices) Unlink(string) sys.Errno { return sys.EROFS }

// Rename implements sys.FS.
func (d *Devices) Rename(_, _ string) sys.Errno { return sys.EROFS }

// Link implements sys.FS.
func (d *Devices) Link(_, _ string) sys.Errno { return sys.EPERM }

// Symlink implements sys.FS.
func (d *Devices) Symlink(_, _ string) sys.Errno { return sys.EPERM }

// Readlink implements sys.FS.
func (d *Devices) Readlink(p string) (string, sys.Errno) {
	if _, errno := d.lookup(p); errno != 0 {
		return "", errno
	}
	return "", sys.EINVAL
}

// Utimens implements sys.FS. As on other systems, touching a device is fine and
// does nothing.
func (d *Devices) Utimens(p string, _, _ int64) sys.Errno {
	_, errno := d.lookup(p)
	return errno
}
