package computer

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"os"
	"path"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"sandpiper/runtimes/wasm/jail"
	"sandpiper/runtimes/wasm/program"
	"sandpiper/runtimes/wasm/shell"
	"sandpiper/sandbox"
	"sandpiper/sandbox/guest"
)

// Where things are in a sandbox.
const (
	homeDir    = "/home/" + userName
	searchPath = homeDir + "/.local/bin:/usr/local/bin:/usr/bin:/bin"
)

// errStopped is for a sandbox that has been stopped meanwhile.
var errStopped = sandbox.Errorf(sandbox.KindConflict, "the sandbox is not started")

// machine is a started sandbox.
type machine struct {
	cfg      *Config
	spares   *spares
	programs map[string]string // the language of each command
	env      []string
	root     *os.Root
	home     *jail.FS
	files    *fileSystem
	group    program.Group
	table    *table
	toolbox  Toolbox
	server   *http.Server
	listener *listener
	started  time.Time

	ctx     context.Context // done when the sandbox stops
	stop    context.CancelCauseFunc
	running sync.WaitGroup // processes, shells and servers

	mu       sync.Mutex
	stopped  bool
	paused   bool
	limits   sandbox.Resources
	network  sandbox.Network
	children map[*shell.Child]struct{}
	shellCPU time.Duration // of shells that have ended
	ports    map[int]*preview
}

var _ guest.Guest = (*machine)(nil)

// newMachine starts the sandbox whose file system is in root, which it closes in
// the end.
func newMachine(cfg *Config, s *spares, spec sandbox.Spec, root *os.Root, used jail.Usage) *machine {
	m := &machine{
		cfg: cfg, spares: s, root: root, started: time.Now(), limits: bounded(spec.Resources), network: spec.Network,
		children: map[*shell.Child]struct{}{}, ports: map[int]*preview{}, table: newTable(cfg.MaxProcesses),
	}
	m.programs = programTable(cfg.Languages.Commands())
	m.programs["git"] = "git"
	m.home = jail.NewHome(root, fileLimits(m.limits), used)
	m.files = &fileSystem{home: m.home, virtual: newVirtual(slices.Collect(maps.Keys(m.programs)), m.started)}
	m.group = cfg.Languages.NewGroup(programLimits(m.limits))
	m.env = environment(spec, m.limits)
	m.ctx, m.stop = context.WithCancelCause(context.Background())
	m.listener = newListener()
	m.toolbox = cfg.NewToolbox(m, spec)
	m.server = newServer(m.toolbox)
	m.running.Go(func() { _ = m.server.Serve(m.listener) }) // it ends with the listener
	return m
}

// bounded fills in what a sandbox has when nothing is asked for.
func bounded(r sandbox.Resources) sandbox.Resources {
	return sandbox.Resources{CPU: cmp.Or(max(0, r.CPU), 1), MemoryGiB: cmp.Or(max(0, r.MemoryGiB), 1), DiskGiB: cmp.Or(max(0, r.DiskGiB), 1)}
}

// maxFilesPerGiB bounds the files and folders of a sandbox.
const maxFilesPerGiB = 100_000

func fileLimits(r sandbox.Resources) jail.Limits {
	return jail.Limits{Bytes: int64(r.DiskGiB) << 30, Files: r.DiskGiB * maxFilesPerGiB, OpenFiles: 1024}
}

// programLimits bounds the programs of languages.
func programLimits(r sandbox.Resources) program.Limits {
	return program.Limits{CPUs: r.CPU, MemoryBytes: int64(r.MemoryGiB) << 30}
}

// environment is what processes start from.
func environment(spec sandbox.Spec, r sandbox.Resources) []string {
	all := map[string]string{
		"HOME": homeDir, "USER": userName, "LOGNAME": userName, "SHELL": "/bin/bash", "PATH": searchPath, "LANG": "C.UTF-8", "TZ": "UTC",
		"TMPDIR": "/tmp", "HOSTNAME": "wasm", "SANDPIPER_CPUS": strconv.Itoa(r.CPU),
	}
	maps.Copy(all, spec.Env)
	env := make([]string, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		env = append(env, name+"="+all[name])
	}
	return env
}

