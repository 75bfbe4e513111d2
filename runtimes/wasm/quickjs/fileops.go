package quickjs

import (
	"cmp"
	"encoding/json"
	"io/fs"
	"path"
	"strings"

	"github.com/tetratelabs/wazero/experimental/sys"
	wasys "github.com/tetratelabs/wazero/sys"
)

// fileOperations are what the prelude's fs is made of. Paths are absolute. An
// operation that fails returns the error's name, such as "ENOENT"; one that
// succeeds returns undefined, JSON or bytes.
var fileOperations = []operation{
	{"readFile", opReadFile},
	{"writeFile", opWriteFile},
	{"stat", opStat},
	{"readdir", opReaddir},
	{"mkdir", pathOperation(func(f sys.FS, p string) sys.Errno { return f.Mkdir(p, 0o700) })},
	{"unlink", pathOperation(sys.FS.Unlink)},
	{"rmdir", pathOperation(sys.FS.Rmdir)},
	{"rename", opRename},
}

// maxFile is the largest file that is read in one piece.
const maxFile = 64 << 20

// mount returns the file system that holds an absolute path and the path in it,
// or the name of an error.
func (s *session) mount(file string) (m sys.FS, rest, errno string) {
	if len(file) > maxPath {
		return nil, "", "ENAMETOOLONG"
	}
	file = path.Clean("/" + file)
	best := -1
	for i, m := range s.cfg.Mounts {
		if below(file, m.Path) && (best < 0 || len(m.Path) > len(s.cfg.Mounts[best].Path)) {
			best = i
		}
	}
	if best < 0 {
		return nil, "", "ENOENT"
	}
	holder := s.cfg.Mounts[best]
	rest = strings.Trim(strings.TrimPrefix(file, strings.TrimSuffix(holder.Path, "/")), "/")
	if rest == "" {
		rest = "."
	}
	return holder.FS, rest, ""
}

func below(file, dir string) bool {
	return dir == "/" || file == dir || strings.HasPrefix(file, strings.TrimSuffix(dir, "/")+"/")
}

// readFile returns a file's content, or the name of the error.
func (s *session) readFile(file string) ([]byte, string) {
	m, p, trouble := s.mount(file)
	if trouble != "" {
		return nil, trouble
	}
	f, errno := m.OpenFile(p, sys.O_RDONLY, 0)
	if errno != 0 {
		return nil, errnoName(errno)
	}
	defer f.Close()
	if dir, _ := f.IsDir(); dir {
		return nil, "EISDIR"
	}
	return s.readAll(f)
}

func (s *session) readAll(f sys.File) ([]byte, string) {
	var all []byte
	if st, errno := f.Stat(); errno == 0 && st.Size > 0 && st.Size <= maxFile {
		all = make([]byte, 0, st.Size+1)
	}
	buf := make([]byte, 64<<10)
	for {
		n, errno := f.Read(buf)
		if errno != 0 {
			return nil, errnoName(errno)
		}
		if n == 0 {
			return all, ""
		}
		if len(all)+n > maxFile {
			return nil, "EFBIG"
		}
		all = append(all, buf[:n]...)
		s.run.Check(s.ctx)
	}
}

func (s *session) isFile(file string) bool {
	m, p, trouble := s.mount(file)
	if trouble != "" {
		return false
	}
	st, errno := m.Stat(p)
	return errno == 0 && st.Mode.IsRegular()
}

// writeTo writes b to a file opened with flags.
func (s *session) writeTo(file string, b []byte, flags sys.Oflag) string {
	m, p, trouble := s.mount(file)
	if trouble != "" {
		return trouble
	}
	f, errno := m.OpenFile(p, flags, 0o600)
	if errno != 0 {
		return errnoName(errno)
	}
	defer f.Close()
	for len(b) > 0 {
		n, errno := f.Write(b)
		if errno != 0 {
			return errnoName(errno)
		}
		if n <= 0 {
			return "EIO"
		}
		b = b[n:]
	}
	return ""
}

func opReadFile(s *session, args []value) value {
	file, ok := s.name(args[0])
	if !ok {
		return s.misuse("readFile")
	}
	b, errno := s.readFile(file)
	if errno != "" {
		return s.text(errno)
	}
	return s.data(b)
}

// opWriteFile writes a string or bytes: it truncates the file first, or appends
// ("a"), or fails if the file is there ("wx").
func opWriteFile(s *session, args []value) value {
	file, ok := s.name(args[0])
	b, isBytes := s.bytes(args[1])
	if text, isText := s.str(args[1]); isText {
		b, isBytes = validText(text), true
	}
	if !ok || !isBytes {
		return s.misuse("writeFile")
	}
	if len(b) > maxFile {
		return s.errno("EFBIG")
	}
	flags := sys.O_WRONLY | sys.O_CREAT
	switch mode, _ := s.name(args[2]); mode {
	case "a":
		flags |= sys.O_APPEND
	case "wx":
		flags |= sys.O_EXCL
	default:
		flags |= sys.O_TRUNC
	}
	return s.errno(s.writeTo(file, b, flags))
}

