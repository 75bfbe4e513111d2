package computer

import (
	"context"
	"io"
	"io/fs"
	"os"
	"sync"
	"syscall"
	"time"

	"sandpiper/runtimes/wasm/shell/wire"
	"sandpiper/runtimes/wasm/tty"
	"sandpiper/sandbox/guest"
)

// Bounds on one shell.
const (
	maxHandles  = 200
	maxPageSize = 512 // entries of a folder in one answer
)

// shellHost carries out the requests of a shell child for one process. What a child
// sends is not trusted.
type shellHost struct {
	m     *machine
	shell *entry
	ctx   context.Context // done when the child rests or has gone
	line  func(ctx context.Context, prompt string, complete tty.Completer) (string, error)
	tell  func(*wire.Message) error
	ask   func(context.Context, *wire.Message) (*wire.Message, error)

	silence func()        // lets what the child sends no longer come here
	tokens  chan struct{} // one for each request that may take long
	rests   chan struct{} // closed when the child says that it rests
	closed  chan struct{} // closed when it rests or has gone, and nothing of it is left

	mu      sync.Mutex
	next    int
	open    map[int]guest.File
	running map[uint64]context.CancelFunc // requests that can be cancelled
	jobs    map[int]*entry
	served  map[int]bool // ports
	folder  []fs.DirEntry
	listed  string // the folder that folder is of
}

func newShellHost(ctx context.Context, m *machine, e *entry) *shellHost {
	return &shellHost{m: m, shell: e, ctx: ctx, tokens: make(chan struct{}, maxHandles), rests: make(chan struct{}), closed: make(chan struct{}),
		open: map[int]guest.File{}, running: map[uint64]context.CancelFunc{}, jobs: map[int]*entry{}, served: map[int]bool{}}
}

// close gives back what the child had. It is called once.
func (h *shellHost) close() {
	defer close(h.closed)
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range h.open {
		_ = f.Close()
	}
	for _, j := range h.jobs {
		h.m.table.remove(j)
	}
	for port := range h.served {
		h.m.unserve(port)
	}
}

// handle is a wire.Handler.
func (h *shellHost) handle(m *wire.Message, answer func(*wire.Message)) {
	switch m.Op {
	case wire.OpSpawn, wire.OpLine:
		h.later(m, answer)
		return
	case wire.OpRest:
		h.silence()
		close(h.rests) // once: nothing comes here any more
		return
	case wire.OpCancel:
		h.mu.Lock()
		cancel := h.running[m.Target]
		h.mu.Unlock()
		if cancel != nil {
			cancel()
		}
		return
	}
	for _, f := range m.Files {
		_ = f.Close()
	}
	a, err := h.now(m)
	if err != nil {
		a = wire.Fail(err)
	}
	answer(a)
}

// later carries out a request that takes long, from a goroutine of its own.
func (h *shellHost) later(m *wire.Message, answer func(*wire.Message)) {
	select {
	case h.tokens <- struct{}{}:
	default:
		for _, f := range m.Files {
			_ = f.Close()
		}
		answer(wire.Fail(syscall.EAGAIN))
		return
	}
	ctx, cancel := context.WithCancelCause(h.ctx)
	h.mu.Lock()
	h.running[m.ID] = func() { cancel(signalled(2)) }
	h.mu.Unlock()
	go func() {
		a, err := h.slow(ctx, cancel, m)
		if err != nil {
			a = wire.Fail(err)
		}
		cancel(nil)
		h.mu.Lock()
		delete(h.running, m.ID)
		h.mu.Unlock()
		<-h.tokens
		answer(a)
	}()
}

func (h *shellHost) slow(ctx context.Context, cancel context.CancelCauseFunc, m *wire.Message) (*wire.Message, error) {
	if m.Op == wire.OpSpawn {
		return h.spawn(ctx, cancel, m)
	}
	if h.line == nil {
		return &wire.Message{EOF: true}, nil
	}
	text, err := h.line(ctx, m.Text, h.complete)
	switch {
	case err == io.EOF:
		return &wire.Message{EOF: true}, nil
	case err != nil:
		return &wire.Message{Code: 130}, nil
	}
	return &wire.Message{Text: text}, nil
}

// completeTime is how long a completion may take: nothing is typed meanwhile.
const completeTime = time.Second

