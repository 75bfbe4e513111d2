package docker

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/docker/docker/api/types/system"

	"sandpiper/runtimes/docker/network"
	"sandpiper/sandbox"
)

// host is what was found out about the Docker engine when it was first there.
// It does not change.
type host struct {
	info     system.Info
	boxes    boxes
	seccomp  string
	runtimes []string // Docker's names of those that really run a container, best first
	quota    bool     // the storage driver holds disk limits

	files int64 // limit of open files for each process; 0 where it cannot be set

	peer       peer             // the daemon's process; the zero one where it cannot be seen
	pool       *network.Pool    // nil where sandboxes have no network at all
	net        *network.Network // nil where rules cannot be enforced
	netProblem string           // why not
}

func (h *host) close() error {
	if h.net == nil {
		return nil
	}
	return h.net.Close()
}

// ready returns the Docker engine, which it looks at and sets up the first time.
// The error says why it cannot be used and what to do about it.
func (e *Engine) ready(ctx context.Context) (*host, error) {
	if h := e.known(); h != nil {
		return h, nil
	}
	e.setupMu.Lock()
	defer e.setupMu.Unlock()
	if h := e.known(); h != nil {
		return h, nil
	}
	if e.failed != nil && time.Since(e.failedAt) < retrySetup {
		return nil, e.failed
	}
	h, err := e.setup(ctx)
	if err != nil {
		err = problem("set up the Docker engine", err)
		if ctx.Err() == nil {
			e.failed, e.failedAt = err, time.Now()
		}
		return nil, err
	}
	e.failed = nil
	e.mu.Lock()
	defer e.mu.Unlock()
	e.host = h
	return h, nil
}

// retrySetup is how long an engine that cannot be used is left alone.
const retrySetup = 3 * time.Second

func (e *Engine) known() *host {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.host
}

// forget makes the next call look at the Docker engine again.
func (e *Engine) forget(h *host) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.host != h || h == nil {
		return nil
	}
	e.host = nil
	return h.close()
}

// setup looks at the Docker engine and prepares it: it probes what works, opens
// the network, and takes over what an earlier process left.
func (e *Engine) setup(ctx context.Context) (h *host, err error) {
	h = &host{}
	if err := installAgent(e.cfg.Agent, e.agent); err != nil {
		return nil, err
	}
	look, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	if h.info, err = e.api.Info(look); err != nil {
		return nil, err
	}
	if h.seccomp, err = seccompProfile(); err != nil {
		return nil, err
	}
	h.boxes = boxes{dir: e.boxDir(), tmpfs: mayMount(), owner: containerRoot(h.info)}
	h.peer = daemonPeer(e.api.DaemonHost())
	h.files = min(maxFiles, h.peer.maxFiles()) // a container cannot have more than the daemon
	if err := e.removeProbes(ctx); err != nil {
		return nil, err
	}
	if err := e.probe(ctx, h); err != nil {
		return nil, err
	}
	if err := e.takeOver(ctx, h); err != nil {
		return nil, err
	}
	e.log.Info("the Docker engine is ready", "version", h.info.ServerVersion, "runtimes", h.runtimes,
		"network", h.networkWay(), "disk limits", h.quotaWay(e.cfg.Watch.String()))
	return h, nil
}

// containerRoot returns the host's user who is root in containers: another one
// than root where Docker remaps users. The root folder's name ends in it then.
func containerRoot(info system.Info) int {
	if !slices.ContainsFunc(info.SecurityOptions, func(o string) bool { return strings.Contains(o, "name=userns") }) {
		return 0
	}
	name := info.DockerRootDir[strings.LastIndexByte(info.DockerRootDir, '/')+1:]
	uid, _, _ := strings.Cut(name, ".")
	owner, err := strconv.Atoi(uid)
	if err != nil {
		return 0
	}
	return owner
}

// networkWay says for people how sandboxes get their network.
func (h *host) networkWay() string {
	switch {
	case h.pool == nil:
		return "none: " + h.netProblem
	case h.net == nil:
		return "bridge without rules, sandboxes can reach the host's services and networks: " + h.netProblem
	default:
		return "own veth pairs and nftables"
	}
}

func (h *host) quotaWay(every string) string {
	if h.quota {
		return "enforced by the storage driver " + h.info.Driver
	}
	return "watched: use is read every " + every + ", and what is over its limit is stopped"
}

// isolation says for people what isolates the containers of a runtime.
func isolation(runtime string) string {
	if isGVisor(runtime) {
		return "gVisor (" + runtime + ")"
	}
	return "Linux namespaces (" + runtime + ")"
}

func isGVisor(runtime string) bool { return strings.HasPrefix(runtime, "runsc") }

// pick returns the runtime that a spec asks for, or the best.
func (h *host) pick(want string) (string, error) {
	if want == "" {
		return h.runtimes[0], nil
	}
	if slices.Contains(h.runtimes, want) {
		return want, nil
	}
	return "", sandbox.FieldErrorf("runtime", "the container runtime %.40q does not work on this host; %s does", want, strings.Join(h.runtimes, " and "))
}

// plug returns how a sandbox of a runtime gets its network.
func (h *host) plug(runtime string, policy network.Policy) (string, error) {
	switch {
	case h.pool == nil:
		return plugNone, nil
	case h.net == nil && len(policy.Allow) > 0:
		return "", sandbox.FieldErrorf("networkAllowList", "lists of allowed addresses cannot be enforced on this host: %s", h.netProblem)
	case h.net == nil && !policy.Public:
		return plugNone, nil
	case h.net == nil, isGVisor(runtime):
		return plugDocker, nil
	}
	return plugVeth, nil
}

// Fingerprint implements sandbox.Engine.
func (e *Engine) Fingerprint(ctx context.Context) (sandbox.Fingerprint, error) {
	h, err := e.ready(ctx)
	if err != nil {
		return sandbox.Fingerprint{}, err
	}
	look, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	if _, err := e.api.Ping(look); err != nil {
		return sandbox.Fingerprint{}, problem("ask whether Docker is there", err)
	}
	capacity, free := e.capacity(h)
	way := isolation(h.runtimes[0])
	if h.net == nil {
		way += "; network: " + h.networkWay()
	}
	return sandbox.Fingerprint{
		Version: "docker " + h.info.ServerVersion, Isolation: way, Runtimes: slices.Clone(h.runtimes),
		Capacity: capacity, MaxEach: capacity, DiskQuota: h.quotaWay(e.cfg.Watch.String()),
		Available: free,
		Can:       sandbox.Powers{Pause: true, Resize: true, Archive: true, Fork: true, Snapshot: true, Network: h.net != nil, Link: h.net != nil, PauseKeepsMemory: true},
	}, nil
}

// capacity returns what the host has, and what is free of it, in whole units.
func (e *Engine) capacity(h *host) (all, free sandbox.Resources) {
	all = sandbox.Resources{CPU: h.info.NCPU, MemoryGiB: int(h.info.MemTotal / gib)}
	free = all
	if available, ok := memoryAvailable(); ok {
		free.MemoryGiB = int(available / gib)
	}
	if total, available, ok := diskSpace(h.info.DockerRootDir); ok {
		all.DiskGiB, free.DiskGiB = int(total/gib), int(available/gib)
	} else {
		const assumed = 100 // the engine's disk cannot be seen from here
		all.DiskGiB, free.DiskGiB = assumed, assumed
	}
	return all, free
}