// fileStat is what the prelude gets to know of a file.
type fileStat struct {
	Dir   bool    `json:"dir"`
	File  bool    `json:"file"`
	Size  int64   `json:"size"`
	Mode  uint32  `json:"mode"`
	Mtime float64 `json:"mtime"` // milliseconds since 1970
}

func opStat(s *session, args []value) value {
	st, errno := s.onPath(args[0], func(f sys.FS, p string) (any, sys.Errno) {
		st, errno := f.Stat(p)
		return describeFile(st), errno
	})
	return s.answer(st, errno)
}

func describeFile(st wasys.Stat_t) fileStat {
	return fileStat{
		Dir: st.Mode.IsDir(), File: st.Mode.IsRegular(), Size: st.Size,
		Mode: uint32(st.Mode.Perm()), Mtime: float64(st.Mtim) / 1e6,
	}
}

// opReaddir returns a JSON array of [name, is a folder].
func opReaddir(s *session, args []value) value {
	list, errno := s.onPath(args[0], func(m sys.FS, p string) (any, sys.Errno) {
		f, errno := m.OpenFile(p, sys.O_RDONLY|sys.O_DIRECTORY, 0)
		if errno != 0 {
			return nil, errno
		}
		defer f.Close()
		entries, errno := f.Readdir(-1)
		list := make([][2]any, 0, len(entries))
		for _, e := range entries {
			list = append(list, [2]any{e.Name, e.Type&fs.ModeDir != 0})
		}
		return list, errno
	})
	return s.answer(list, errno)
}

func opRename(s *session, args []value) value {
	from, ok1 := s.name(args[0])
	to, ok2 := s.name(args[1])
	if !ok1 || !ok2 {
		return s.misuse("rename")
	}
	m1, p1, trouble1 := s.mount(from)
	m2, p2, trouble2 := s.mount(to)
	switch {
	case trouble1 != "" || trouble2 != "":
		return s.errno(cmp.Or(trouble1, trouble2))
	case m1 != m2:
		return s.errno("EXDEV")
	}
	return s.errno(errnoName(m1.Rename(p1, p2)))
}

// pathOperation makes an operation of a method that takes a path.
func pathOperation(do func(f sys.FS, p string) sys.Errno) func(*session, []value) value {
	return func(s *session, args []value) value {
		_, errno := s.onPath(args[0], func(f sys.FS, p string) (any, sys.Errno) { return nil, do(f, p) })
		return s.errno(errno)
	}
}

// onPath calls do with the mount and path that an argument names.
func (s *session) onPath(arg value, do func(f sys.FS, p string) (any, sys.Errno)) (any, string) {
	file, ok := s.name(arg)
	if !ok {
		return nil, "EINVAL"
	}
	m, p, trouble := s.mount(file)
	if trouble != "" {
		return nil, trouble
	}
	result, errno := do(m, p)
	return result, errnoName(errno)
}

// answer returns a result as JSON, or the name of an error.
func (s *session) answer(result any, errno string) value {
	if errno != "" {
		return s.text(errno)
	}
	b, err := json.Marshal(result)
	if err != nil {
		return s.text("EIO")
	}
	return s.text(string(b))
}

// errno returns the name of an error, or undefined for success.
func (s *session) errno(name string) value {
	if name == "" {
		return undefined
	}
	return s.text(name)
}

// errnoNames are the names that programs know errors by.
var errnoNames = map[sys.Errno]string{
	sys.EACCES: "EACCES", sys.EAGAIN: "EAGAIN", sys.EBADF: "EBADF", sys.EEXIST: "EEXIST", sys.EFAULT: "EFAULT",
	sys.EINTR: "EINTR", sys.EINVAL: "EINVAL", sys.EIO: "EIO", sys.EISDIR: "EISDIR", sys.ELOOP: "ELOOP",
	sys.ENAMETOOLONG: "ENAMETOOLONG", sys.ENOENT: "ENOENT", sys.ENOSYS: "ENOSYS", sys.ENOTDIR: "ENOTDIR",
	sys.ERANGE: "ERANGE", sys.ENOTEMPTY: "ENOTEMPTY", sys.ENOTSUP: "ENOTSUP", sys.EPERM: "EPERM", sys.EROFS: "EROFS",
}

// errnoName returns an error's name, and "" for success.
func errnoName(errno sys.Errno) string {
	if errno == 0 {
		return ""
	}
	if name, ok := errnoNames[errno]; ok {
		return name
	}
	return "EIO"
}

// displayFile is the device that turns lines of JSON into display outputs.
const displayFile = "/dev/display"

// opDisplay sends one line of JSON to the display.
func opDisplay(s *session, args []value) value {
	line, ok := s.str(args[0])
	if !ok {
		return s.misuse("display")
	}
	if len(line) > maxFile {
		return s.errno("EFBIG")
	}
	return s.errno(s.writeTo(displayFile, append(validText(line), '\n'), sys.O_WRONLY))
}