// begin joins what runs, unless the sandbox is stopping.
func (m *machine) begin() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stopped {
		return false
	}
	m.running.Add(1)
	return true
}

// stopping reports whether the sandbox is about to stop, or has.
func (m *machine) stopping() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.stopped
}

// close ends every process, asked to end first and given grace, and waits for all
// that belongs to the sandbox.
func (m *machine) close(grace time.Duration) error {
	m.resume()
	m.mu.Lock()
	m.stopped = true
	m.mu.Unlock()
	if grace > 0 && m.table.busy() {
		m.table.terminate()
		m.awaitProcesses(grace)
	}
	m.stop(signalled(guest.SIGKILL))
	m.mu.Lock()
	for _, p := range m.ports {
		p.close()
	}
	m.mu.Unlock()
	err := m.server.Close()
	m.toolbox.Close()
	m.running.Wait()
	m.group.Close()
	return errors.Join(err, m.home.Close(), m.root.Close())
}

// awaitProcesses waits until none does anything, or the time is over.
func (m *machine) awaitProcesses(grace time.Duration) {
	const look = 5 * time.Millisecond
	for end := time.Now().Add(grace); m.table.busy() && time.Now().Before(end); {
		time.Sleep(look)
	}
}

// pause freezes every process where it is.
func (m *machine) pause() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.paused = true
	m.group.Pause()
	for c := range m.children {
		c.Signal(syscall.SIGSTOP)
	}
}

func (m *machine) resume() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.paused = false
	m.group.Resume()
	for c := range m.children {
		c.Signal(syscall.SIGCONT)
	}
}

func (m *machine) isPaused() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.paused
}

// resize changes what the sandbox may use.
func (m *machine) resize(r sandbox.Resources) {
	m.mu.Lock()
	m.limits = bounded(r)
	r = m.limits
	m.mu.Unlock()
	m.group.Resize(programLimits(r))
	m.home.SetLimits(fileLimits(r))
}

// disk returns the bytes in use and their limit.
func (m *machine) disk() (used, limit int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.home.Used().Bytes, int64(m.limits.DiskGiB) << 30
}

// FS implements guest.Guest.
func (m *machine) FS() guest.FS { return m.files }

// Info implements guest.Guest.
func (m *machine) Info() guest.Info {
	return guest.Info{
		Home: homeDir, WorkDir: homeDir, User: userName, Env: slices.Clone(m.env), Shell: []string{"/bin/bash"},
		Lacks: []string{"sockets", "packages with native code", "programs of Linux"},
	}
}

// Metrics implements guest.Guest.
func (m *machine) Metrics(ctx context.Context) (guest.Metrics, error) {
	programs := m.group.Usage(ctx)
	used, limit := m.disk()
	m.mu.Lock()
	defer m.mu.Unlock()
	memory, cpu := programs.MemoryBytes, programs.CPU+m.shellCPU
	for c := range m.children {
		own, time := c.Usage()
		memory += own
		cpu += time
	}
	return guest.Metrics{
		At: time.Now(), CPUCount: float64(m.limits.CPU), CPUSeconds: cpu.Seconds(), MemoryBytes: memory, MemoryLimit: int64(m.limits.MemoryGiB) << 30,
		DiskBytes: used, DiskLimit: limit, Processes: m.table.count(),
	}, nil
}

// makeLayout makes the folders and files that every sandbox begins with.
func makeLayout(root *os.Root) error {
	for _, dir := range []string{"bin", "dev", "etc", "home/" + userName, "opt", "tmp", "usr/bin", "usr/local/bin", "var/tmp"} {
		if err := root.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	for name, text := range map[string]string{
		"passwd":     "root:x:0:0:root:/root:/bin/bash\n" + userName + ":x:1000:1000::" + homeDir + ":/bin/bash\n",
		"group":      "root:x:0:\n" + userName + ":x:1000:\n",
		"hostname":   "wasm\n",
		"os-release": "NAME=\"Sandpiper WebAssembly sandbox\"\nID=sandpiper\nPRETTY_NAME=\"Sandpiper WebAssembly sandbox\"\n",
	} {
		if err := root.WriteFile(path.Join("etc", name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
