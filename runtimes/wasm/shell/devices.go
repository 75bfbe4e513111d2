package shell

import (
	"crypto/rand"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"sandpiper/runtimes/wasm/shell/wire"
	"sandpiper/sandbox/guest"
)

// deviceFiles is the file system of one command: the sandbox's, with the devices
// that only a process can have. They are not known to programs in WebAssembly.
type deviceFiles struct {
	guest.FS
	stdin          io.Reader
	stdout, stderr io.Writer
	pipes          *pipes
}

// OpenFile implements guest.FS.
func (f deviceFiles) OpenFile(name string, flag int, perm fs.FileMode) (guest.File, error) {
	dir, base := path.Split(name)
	if dir == pipeFolder || dir == "/dev/" {
		if d, ok := f.device(dir, base); ok {
			return d, nil
		}
		return nil, pathError(name, syscall.ENOENT)
	}
	return f.FS.OpenFile(name, flag, perm)
}

// Stat implements guest.FS.
func (f deviceFiles) Stat(name string) (fs.FileInfo, error) {
	if dir, base := path.Split(name); dir == pipeFolder || dir == "/dev/" {
		if dir == pipeFolder && f.pipes.has(base) {
			return (&device{}).info(base), nil
		}
		if d, ok := f.device(dir, base); ok {
			return d.info(base), nil
		}
	}
	return f.FS.Stat(name)
}

// Lstat implements guest.FS.
func (f deviceFiles) Lstat(name string) (fs.FileInfo, error) {
	if strings.HasPrefix(name, "/dev/") {
		return f.Stat(name)
	}
	return f.FS.Lstat(name)
}

func (f deviceFiles) device(dir, name string) (*device, bool) {
	if dir == pipeFolder {
		switch name {
		case "0":
			return &device{r: f.stdin}, true
		case "1":
			return &device{w: f.stdout}, true
		case "2":
			return &device{w: f.stderr}, true
		}
		if r, ok := f.pipes.reader(name); ok {
			return &device{r: r, c: r}, true
		}
		return nil, false
	}
	switch name {
	case "null":
		return &device{w: io.Discard}, true
	case "zero", "full":
		return &device{r: zeros{}, w: io.Discard}, true
	case "random", "urandom":
		return &device{r: rand.Reader, w: io.Discard}, true
	case "stdin":
		return &device{r: f.stdin}, true
	case "stdout":
		return &device{w: f.stdout}, true
	case "stderr":
		return &device{w: f.stderr}, true
	case "tty":
		return &device{r: f.stdin, w: f.stdout}, true
	}
	return nil, false
}

// device is a file that is none: something to read from, or to write to.
type device struct {
	r io.Reader
	w io.Writer
	c io.Closer
}

// Read implements io.Reader.
func (d *device) Read(p []byte) (int, error) {
	if d.r == nil {
		return 0, io.EOF
	}
	return d.r.Read(p)
}

// Write implements io.Writer.
func (d *device) Write(p []byte) (int, error) {
	if d.w == nil {
		return 0, syscall.EBADF
	}
	return d.w.Write(p)
}

// ReadAt implements io.ReaderAt.
func (d *device) ReadAt([]byte, int64) (int, error) { return 0, syscall.ESPIPE }

// Seek implements io.Seeker.
func (d *device) Seek(int64, int) (int64, error) { return 0, syscall.ESPIPE }

// Truncate implements guest.File.
func (d *device) Truncate(int64) error { return syscall.EINVAL }

// Stat implements guest.File.
func (d *device) Stat() (fs.FileInfo, error) { return d.info("device"), nil }

func (d *device) info(name string) fs.FileInfo {
	return &wire.Info{FileName: name, Bits: fs.ModeDevice | fs.ModeCharDevice | 0o666, Modified: time.Now(), Owner: "root", Group: "root"}
}

// Close implements io.Closer.
func (d *device) Close() error {
	if d.c != nil {
		return d.c.Close()
	}
	return nil
}

type zeros struct{}

// Read implements io.Reader.
func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// pipeFolder is where process substitutions find their pipes.
const pipeFolder = "/dev/fd/"

// maxPipes bounds the pipes that are open and have not been taken.
const maxPipes = 64

// pipes are those of process substitutions, by the number in their name. Each end
// is taken once.
type pipes struct {
	mu   sync.Mutex
	next int
	ends map[string][2]*os.File
}

// make opens a pipe and returns its name.
func (p *pipes) make() (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.ends) >= maxPipes {
		return "", syscall.EMFILE
	}
	r, w, err := os.Pipe()
	if err != nil {
		return "", err
	}
	if p.ends == nil {
		p.ends, p.next = map[string][2]*os.File{}, 63
	}
	name := strconv.Itoa(p.next)
	p.next++
	p.ends[name] = [2]*os.File{r, w}
	return pipeFolder + name, nil
}

// empty reports whether each end that was made has been taken.
func (p *pipes) empty() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.ends) == 0
}

func (p *pipes) has(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ends[name][0] != nil
}

func (p *pipes) reader(name string) (*os.File, bool) { return p.take(name, 0) }

func (p *pipes) writer(name string) (*os.File, bool) { return p.take(name, 1) }

func (p *pipes) take(name string, end int) (*os.File, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ends := p.ends[name]
	f := ends[end]
	if f == nil {
		return nil, false
	}
	ends[end] = nil
	p.ends[name] = ends
	if ends[0] == nil && ends[1] == nil {
		delete(p.ends, name)
	}
	return f, true
}
