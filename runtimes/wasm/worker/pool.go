package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sandpiper/runtimes/wasm/worker/link"
	"sandpiper/sandbox"
)

// Defaults of Config.
const (
	DefaultHeartbeat = 15 * time.Second
	DefaultMemory    = 0.75 // of the machine's
)

const (
	// startTimeout is how long a worker may take to open its engine, which does
	// not wait for its languages.
	startTimeout = 30 * time.Second

	// patience is how long a run waits for a worker where none can be started.
	patience = 20 * time.Second

	// closeTimeout is how long runs may take to heed that the pool closes, and
	// endTimeout how long a worker may take to end after that.
	closeTimeout = 5 * time.Second
	endTimeout   = 3 * time.Second

	// A worker that ends soon after its start is replaced later each time, but one
	// that could be started is missed for a second at most.
	firstPause      = 20 * time.Millisecond
	maxStartedPause = time.Second
	maxPause        = 10 * time.Second
	soon            = 10 * time.Second

	// Guests end within milliseconds of being told to, so a worker that has one
	// for longer than this is stuck, or is not what it should be.
	stubborn = 10 * time.Second
)

// Config says what workers there are and what they are for.
type Config struct {
	// Args are the arguments that make this program a worker, which calls
	// inside.Main. Required.
	Args []string

	// Dir is the folder that workers have theirs in. Required.
	Dir string

	// LanguageDir has the languages that the operator added; "" for none. Its files
	// must be readable by everybody where the server is root.
	LanguageDir string

	// KernelDir is the folder that the folders of kernels are in; "" for no kernels.
	KernelDir string

	Workers   int      // default 1
	CPUs      int      // as of wasm.Config
	Only      []string // as of wasm.Config
	Limits    sandbox.Limits
	MaxLimits sandbox.Limits

	// Heartbeat is how long a worker may be silent before it is killed.
	Heartbeat time.Duration

	// MemoryBytes is how much memory a worker may have before it is killed.
	MemoryBytes int64

	Log *slog.Logger

	maxPause time.Duration // between an end and the next start
	stubborn time.Duration // that a program may go on that was told to end
}

func (c Config) withDefaults() Config {
	if c.Workers <= 0 {
		c.Workers = 1
	}
	if c.Heartbeat <= 0 {
		c.Heartbeat = DefaultHeartbeat
	}
	if c.MemoryBytes <= 0 {
		c.MemoryBytes = int64(DefaultMemory * float64(machineMemory()))
	}
	if c.maxPause <= 0 {
		c.maxPause = maxPause
	}
	if c.stubborn <= 0 {
		c.stubborn = stubborn
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c
}

// Pool is an engine whose guests run in worker processes.
type Pool struct {
	cfg         Config
	supervisors sync.WaitGroup
	closing     context.Context // done when the pool closes
	close       context.CancelCauseFunc
	runs        sync.WaitGroup // that go on; joined under mu
	groups      atomic.Uint64  // that there have been

	mu        sync.Mutex
	changed   chan struct{} // closed and replaced when a worker comes or goes
	workers   []*process
	closed    bool
	down      time.Time // since when there has been no worker
	why       error     // why the last one ended, or could not be started
	hello     link.Hello
	languages []sandbox.Language
	kernels   []sandbox.Language
}

var (
	_ sandbox.CodeRunner   = (*Pool)(nil)
	_ sandbox.KernelEngine = (*Pool)(nil)
)

// New is Start and Await.
func New(ctx context.Context, cfg Config) (*Pool, error) {
	p, err := Start(cfg)
	if err != nil {
		return nil, err
	}
	if err := p.Await(ctx); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// Start starts the workers and does not wait for them: until Await has returned the
// pool has no languages. The caller must Close the pool.
func Start(cfg Config) (*Pool, error) {
	if len(cfg.Args) == 0 || cfg.Dir == "" {
		return nil, errors.New("worker: arguments and a folder are required")
	}
	p := &Pool{cfg: cfg.withDefaults(), changed: make(chan struct{}), down: time.Now()}
	p.closing, p.close = context.WithCancelCause(context.Background())
	for i := range p.cfg.Workers {
		f, err := p.openFolders(i)
		if err != nil {
			return nil, errors.Join(err, p.Close())
		}
		p.supervisors.Go(func() { p.supervise(f) })
	}
	return p, nil
}

// Await waits until the first worker has said which languages it has; they are being
// prepared then.
func (p *Pool) Await(ctx context.Context) error {
	if _, err := p.pick(ctx); err != nil {
		return fmt.Errorf("start a worker process: %w", err)
	}
	return nil
}

// Close ends the runs and kernels that there are, and the workers. It takes some
// seconds at most.
func (p *Pool) Close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.close(sandbox.ErrShutdown)
	ended := make(chan struct{})
	go func() {
		p.runs.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(closeTimeout):
	}
	for _, w := range p.list() {
		w.end()
	}
	p.supervisors.Wait()
	<-ended
	return nil
}

// Confinement says what keeps the workers from doing harm, as the first of them
// reported it.
func (p *Pool) Confinement() []link.Measure {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append(slices.Clone(p.hello.Confinement), link.Measure{
		Name: "memory", Taken: true, Detail: fmt.Sprintf("ended by the server above %d MiB", p.cfg.MemoryBytes>>20),
	})
}

// Engine implements sandbox.CodeRunner.
func (p *Pool) Engine() sandbox.EngineChoice { return sandbox.EngineWasm }

// Languages implements sandbox.CodeRunner.
func (p *Pool) Languages() []sandbox.Language {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.languages)
}

