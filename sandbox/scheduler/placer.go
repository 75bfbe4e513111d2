package scheduler

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"time"

	"sandpiper/sandbox"
)

// Defaults of PlacerConfig.
const (
	// DefaultCPUShare and the two below it say how much of a host may be
	// promised: limits of sandboxes are ceilings that most never touch. What the
	// host really has left is looked at as well.
	DefaultCPUShare    = 32
	DefaultMemoryShare = 4
	DefaultDiskShare   = 10

	DefaultQueuedSandboxes = 1024
	DefaultQueuedPerClient = 256

	// DefaultReading is how old an engine's fingerprint may be.
	DefaultReading = 5 * time.Second
)

// floorGiB is how much memory and disk a host keeps for itself.
const floorGiB = 1

// PlacerConfig says where sandboxes may go. Zero numbers mean the defaults.
type PlacerConfig struct {
	Engines []sandbox.Engine // preferred first; each is a runner
	Region  sandbox.Region

	// Quota returns what an organization's sandboxes may hold together; a zero
	// field sets no limit. nil sets none at all.
	Quota func(organization string) sandbox.Resources

	Parallel              int // creations and starts at once on a runner; default 2 per core, 4 at least
	QueueTotal            int // those that wait for their turn, all together
	QueuePerClient        int // and of one client
	CPUShare, MemoryShare int // how many times what the host has may be promised
	DiskShare             int
	Reading               time.Duration

	Log *slog.Logger // nil means slog.Default()
}

// Placer finds places for sandboxes, counts what they hold, and lets their
// creations and starts take turns. It is safe for concurrent use.
type Placer struct {
	cfg PlacerConfig
	log *slog.Logger

	reading sync.Mutex // one reading of the engines at a time

	mu      sync.Mutex
	runners []*runner
	held    map[string]holding // by sandbox
	queue   fairQueue[*Ticket]
}

// A runner is an engine on a host, as it was at the last reading. The Placer's
// mu guards what changes.
type runner struct {
	id     string
	engine sandbox.Engine
	print  sandbox.Fingerprint
	err    error // why it cannot be used
	read   time.Time
	taken  int // turns
}

// A holding is what a sandbox holds.
type holding struct {
	organization, runner string
	resources            sandbox.Resources
}

// NewPlacer returns a Placer that has not read its engines yet.
func NewPlacer(cfg PlacerConfig) *Placer {
	set(&cfg.Parallel, max(4, 2*runtime.GOMAXPROCS(0)))
	set(&cfg.QueueTotal, DefaultQueuedSandboxes)
	set(&cfg.QueuePerClient, DefaultQueuedPerClient)
	set(&cfg.CPUShare, DefaultCPUShare)
	set(&cfg.MemoryShare, DefaultMemoryShare)
	set(&cfg.DiskShare, DefaultDiskShare)
	set(&cfg.Reading, DefaultReading)
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	p := &Placer{cfg: cfg, log: cfg.Log, held: make(map[string]holding), queue: newFairQueue[*Ticket]()}
	seen := make(map[sandbox.EngineName]int)
	for _, e := range cfg.Engines {
		seen[e.Name()]++
		p.runners = append(p.runners, &runner{id: runnerID(e.Name(), seen[e.Name()]), engine: e})
	}
	return p
}

// runnerID names the nth runner with an engine, the same after every start.
func runnerID(e sandbox.EngineName, n int) string {
	if n == 1 {
		return "local-" + string(e)
	}
	return fmt.Sprintf("local-%s-%d", e, n)
}

// ReadFirst reads the engines that were never read, as is so in the first moments
// of a server, and waits for that. Afterwards it costs nothing.
func (p *Placer) ReadFirst(ctx context.Context) {
	if !p.allRead() {
		p.refresh(ctx, neverRead)
	}
}

// Refresh reads every engine whose reading is too old. Reserve does not, for it
// must be fast.
func (p *Placer) Refresh(ctx context.Context) {
	p.refresh(ctx, func(r *runner) bool { return time.Since(r.read) >= p.cfg.Reading })
}

func (p *Placer) refresh(ctx context.Context, stale func(*runner) bool) {
	p.reading.Lock()
	defer p.reading.Unlock()
	for _, r := range p.runners {
		p.mu.Lock()
		due := stale(r)
		p.mu.Unlock()
		if due {
			p.read(ctx, r)
		}
	}
}

func neverRead(r *runner) bool { return r.read.IsZero() }

// allRead reports whether every engine was read.
func (p *Placer) allRead() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !slices.ContainsFunc(p.runners, neverRead)
}

