package sandboxtest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"sandpiper/sandbox"
)

// Engine is a sandbox.Engine with all powers that holds nothing but the states
// of its sandboxes. Each call can be made to fail or to take its time, and
// sandboxes can change behind everybody's back. Every ref is there unless it
// begins with "none"; one that begins with "server" has a main process.
type Engine struct {
	name sandbox.EngineName
	dir  string // where the sandboxes are kept; "" for nowhere

	mu       sync.Mutex
	held     map[string]*Held
	archives map[string]Held
	fails    map[string][]error
	delays   map[string]time.Duration
	calls    []string
	down     error
	print    sandbox.Fingerprint
}

// Held is a sandbox as an Engine has it.
type Held struct {
	Spec  sandbox.Spec
	State sandbox.State
	Made  time.Time
	Env   map[string]string // set through the toolbox

	Linked []sandbox.Peer // by the last Link: itself and those that it reaches

	Interrupted bool // by the engine's end, where State says that it is stopped
	DiskBytes   int64

	Work sandbox.Work // that its processes have done
}

var (
	_ sandbox.Engine      = (*Engine)(nil)
	_ sandbox.Pauser      = (*Engine)(nil)
	_ sandbox.Resizer     = (*Engine)(nil)
	_ sandbox.Archiver    = (*Engine)(nil)
	_ sandbox.Forker      = (*Engine)(nil)
	_ sandbox.Snapshotter = (*Engine)(nil)
	_ sandbox.Networker   = (*Engine)(nil)
	_ sandbox.Linker      = (*Engine)(nil)
	_ sandbox.Meter       = (*Engine)(nil)
)

// NewEngine returns an engine with room for much.
func NewEngine(name sandbox.EngineName) *Engine {
	return &Engine{
		name: name, held: make(map[string]*Held), archives: make(map[string]Held),
		fails: make(map[string][]error), delays: make(map[string]time.Duration),
		print: sandbox.Fingerprint{
			Version: "1", Isolation: "pretence", Runtimes: []string{"crun"}, DiskQuota: "enforced",
			Capacity:  sandbox.Resources{CPU: 64, MemoryGiB: 256, DiskGiB: 1024},
			Available: sandbox.Resources{CPU: 64, MemoryGiB: 256, DiskGiB: 1024},
			MaxEach:   sandbox.Resources{CPU: 16, MemoryGiB: 64, DiskGiB: 100},
			Can:       sandbox.Powers{Pause: true, Resize: true, Archive: true, Fork: true, Snapshot: true, Network: true, Link: true},
		},
	}
}

// NewEngineAt returns an engine that keeps its sandboxes in a folder, so that
// they outlive the process.
func NewEngineAt(name sandbox.EngineName, dir string) (*Engine, error) {
	e := NewEngine(name)
	e.dir = dir
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var h Held
		if err := json.Unmarshal(text, &h); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		e.held[h.Spec.ID] = &h
	}
	return e, nil
}

// SetPrint changes what the engine says of itself.
func (e *Engine) SetPrint(change func(*sandbox.Fingerprint)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change(&e.print)
}

// SetDown makes every call fail with err until it is nil again.
func (e *Engine) SetDown(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.down = err
}

// FailNext makes the next calls of a method, such as "create", fail with errs,
// one after another.
func (e *Engine) FailNext(method string, errs ...error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.fails[method] = append(e.fails[method], errs...)
}

// SetDelay makes every call of a method take a while.
func (e *Engine) SetDelay(method string, d time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.delays[method] = d
}

// Calls returns the calls that changed something, in order, as "create ID".
func (e *Engine) Calls() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.calls)
}

// Vanish takes a sandbox away behind everybody's back.
func (e *Engine) Vanish(id string) { e.Set(id, nil) }

// Set puts a sandbox into the engine, or changes it, behind everybody's back.
func (e *Engine) Set(id string, h *Held) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if h == nil {
		delete(e.held, id)
		return
	}
	h.Spec.ID = id
	e.held[id] = h
}

// Become changes the state of a sandbox behind everybody's back.
func (e *Engine) Become(id string, state sandbox.State) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if h := e.held[id]; h != nil {
		h.State = state
	}
}

// Held returns a sandbox as the engine has it.
func (e *Engine) Held(id string) (Held, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if h := e.held[id]; h != nil {
		return *h, true
	}
	return Held{}, false
}

// Count returns how many sandboxes the engine has, and how many archives.
func (e *Engine) Count() (held, archives int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.held), len(e.archives)
}