// complete is for a line that the shell reads. An answer that is late is not waited
// for, and not called off either: that would end what the shell does.
func (h *shellHost) complete(before string) (start int, words []string) {
	answers := make(chan *wire.Message, 1)
	go func() { // ends with the answer, or the child
		if a, err := h.ask(context.Background(), &wire.Message{Op: wire.OpComplete, Text: before}); err == nil {
			answers <- a
		}
	}()
	select {
	case a := <-answers:
		return int(a.Offset), a.Args
	case <-time.After(completeTime):
	case <-h.ctx.Done():
	}
	return 0, nil
}

// spawn runs a program for the shell, in its process group.
func (h *shellHost) spawn(ctx context.Context, cancel context.CancelCauseFunc, m *wire.Message) (*wire.Message, error) {
	defer func() {
		for _, f := range m.Files {
			_ = f.Close()
		}
	}()
	if len(m.Files) != 3 || len(m.Args) == 0 || h.m.programs[m.Args[0]] == "" {
		return nil, syscall.EINVAL
	}
	e := &entry{parent: h.shell.pid, group: h.shell.pid, command: commandLine(m.Args), signal: func(n int) { cancel(signalled(n)) }}
	if err := h.m.table.add(e); err != nil {
		return nil, syscall.EAGAIN // as a fork that there is no room for
	}
	defer h.m.table.remove(e)
	code := h.m.runProgram(ctx, invocation{
		args: m.Args, dir: m.Dir, env: m.Env, tty: m.TTY, stdin: m.Files[0], stdout: m.Files[1], stderr: m.Files[2],
	})
	return &wire.Message{Code: statusOf(ctx, code).Code}, nil
}

// now carries out a request at once.
func (h *shellHost) now(m *wire.Message) (*wire.Message, error) {
	files := h.m.files
	done := func(err error) (*wire.Message, error) { return &wire.Message{}, err }
	switch m.Op {
	case wire.OpOpen:
		return h.openFile(m)
	case wire.OpRead, wire.OpReadAt, wire.OpWrite, wire.OpSeek, wire.OpFstat, wire.OpTruncate, wire.OpClose:
		return h.onHandle(m)
	case wire.OpStat:
		return h.info(files.Stat(m.Path))
	case wire.OpLstat:
		return h.info(files.Lstat(m.Path))
	case wire.OpReadDir:
		return h.readDir(m)
	case wire.OpReadlink:
		target, err := files.Readlink(m.Path)
		return &wire.Message{Path: target}, err
	case wire.OpMkdir:
		return done(files.Mkdir(m.Path, m.Perm))
	case wire.OpMkdirAll:
		return done(files.MkdirAll(m.Path, m.Perm))
	case wire.OpSymlink:
		return done(files.Symlink(m.To, m.Path))
	case wire.OpRemove:
		return done(files.Remove(m.Path))
	case wire.OpRemoveAll:
		return done(files.RemoveAll(m.Path))
	case wire.OpRename:
		return done(files.Rename(m.Path, m.To))
	case wire.OpChmod:
		return done(files.Chmod(m.Path, m.Perm))
	case wire.OpChown:
		return done(files.Chown(m.Path, m.To, m.Text))
	case wire.OpChtimes:
		if len(m.Times) != 2 {
			return nil, syscall.EINVAL
		}
		return done(files.Chtimes(m.Path, m.Times[0], m.Times[1]))
	}
	return h.process(m)
}

// process carries out what is about processes and the sandbox.
func (h *shellHost) process(m *wire.Message) (*wire.Message, error) {
	switch m.Op {
	case wire.OpJob:
		return h.startJob(m)
	case wire.OpJobEnd:
		h.mu.Lock()
		j := h.jobs[m.PID]
		delete(h.jobs, m.PID)
		h.mu.Unlock()
		if j != nil {
			h.m.table.remove(j)
		}
		return &wire.Message{}, nil
	case wire.OpKill:
		return &wire.Message{}, h.m.table.kill(m.PID, m.Signal)
	case wire.OpPS:
		return &wire.Message{Processes: h.m.table.list()}, nil
	case wire.OpServe:
		return h.serve(m)
	case wire.OpDisk:
		used, limit := h.m.disk()
		return &wire.Message{N: used, Offset: limit}, nil
	}
	return nil, syscall.ENOSYS
}