// read reads one engine. A reading that ctx cut off counts for nothing.
func (p *Placer) read(ctx context.Context, r *runner) {
	print, err := r.engine.Fingerprint(ctx)
	if err != nil && ctx.Err() != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil && r.err == nil {
		p.log.WarnContext(ctx, "an engine cannot be used", "engine", r.engine.Name(), "err", err)
	}
	r.print, r.err, r.read = print, err, time.Now()
}

// Engine returns the engine of a runner, and false where there is no such
// runner any more.
func (p *Placer) Engine(runner string) (sandbox.Engine, bool) {
	for _, r := range p.runners {
		if r.id == runner {
			return r.engine, true
		}
	}
	return nil, false
}

// Print returns what an engine could do at the last reading, or why it cannot
// be used: a *sandbox.Error of KindUnavailable.
func (p *Placer) Print(e sandbox.EngineName) (sandbox.Fingerprint, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var err error
	for _, r := range p.runners {
		if r.engine.Name() != e {
			continue
		}
		if r.usable() == nil {
			return r.print, nil
		}
		err = r.usable()
	}
	if err == nil {
		err = sandbox.Errorf(sandbox.KindUnavailable, "%s", lacks(e))
	}
	return sandbox.Fingerprint{}, err
}

// lacks says that there is no such engine and what to do about it.
func lacks(e sandbox.EngineName) string {
	if e == sandbox.EngineContainer {
		return "this server has no container engine: install Docker and start the server again, or use the snapshot \"wasm\""
	}
	return fmt.Sprintf("this server has no %s engine", e)
}

// Runners returns every runner as it was at the last reading, with what is
// promised on it.
func (p *Placer) Runners() []sandbox.Runner {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []sandbox.Runner
	for _, r := range p.runners {
		used, started := p.promised(r.id)
		out := sandbox.Runner{
			ID: r.id, Name: r.id, Region: p.cfg.Region.ID, Engine: r.engine.Name(), State: "ready",
			Print: r.print, Used: used, Limit: p.limit(r), Started: started, Checked: r.read,
		}
		if err := r.usable(); err != nil {
			out.State, out.Reason = "unresponsive", messageOf(err)
		}
		all = append(all, out)
	}
	return all
}

// promised returns what is held on a runner, and how many sandboxes hold a core
// of it. Preconditions: p.mu must be held.
func (p *Placer) promised(runner string) (sum sandbox.Resources, started int) {
	for _, h := range p.held {
		if h.runner == runner {
			sum = sum.Plus(h.resources)
			started += min(h.resources.CPU, 1)
		}
	}
	return sum, started
}

// Used returns what an organization's sandboxes hold, by engine.
func (p *Placer) Used(organization string) map[sandbox.EngineName]sandbox.Resources {
	p.mu.Lock()
	defer p.mu.Unlock()
	used := make(map[sandbox.EngineName]sandbox.Resources)
	for _, h := range p.held {
		if e, ok := p.Engine(h.runner); ok && h.organization == organization {
			used[e.Name()] = used[e.Name()].Plus(h.resources)
		}
	}
	return used
}

// Hold notes what a sandbox holds now: it asks for no room, for the sandbox is
// there. Holding nothing forgets it.
func (p *Placer) Hold(id, organization, runner string, r sandbox.Resources) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r == (sandbox.Resources{}) {
		delete(p.held, id)
		return
	}
	p.held[id] = holding{organization, runner, r}
}

// usable returns why the runner cannot be used, or nil.
func (r *runner) usable() error {
	switch {
	case r.err != nil:
		return &sandbox.Error{Kind: sandbox.KindUnavailable, RetryAfter: retryEngine, Err: r.err,
			Message: fmt.Sprintf("the %s engine cannot be used now: %s", r.engine.Name(), messageOf(r.err))}
	case r.read.IsZero():
		return &sandbox.Error{Kind: sandbox.KindUnavailable, RetryAfter: retryEngine,
			Message: fmt.Sprintf("the %s engine is being looked at; try again in a moment", r.engine.Name())}
	}
	return nil
}

// byRoom orders runners: those with more memory left first.
func (p *Placer) byRoom(runners []*runner) []*runner {
	free := func(r *runner) int {
		used, _ := p.promised(r.id)
		return p.limit(r).MemoryGiB - used.MemoryGiB
	}
	return slices.SortedStableFunc(slices.Values(runners), func(a, b *runner) int { return cmp.Compare(free(b), free(a)) })
}

// limit returns how much may be promised on a runner.
func (p *Placer) limit(r *runner) sandbox.Resources {
	c := r.print.Capacity
	return sandbox.Resources{CPU: c.CPU * p.cfg.CPUShare, MemoryGiB: c.MemoryGiB * p.cfg.MemoryShare, DiskGiB: c.DiskGiB * p.cfg.DiskShare}
}
