// Package toolbox serves the whole toolbox of a sandbox over any guest: files,
// processes, git, language servers, ports and facts, as one http.Handler. Where
// a sandbox can have a screen, its maker adds what serves that.
//
// In a container the agent toolboxd serves it; for a guest inside the server,
// the server does.
package toolbox

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"slices"
	"sync"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/gitrepo"
	"sandpiper/sandbox/guest"
	"sandpiper/sandbox/toolbox/answer"
	"sandpiper/sandbox/toolbox/attach"
	"sandpiper/sandbox/toolbox/files"
	"sandpiper/sandbox/toolbox/git"
	"sandpiper/sandbox/toolbox/lsp"
	"sandpiper/sandbox/toolbox/process"
	"sandpiper/sandbox/toolbox/toolboxtype"
	"sandpiper/sandbox/toolbox/upgrade"
)

// Config says what a Toolbox serves.
type Config struct {
	Guest guest.Guest

	// Token is what callers must send in sandbox.TokenHeader. With an empty one
	// whoever reaches the toolbox is trusted, as at an end of a pipe.
	Token string

	Version string // that /version answers

	// Desktop makes what serves the operations below /computeruse/ over the
	// guest; nil where sandboxes cannot have a screen.
	Desktop func(guest.Guest) Part

	// Network says which git servers may be reached; its zero value is for none.
	Network gitrepo.Network
}

// Part is a part of a toolbox that is made elsewhere. Close ends what the part
// has started and waits for that.
type Part interface {
	http.Handler
	Close()
}

// Toolbox is the handler. It is safe for concurrent use.
type Toolbox struct {
	guest   *liveGuest
	version string
	process *process.Handler
	attach  *attach.Handler
	lsp     *lsp.Handler
	remote  *remote
	desktop Part // nil where there is none
	mux     *http.ServeMux
	tunnels upgrade.Group

	mu     sync.Mutex
	tokens [][sha256.Size]byte // none: everybody is trusted
	last   reading
}

// New returns the toolbox of a guest. The caller must Close it.
func New(cfg Config) *Toolbox {
	live := newLiveGuest(cfg.Guest)
	t := &Toolbox{
		guest: live, version: cfg.Version, mux: http.NewServeMux(),
		process: process.New(process.Config{Guest: live}), attach: attach.New(live), lsp: lsp.New(live),
	}
	if cfg.Token != "" {
		t.tokens = append(t.tokens, sha256.Sum256([]byte(cfg.Token)))
	}
	t.process.Register(t.mux)
	t.attach.Register(t.mux)
	t.lsp.Register(t.mux)
	t.remote = newRemote(live, cfg.Guest)
	t.remote.register(t.mux)
	files.New(live).Register(t.mux)
	git.New(live, cfg.Network).Register(t.mux)
	if cfg.Desktop != nil {
		t.desktop = cfg.Desktop(live)
		t.mux.Handle("/computeruse/", t.desktop)
	} else {
		t.mux.Handle("/computeruse/", answer.Handler(noDesktop))
	}
	t.register()
	return t
}

// Close kills all that was started through the toolbox and waits for its end.
// Requests must not come any more.
func (t *Toolbox) Close() {
	t.tunnels.Close()
	if t.desktop != nil {
		t.desktop.Close()
	}
	t.remote.close()
	t.attach.Close()
	t.lsp.Close()
	t.process.Close()
}

// StartEntrypoint starts the sandbox's main process, whose log the toolbox
// serves. It may be called once.
func (t *Toolbox) StartEntrypoint(args []string) error { return t.process.StartEntrypoint(args) }

// ServeHTTP implements http.Handler.
func (t *Toolbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !t.trusted(r.Header.Get(sandbox.TokenHeader)) {
		answer.Write(w, r, answer.Errorf(http.StatusUnauthorized, "UNAUTHORIZED", "the toolbox's token is missing or wrong"))
		return
	}
	t.mux.ServeHTTP(w, r)
}

// trusted compares in constant time, also for tokens of other lengths.
func (t *Toolbox) trusted(token string) bool {
	sum := sha256.Sum256([]byte(token))
	t.mu.Lock()
	defer t.mu.Unlock()
	ok := len(t.tokens) == 0
	for _, known := range t.tokens {
		ok = subtle.ConstantTimeCompare(sum[:], known[:]) == 1 || ok
	}
	return ok
}

// register adds the routes that are not those of a part.
func (t *Toolbox) register() {
	answer.Register(t.mux, t.routes())
	t.mux.Handle("GET /tcp", answer.Handler(t.tunnel))
	t.mux.Handle("/", answer.Handler(notFound))
}

// Routes describes the operations that clients may call, but for those of a desktop.
// What only the server uses, to lead connections into a sandbox, is not there.
func Routes() []answer.Route {
	return slices.Concat(new(Toolbox).routes(), files.Routes(), process.Routes(), git.Routes(), lsp.Routes())
}

func (t *Toolbox) routes() []answer.Route {
	return []answer.Route{
		answer.Op("POST /env", t.updateEnv, "UpdateEnv", "Change the environment of processes that start later").Takes(toolboxtype.UpdateEnvRequest{}).Gives(http.StatusOK, map[string]string{}),
		answer.Op("POST /init", t.initialize, "Initialize", "Give the toolbox one more token to accept").Takes(toolboxtype.InitializeRequest{}).Gives(http.StatusOK, map[string]string{}),
		answer.Op("GET /port", t.ports, "GetPorts", "List ports on which something listens").Gives(http.StatusOK, toolboxtype.PortList{}),
		answer.Op("GET /port/{port}/in-use", t.portInUse, "IsPortInUse", "Tell whether something listens on a port").Gives(http.StatusOK, toolboxtype.IsPortInUseResponse{}),
		answer.Op("GET /system/metrics", t.metrics, "GetSystemMetrics", "Tell what the sandbox uses").Gives(http.StatusOK, toolboxtype.SystemMetrics{}),
		answer.Op("GET /system/processes", t.processes, "ListProcesses", "List what runs").Gives(http.StatusOK, toolboxtype.ProcessList{}),
		answer.Op("GET /user-home-dir", t.homeDir, "GetUserHomeDir", "Tell the user's home").Gives(http.StatusOK, toolboxtype.UserHomeDirResponse{}),
		answer.Op("GET /version", t.answerVersion, "GetVersion", "Tell the version of the toolbox").Gives(http.StatusOK, map[string]string{}),
		answer.Op("GET /work-dir", t.workDir, "GetWorkDir", "Tell the folder in which commands run").Gives(http.StatusOK, toolboxtype.WorkDirResponse{}),
	}
}

func noDesktop(w http.ResponseWriter, r *http.Request) error {
	return answer.Errorf(http.StatusNotImplemented, "INTERNAL_SERVER_ERROR",
		"a sandbox on WebAssembly has no screen, mouse or keyboard: create one from the snapshot %s", sandbox.DesktopSnapshot)
}

func notFound(w http.ResponseWriter, r *http.Request) error {
	return answer.Errorf(http.StatusNotFound, "NOT_FOUND", "the toolbox has no %s %s", r.Method, r.URL.Path)
}

// reading is what the CPU had done at a time.
type reading struct {
	at      time.Time
	seconds float64
}
