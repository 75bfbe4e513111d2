package sftp

import (
	"io"
	"io/fs"
	"path"
	"strconv"
	"sync"
	"syscall"

	"github.com/pkg/sftp"
)

// Filelist implements sftp.FileLister.
func (f *files) Filelist(r *sftp.Request) (sftp.ListerAt, error) {
	name, err := clean(r.Filepath)
	if err != nil {
		return nil, err
	}
	if r.Method != "List" {
		info, err := f.fs.Stat(name)
		return f.one(info, err)
	}
	release, err := f.take()
	if err != nil {
		return nil, err
	}
	entries, err := f.fs.ReadDir(name)
	if err != nil {
		release()
		return nil, status(err)
	}
	return &listing{files: f, dir: name, entries: entries, release: release}, nil
}

// Lstat implements sftp.LstatFileLister.
func (f *files) Lstat(r *sftp.Request) (sftp.ListerAt, error) {
	name, err := clean(r.Filepath)
	if err != nil {
		return nil, err
	}
	info, err := f.fs.Lstat(name)
	return f.one(info, err)
}

// one is the list of one file.
func (f *files) one(info fs.FileInfo, err error) (sftp.ListerAt, error) {
	if err != nil {
		return nil, status(err)
	}
	return single{f.owned(info)}, nil
}

type single struct{ info fs.FileInfo }

// ListAt implements sftp.ListerAt.
func (s single) ListAt(to []fs.FileInfo, offset int64) (int, error) {
	if offset > 0 || len(to) == 0 {
		return 0, io.EOF
	}
	to[0] = s.info
	return 1, io.EOF
}

// listing is an open folder. Files that go while it is read are left out.
type listing struct {
	files   *files
	dir     string
	release func()

	mu      sync.Mutex
	entries []fs.DirEntry // that were not read yet
}

// ListAt implements sftp.ListerAt. Folders are read from their beginning to
// their end, so the offset says nothing new.
func (l *listing) ListAt(to []fs.FileInfo, _ int64) (n int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for n < len(to) {
		if len(l.entries) == 0 {
			return n, io.EOF
		}
		info, err := l.files.fs.Lstat(path.Join(l.dir, l.entries[0].Name()))
		l.entries = l.entries[1:]
		if err == nil {
			to[n] = l.files.owned(info)
			n++
		}
	}
	return n, nil
}

// Close implements io.Closer.
func (l *listing) Close() error {
	l.release()
	return nil
}

// owners remembers the names of users and groups by their numbers, which are
// all that the protocol's side asks with.
type owners struct {
	mu            sync.Mutex
	users, groups map[string]string
}

// maxOwners bounds what is remembered; numbers beyond have no names.
const maxOwners = 1000

// Numbers of owners in guests that have no numbers: root's and everybody's.
const (
	rootID     = 0
	everybody  = 1000
	nameOfRoot = "root"
)

// owned returns info with the numbers of its owner and group, whose names it
// remembers.
func (f *files) owned(info fs.FileInfo) fs.FileInfo {
	st, numbered := info.Sys().(*syscall.Stat_t)
	if numbered && f.names.knows(st.Uid, st.Gid) {
		return info
	}
	owner, group := f.fs.Owner(info)
	if numbered {
		f.names.learn(st.Uid, st.Gid, owner, group)
		return info
	}
	i := ownedInfo{info, everybody, everybody}
	if owner == nameOfRoot {
		i.uid = rootID
	}
	if group == nameOfRoot {
		i.gid = rootID
	}
	f.names.learn(i.uid, i.gid, owner, group)
	return i
}

// ownedInfo adds numbers to a file's information, by sftp.FileInfoUidGid.
type ownedInfo struct {
	fs.FileInfo
	uid, gid uint32
}

// Uid implements sftp.FileInfoUidGid.
func (i ownedInfo) Uid() uint32 { return i.uid }

// Gid implements sftp.FileInfoUidGid.
func (i ownedInfo) Gid() uint32 { return i.gid }

func number(id uint32) string { return strconv.FormatUint(uint64(id), 10) }

func (o *owners) knows(uid, gid uint32) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, user := o.users[number(uid)]
	_, group := o.groups[number(gid)]
	return user && group || len(o.users)+len(o.groups) > maxOwners
}

func (o *owners) learn(uid, gid uint32, owner, group string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.users == nil {
		o.users, o.groups = map[string]string{}, map[string]string{}
	}
	o.users[number(uid)], o.groups[number(gid)] = owner, group
}

// LookupUserName implements sftp.NameLookupFileLister.
func (f *files) LookupUserName(uid string) string { return f.names.name(&f.names.users, uid) }

// LookupGroupName implements sftp.NameLookupFileLister.
func (f *files) LookupGroupName(gid string) string { return f.names.name(&f.names.groups, gid) }

func (o *owners) name(of *map[string]string, id string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if name := (*of)[id]; name != "" {
		return name
	}
	return id
}