// KernelLanguages implements sandbox.KernelEngine.
func (p *Pool) KernelLanguages() []sandbox.Language {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.kernels)
}

// Prefer implements sandbox.Preparer.
func (p *Pool) Prefer(language string) {
	for _, w := range p.list() {
		w.prefer(language)
	}
}

func (p *Pool) list() []*process {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.workers)
}

// signal wakes those who wait for a change. Preconditions: p.mu must be held.
func (p *Pool) signal() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// pick returns the worker with the fewest calls. Where there is none it waits for
// one, but not for long where none can be started.
func (p *Pool) pick(ctx context.Context) (*process, error) {
	for {
		p.mu.Lock()
		least, changed, down, why, closed := p.least(), p.changed, p.down, p.why, p.closed
		p.mu.Unlock()
		switch {
		case closed:
			return nil, sandbox.Errorf(sandbox.KindUnavailable, "the server is shutting down")
		case least != nil:
			return least, nil
		}
		if down.IsZero() {
			down = time.Now() // it has just ended
		}
		left := time.NewTimer(max(0, patience-time.Since(down)))
		select {
		case <-changed:
		case <-left.C:
			p.cfg.Log.Error("no worker process", "since", down, "error", why)
			return nil, sandbox.Errorf(sandbox.KindUnavailable, "no worker process can be started, so nothing can run; the cause is in the server's log")
		case <-ctx.Done():
			left.Stop()
			return nil, context.Cause(ctx)
		}
		left.Stop()
	}
}

// least returns the worker with the fewest calls, or nil. Preconditions: p.mu must
// be held.
func (p *Pool) least() (least *process) {
	fewest := 0
	for _, w := range p.workers {
		if n, ok := w.busy(); ok && (least == nil || n < fewest) {
			least, fewest = w, n
		}
	}
	return least
}

// join joins the runs that Close waits for.
func (p *Pool) join() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return sandbox.Errorf(sandbox.KindUnavailable, "the server is shutting down")
	}
	p.runs.Add(1)
	return nil
}

// add makes a worker that has said hello one that runs go to.
func (p *Pool) add(w *process, hello link.Hello) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hello.Confinement == nil {
		p.hello = hello
		logConfinement(p.cfg.Log, hello.Confinement)
	}
	p.workers = append(p.workers, w)
	p.down = time.Time{}
	p.refresh()
	p.signal()
}

// remove takes a worker away that has ended.
func (p *Pool) remove(w *process, why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.workers = slices.DeleteFunc(p.workers, func(o *process) bool { return o == w })
	if p.why = why; len(p.workers) == 0 && p.down.IsZero() {
		p.down = time.Now()
	}
	p.refresh()
	p.signal()
}

// update notes that a worker's languages have changed.
func (p *Pool) update() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refresh()
}

// refresh joins what the workers say of their languages: one is ready when some
// worker has it ready. While there is no worker, all are being prepared.
// Preconditions: p.mu must be held.
func (p *Pool) refresh() {
	all, kernels := p.languages, p.kernels
	for i, w := range p.workers {
		l, k := w.known()
		if i == 0 {
			all, kernels = l, k
			continue
		}
		all, kernels = joined(all, l), joined(kernels, k)
	}
	if len(p.workers) == 0 {
		all, kernels = replaced(all), replaced(kernels)
	}
	p.languages, p.kernels = all, kernels
}

// joined takes for each language the better state.
func joined(a, b []sandbox.Language) []sandbox.Language {
	a = slices.Clone(a)
	for i := range a {
		if i < len(b) && a[i].ID == b[i].ID && b[i].State == sandbox.LanguageReady {
			a[i] = b[i]
		}
	}
	return a
}

// replaced are languages whose worker has ended.
func replaced(all []sandbox.Language) []sandbox.Language {
	all = slices.Clone(all)
	for i := range all {
		if all[i].State == sandbox.LanguageReady {
			all[i].State, all[i].Stage = sandbox.LanguagePreparing, "its worker process is being replaced"
		}
	}
	return all
}

// folders are those of one worker.
type folders struct{ cache, runs string }

func (p *Pool) openFolders(i int) (folders, error) {
	dir, err := filepath.Abs(filepath.Join(p.cfg.Dir, fmt.Sprint(i)))
	if err != nil {
		return folders{}, err
	}
	f := folders{filepath.Join(dir, "cache"), filepath.Join(dir, "runs")}
	for _, d := range []string{f.cache, f.runs} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return f, fmt.Errorf("make a worker's folder: %w", err)
		}
	}
	return f, nil
}

func logConfinement(log *slog.Logger, measures []link.Measure) {
	var taken, missing []string
	for _, m := range measures {
		if m.Taken {
			taken = append(taken, m.Name)
		} else {
			missing = append(missing, m.Name+" ("+m.Detail+")")
		}
	}
	log.Info("guests run in worker processes", "confined", taken, "not", missing)
}