// begin notes a call and lets it fail or take its time.
func (e *Engine) begin(ctx context.Context, method, id string) error {
	e.mu.Lock()
	e.calls = append(e.calls, method+" "+id)
	delay, err := e.delays[method], e.down
	if fails := e.fails[method]; err == nil && len(fails) > 0 {
		err, e.fails[method] = fails[0], fails[1:]
	}
	e.mu.Unlock()
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-ctx.Done():
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// change changes a sandbox that is there.
func (e *Engine) change(ctx context.Context, method, id string, change func(*Held) error) error {
	if err := e.begin(ctx, method, id); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	h := e.held[id]
	if h == nil {
		return sandbox.Errorf(sandbox.KindNotFound, "there is no such sandbox in the engine")
	}
	if err := change(h); err != nil {
		return err
	}
	return e.keep(id)
}

// keep writes a sandbox to the engine's folder. Preconditions: e.mu must be held.
func (e *Engine) keep(id string) error {
	if e.dir == "" {
		return nil
	}
	file := filepath.Join(e.dir, id+".json")
	h, ok := e.held[id]
	if !ok {
		if err := os.Remove(file); err != nil && !os.IsNotExist(err) {
			return err
		}
		return nil
	}
	text, err := json.Marshal(h)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

func need(h *Held, states ...sandbox.State) error {
	if !slices.Contains(states, h.State) {
		return sandbox.Errorf(sandbox.KindConflict, "the sandbox is %s in the engine", h.State)
	}
	return nil
}

// Name implements sandbox.Engine.
func (e *Engine) Name() sandbox.EngineName { return e.name }

// Fingerprint implements sandbox.Engine.
func (e *Engine) Fingerprint(context.Context) (sandbox.Fingerprint, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.print, e.down
}

// Create implements sandbox.Engine: for as long as it takes there is half a
// sandbox, which is stopped.
func (e *Engine) Create(ctx context.Context, spec sandbox.Spec) error {
	e.mu.Lock()
	if e.held[spec.ID] == nil && e.down == nil {
		e.held[spec.ID] = &Held{Spec: spec, State: sandbox.StateStopped, Made: time.Now()}
	}
	err := e.keep(spec.ID)
	e.mu.Unlock()
	if err != nil {
		return err
	}
	return e.change(ctx, "create", spec.ID, func(h *Held) error {
		h.Spec, h.State = spec, sandbox.StateStarted
		return nil
	})
}

// Start implements sandbox.Engine.
func (e *Engine) Start(ctx context.Context, spec sandbox.Spec) error {
	return e.change(ctx, "start", spec.ID, func(h *Held) error {
		h.Spec, h.State = spec, sandbox.StateStarted
		return nil
	})
}

// Stop implements sandbox.Engine; Calls shows whether there was a grace.
func (e *Engine) Stop(ctx context.Context, id string, grace time.Duration) error {
	method := "stop"
	if grace == 0 {
		method = "kill"
	}
	return e.change(ctx, method, id, func(h *Held) error {
		h.State, h.Env, h.Linked = sandbox.StateStopped, nil, nil
		return nil
	})
}

// Destroy implements sandbox.Engine.
func (e *Engine) Destroy(ctx context.Context, id string) error {
	if err := e.begin(ctx, "destroy", id); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.held, id)
	return e.keep(id)
}

// Status implements sandbox.Engine.
func (e *Engine) Status(_ context.Context, id string) (sandbox.Found, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.down != nil {
		return sandbox.Found{}, e.down
	}
	h := e.held[id]
	if h == nil {
		return sandbox.Found{}, sandbox.Errorf(sandbox.KindNotFound, "there is no such sandbox in the engine")
	}
	return h.found(), nil
}

func (h *Held) found() sandbox.Found {
	network := h.Spec.Network.Clone()
	return sandbox.Found{
		ID: h.Spec.ID, State: h.State, Isolation: "pretence", CreatedAt: h.Made, DiskBytes: h.DiskBytes, Network: &network,
		Interrupted: h.Interrupted && h.State == sandbox.StateStopped,
	}
}

// List implements sandbox.Engine.
func (e *Engine) List(context.Context) ([]sandbox.Found, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.down != nil {
		return nil, e.down
	}
	var all []sandbox.Found
	for _, h := range e.held {
		all = append(all, h.found())
	}
	return all, nil
}

// Dial implements sandbox.Engine. The toolbox knows POST /env only; no other
// port answers.
func (e *Engine) Dial(ctx context.Context, id string, port int) (net.Conn, error) {
	if h, ok := e.Held(id); !ok || h.State != sandbox.StateStarted || port != sandbox.ToolboxPort {
		return nil, sandbox.Errorf(sandbox.KindNotFound, "nothing listens on port %d", port)
	}
	if err := e.begin(ctx, "dial", id); err != nil {
		return nil, err
	}
	client, server := net.Pipe()
	go e.serve(server, id)
	return client, nil
}

// serve answers one request to a toolbox.
func (e *Engine) serve(conn net.Conn, id string) {
	defer conn.Close()
	r, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	status := e.answer(r, id)
	fmt.Fprintf(conn, "HTTP/1.1 %d %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", status, http.StatusText(status))
}

func (e *Engine) answer(r *http.Request, id string) int {
	var body struct{ Set map[string]string }
	err := json.NewDecoder(r.Body).Decode(&body)
	e.mu.Lock()
	defer e.mu.Unlock()
	h := e.held[id]
	switch {
	case err != nil || h == nil || r.URL.Path != "/env":
		return http.StatusBadRequest
	case r.Header.Get(sandbox.TokenHeader) != h.Spec.Token:
		return http.StatusUnauthorized
	}
	h.Env = maps.Clone(body.Set)
	return http.StatusOK
}

// HasRef implements sandbox.Engine.
func (e *Engine) HasRef(_ context.Context, ref string) (sandbox.RefInfo, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.down != nil {
		return sandbox.RefInfo{}, e.down
	}
	if strings.HasPrefix(ref, "none") {
		return sandbox.RefInfo{}, sandbox.Errorf(sandbox.KindNotFound, "there is no image %s", ref)
	}
	if strings.HasPrefix(ref, "server") {
		return sandbox.RefInfo{SizeBytes: 1 << 20, Entrypoint: []string{"/server"}, Cmd: []string{"--port", "80"}}, nil
	}
	return sandbox.RefInfo{SizeBytes: 1 << 20}, nil
}

// Pause implements sandbox.Pauser.
func (e *Engine) Pause(ctx context.Context, id string) error {
	return e.change(ctx, "pause", id, func(h *Held) error {
		if err := need(h, sandbox.StateStarted, sandbox.StatePaused); err != nil {
			return err
		}
		h.State = sandbox.StatePaused
		return nil
	})
}

// Resume implements sandbox.Pauser.
func (e *Engine) Resume(ctx context.Context, id string) error {
	return e.change(ctx, "resume", id, func(h *Held) error {
		if err := need(h, sandbox.StateStarted, sandbox.StatePaused); err != nil {
			return err
		}
		h.State = sandbox.StateStarted
		return nil
	})
}

// Work implements sandbox.Meter: what Held says.
func (e *Engine) Work(ctx context.Context, id string) (work sandbox.Work, err error) {
	err = e.change(ctx, "work", id, func(h *Held) error {
		work = h.Work
		return need(h, sandbox.StateStarted)
	})
	return work, err
}

// Resize implements sandbox.Resizer.
func (e *Engine) Resize(ctx context.Context, id string, r sandbox.Resources) error {
	return e.change(ctx, "resize", id, func(h *Held) error {
		h.Spec.Resources = r
		return nil
	})
}

// SetNetwork implements sandbox.Networker.
func (e *Engine) SetNetwork(ctx context.Context, id string, n sandbox.Network) error {
	return e.change(ctx, "network", id, func(h *Held) error {
		h.Spec.Network = n.Clone()
		return nil
	})
}

// Link implements sandbox.Linker.
func (e *Engine) Link(ctx context.Context, family []sandbox.Peer) error {
	if err := e.begin(ctx, "link", ""); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	up := slices.DeleteFunc(slices.Clone(family), func(p sandbox.Peer) bool {
		return e.held[p.ID] == nil || e.held[p.ID].State == sandbox.StateStopped
	})
	for _, p := range up {
		e.held[p.ID].Linked = up
	}
	return nil
}

// Archive implements sandbox.Archiver.
func (e *Engine) Archive(ctx context.Context, id string) (string, error) {
	err := e.change(ctx, "archive", id, func(h *Held) error {
		if err := need(h, sandbox.StateStopped); err != nil {
			return err
		}
		e.archives["archive of "+id] = *h
		delete(e.held, id)
		return nil
	})
	return "archive of " + id, err
}

// Restore implements sandbox.Archiver.
func (e *Engine) Restore(ctx context.Context, spec sandbox.Spec, archive string) error {
	if err := e.begin(ctx, "restore", spec.ID); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	h, ok := e.archives[archive]
	if !ok {
		return sandbox.Errorf(sandbox.KindNotFound, "there is no such archive")
	}
	h.Spec, h.State = spec, sandbox.StateStopped
	e.held[spec.ID] = &h
	return e.keep(spec.ID)
}

// DeleteArchive implements sandbox.Archiver.
func (e *Engine) DeleteArchive(ctx context.Context, archive string) error {
	if err := e.begin(ctx, "forget", archive); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.archives, archive)
	return nil
}

// Fork implements sandbox.Forker.
func (e *Engine) Fork(ctx context.Context, source string, fork sandbox.Spec) error {
	return e.change(ctx, "fork", source, func(h *Held) error {
		if err := need(h, sandbox.StateStarted); err != nil {
			return err
		}
		e.held[fork.ID] = &Held{Spec: fork, State: sandbox.StateStarted, Made: time.Now()}
		return e.keep(fork.ID)
	})
}

// Snapshot implements sandbox.Snapshotter.
func (e *Engine) Snapshot(ctx context.Context, id, name string) (string, sandbox.RefInfo, error) {
	err := e.change(ctx, "snapshot", id, func(*Held) error { return nil })
	return "snapshot/" + name, sandbox.RefInfo{SizeBytes: 1 << 20}, err
}

// DeleteRef implements sandbox.Snapshotter.
func (e *Engine) DeleteRef(ctx context.Context, ref string) error { return e.begin(ctx, "unref", ref) }
