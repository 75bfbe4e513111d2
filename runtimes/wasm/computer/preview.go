package computer

import (
	"context"
	"io"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"os"
	"path"
	"slices"
	"syscall"

	"sandpiper/sandbox"
	"sandpiper/sandbox/guest"
)

// firstPort is where a port is looked for when none is asked for.
const firstPort = 8000

// maxPorts bounds the folders that a sandbox serves at a time.
const maxPorts = 32

// preview serves a folder on a port, read only.
type preview struct {
	listener *listener
	server   *http.Server
	pid      int // of the process that asked for it
}

func (p *preview) close() { _ = p.server.Close() } // closes the listener too

// serve begins to serve the folder dir on a port, or on a free one for 0, for a
// process.
func (m *machine) serve(port int, dir string, pid int) (int, error) {
	if port < 0 || port > 65535 || port == sandbox.ToolboxPort {
		return 0, syscall.EINVAL
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.ports) >= maxPorts || m.stopped {
		return 0, syscall.EMFILE
	}
	if port == 0 {
		for port = firstPort; m.ports[port] != nil; {
			port++
		}
	}
	if m.ports[port] != nil {
		return 0, syscall.EADDRINUSE
	}
	p := &preview{listener: newListener(), server: newServer(readOnly(http.FileServerFS(folder{m.files, dir}))), pid: pid}
	m.ports[port] = p
	m.running.Go(func() { _ = p.server.Serve(p.listener) }) // it ends with the listener
	return port, nil
}

func (m *machine) unserve(port int) {
	m.mu.Lock()
	p := m.ports[port]
	delete(m.ports, port)
	m.mu.Unlock()
	if p != nil {
		p.close()
	}
}

// Ports implements guest.Guest.
func (m *machine) Ports(context.Context) ([]int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.ports)), nil
}

// DialPort implements guest.Guest.
func (m *machine) DialPort(ctx context.Context, port int) (net.Conn, error) {
	m.mu.Lock()
	p := m.ports[port]
	m.mu.Unlock()
	if p == nil {
		return nil, sandbox.Errorf(sandbox.KindNotFound, "nothing listens on port %d of the sandbox: in a WebAssembly sandbox, `serve FOLDER --port %d` serves files", port, port)
	}
	return p.listener.dial(ctx)
}

// readOnly answers requests that would change something.
func readOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "this server only shows files", http.StatusMethodNotAllowed)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// folder is a folder of a sandbox as an fs.FS.
type folder struct {
	files guest.FS
	dir   string
}

// Open implements fs.FS.
func (f folder) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	full := path.Join(f.dir, name)
	info, err := f.files.Stat(full)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return &openFolder{info: info, list: func() ([]fs.DirEntry, error) { return f.files.ReadDir(full) }}, nil
	}
	return f.files.OpenFile(full, os.O_RDONLY, 0)
}

// openFolder is an open folder of a preview.
type openFolder struct {
	info fs.FileInfo
	list func() ([]fs.DirEntry, error)
	rest []fs.DirEntry
	read bool
}

// Stat implements fs.File.
func (d *openFolder) Stat() (fs.FileInfo, error) { return d.info, nil }

// Read implements fs.File.
func (d *openFolder) Read([]byte) (int, error) { return 0, syscall.EISDIR }

// Close implements fs.File.
func (d *openFolder) Close() error { return nil }

// ReadDir implements fs.ReadDirFile.
func (d *openFolder) ReadDir(n int) ([]fs.DirEntry, error) {
	if !d.read {
		list, err := d.list()
		if err != nil {
			return nil, err
		}
		d.rest, d.read = list, true
	}
	if n <= 0 || n > len(d.rest) {
		if n > 0 && len(d.rest) == 0 {
			return nil, io.EOF
		}
		n = len(d.rest)
	}
	page := d.rest[:n]
	d.rest = d.rest[n:]
	return page, nil
}