// startJob gives a background job of the shell a PID.
func (h *shellHost) startJob(m *wire.Message) (*wire.Message, error) {
	e := &entry{parent: h.shell.pid, group: h.shell.pid, command: m.Text}
	e.signal = func(n int) { _ = h.tell(&wire.Message{Op: wire.OpSignal, PID: e.pid, Signal: n}) }
	if err := h.m.table.add(e); err != nil {
		return nil, syscall.EAGAIN
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.jobs[e.pid] = e
	return &wire.Message{PID: e.pid}, nil
}

// serve begins to serve a folder, or ends it.
func (h *shellHost) serve(m *wire.Message) (*wire.Message, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if m.Port < 0 {
		if h.served[-m.Port] {
			delete(h.served, -m.Port)
			h.m.unserve(-m.Port)
		}
		return &wire.Message{}, nil
	}
	port, err := h.m.serve(m.Port, m.Dir, h.shell.pid)
	if err == nil {
		h.served[port] = true
	}
	return &wire.Message{Port: port}, err
}

func (h *shellHost) info(info fs.FileInfo, err error) (*wire.Message, error) {
	if err != nil {
		return nil, err
	}
	i := h.wireInfo(info)
	return &wire.Message{Info: &i}, nil
}

func (h *shellHost) wireInfo(info fs.FileInfo) wire.Info {
	owner, group := h.m.files.Owner(info)
	return wire.Info{FileName: info.Name(), Length: info.Size(), Bits: info.Mode(), Modified: info.ModTime(), Owner: owner, Group: group}
}

// readDir answers a page of a folder. What was read for the first page is kept
// for the others.
func (h *shellHost) readDir(m *wire.Message) (*wire.Message, error) {
	if m.Offset == 0 || h.listed != m.Path {
		entries, err := h.m.files.ReadDir(m.Path)
		if err != nil {
			return nil, err
		}
		h.folder, h.listed = entries, m.Path
	}
	rest := h.folder[min(max(0, m.Offset), int64(len(h.folder))):]
	page := rest[:min(len(rest), maxPageSize)]
	a := &wire.Message{EOF: len(page) == len(rest)}
	for _, e := range page {
		if info, err := e.Info(); err == nil {
			a.Infos = append(a.Infos, h.wireInfo(info))
		} else {
			a.Infos = append(a.Infos, wire.Info{FileName: e.Name(), Bits: e.Type()}) // it has gone meanwhile
		}
	}
	if a.EOF {
		h.folder, h.listed = nil, ""
	}
	return a, nil
}

func (h *shellHost) openFile(m *wire.Message) (*wire.Message, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.open) >= maxHandles {
		return nil, syscall.EMFILE
	}
	f, err := h.m.files.OpenFile(m.Path, m.Flag, m.Perm)
	if err != nil {
		return nil, err
	}
	h.next++
	h.open[h.next] = f
	return &wire.Message{Handle: h.next}, nil
}

func (h *shellHost) onHandle(m *wire.Message) (*wire.Message, error) {
	h.mu.Lock()
	f := h.open[m.Handle]
	if m.Op == wire.OpClose {
		delete(h.open, m.Handle)
	}
	h.mu.Unlock()
	if f == nil {
		return nil, os.ErrClosed
	}
	switch m.Op {
	case wire.OpRead, wire.OpReadAt:
		buf := make([]byte, min(max(0, m.N), wire.MaxData))
		read := f.Read
		if m.Op == wire.OpReadAt {
			read = func(p []byte) (int, error) { return f.ReadAt(p, m.Offset) }
		}
		n, err := read(buf)
		if err == io.EOF {
			err = nil
		}
		return &wire.Message{Data: buf[:n]}, err
	case wire.OpWrite:
		n, err := f.Write(m.Data)
		return &wire.Message{N: int64(n)}, err
	case wire.OpSeek:
		n, err := f.Seek(m.Offset, m.Whence)
		return &wire.Message{Offset: n}, err
	case wire.OpFstat:
		return h.info(f.Stat())
	case wire.OpTruncate:
		return &wire.Message{}, f.Truncate(m.Offset)
	}
	return &wire.Message{}, f.Close()
}

// commandLine is what ps shows of a command.
func commandLine(args []string) string {
	const most = 200
	line := ""
	for i, arg := range args {
		if i > 0 {
			line += " "
		}
		if line += arg; len(line) > most {
			break
		}
	}
	return string([]rune(line)[:min(most, len([]rune(line)))])
}
