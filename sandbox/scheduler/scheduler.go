package scheduler

import (
	"context"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"sandpiper/sandbox"
)

// Defaults of Config.
const (
	// DefaultRunningPerCore lets programs that sleep or wait for input share the
	// cores with those that compute; the engine shares out the CPU itself.
	DefaultRunningPerCore = 4

	DefaultQueuePerClient = 64
	DefaultQueueTotal     = 512
	DefaultPrepareTimeout = 3 * time.Minute
	DefaultRetention      = 24 * time.Hour
	DefaultRetainRuns     = 10_000
	DefaultRetainBytes    = 512 << 20
)

// maxQueuedBytes bounds the programs that wait, all clients together.
const maxQueuedBytes = 128 << 20

// Config is what a Scheduler needs. Zero numbers mean the defaults.
type Config struct {
	Runners []sandbox.CodeRunner // engines, the preferred one first
	Store   sandbox.RunStore     // where finished runs are recorded

	// Needs says in one sentence, without a capital or a full stop, what a program
	// needs that the WebAssembly engine lacks; "" for nothing. nil finds nothing.
	Needs func(p sandbox.Program) string

	// Missing says in one sentence, without a capital or a full stop, why no engine has
	// a language, and how it could be had; "" for nothing. nil knows of none.
	Missing func(name string) string

	MaxRunning       int           // runs at once, sleeping ones included; default DefaultRunningPerCore per core
	RunningPerClient int           // of them, one client's; default three quarters of MaxRunning
	QueuePerClient   int           // runs that one client may have waiting
	QueueTotal       int           // runs that may wait, all clients together
	PrepareTimeout   time.Duration // how long a run waits for its language to be ready

	Retention   time.Duration // how long finished runs are kept
	RetainRuns  int           // at most so many
	RetainBytes int64         // and at most so much

	Log *slog.Logger // default slog.Default()
}

func (c Config) withDefaults() Config {
	set(&c.MaxRunning, DefaultRunningPerCore*runtime.GOMAXPROCS(0))
	set(&c.RunningPerClient, max(1, c.MaxRunning*3/4))
	set(&c.QueuePerClient, DefaultQueuePerClient)
	set(&c.QueueTotal, DefaultQueueTotal)
	set(&c.PrepareTimeout, DefaultPrepareTimeout)
	set(&c.Retention, DefaultRetention)
	set(&c.RetainRuns, DefaultRetainRuns)
	set(&c.RetainBytes, DefaultRetainBytes)
	if c.Missing == nil {
		c.Missing = func(string) string { return "" }
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c
}

func set[T ~int | ~int64](field *T, def T) {
	if *field <= 0 {
		*field = def
	}
}

// Request asks for one run.
type Request struct {
	// Client says who asks: the id of a key or session, or an address. Fairness
	// and quotas count by it, and only it may look the run up later.
	Client  string
	Program sandbox.Program

	// IdempotencyKey, where not empty, names the request: while it is remembered,
	// the same client's same program with the same key is the same run. It has
	// 255 bytes at most.
	IdempotencyKey string
}

// Scheduler admits and runs programs. It is safe for concurrent use; Drain or
// Close ends it.
type Scheduler struct {
	cfg Config
	log *slog.Logger

	mu       sync.Mutex
	queue    fairQueue[*Run]
	live     map[string]*Run // those that have not ended, by id
	running  map[string]int  // places taken, by client
	taken    int             // places taken in all
	typical  time.Duration   // how long a run takes
	keys     keyring
	history  history
	draining bool          // no new runs
	halted   bool          // no more starts
	idle     chan struct{} // closed when draining and nothing is live

	unready chan struct{} // tells watch that a run waits for its language
	ended   chan struct{} // tells keep that a run wants to be recorded
	stop    chan struct{}
	stopped sync.Once
	wg      sync.WaitGroup // watch and keep
}

// New starts a scheduler.
func New(cfg Config) *Scheduler {
	cfg = cfg.withDefaults()
	s := &Scheduler{
		cfg:     cfg,
		log:     cfg.Log,
		queue:   newFairQueue[*Run](),
		live:    make(map[string]*Run),
		running: make(map[string]int),
		typical: time.Second,
		keys:    newKeyring(cfg.RetainRuns),
		history: newHistory(),
		idle:    make(chan struct{}),
		unready: make(chan struct{}, 1),
		ended:   make(chan struct{}, 1),
		stop:    make(chan struct{}),
	}
	s.wg.Go(s.watch)
	s.wg.Go(s.keep)
	return s
}

// Languages returns what the engines can run, with the state of each now.
func (s *Scheduler) Languages() []sandbox.Language { return languages(s.cfg.Runners) }

// Missing says why no engine has a language, and how it could be had, or "".
func (s *Scheduler) Missing(name string) string { return s.cfg.Missing(name) }

// Stats is the load at one moment.
type Stats struct {
	Running    int // places taken
	Waiting    int // runs in the queue, those that wait for their language included
	MaxRunning int
	QueueTotal int
}

// Stats returns the load now.
func (s *Scheduler) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Stats{s.taken, s.queue.n, s.cfg.MaxRunning, s.cfg.QueueTotal}
}

// dispatch starts every run that has a place now and tells the others where
// they stand. Preconditions: s.mu must be held.
func (s *Scheduler) dispatch() {
	for !s.halted && s.taken < s.cfg.MaxRunning {
		r, ok := s.queue.pop(s.mayStart)
		if !ok {
			break
		}
		s.start(r)
	}
	s.queue.inOrder((*Run).isReady, func(r *Run, position int) {
		if r.position != position {
			r.position = position
			r.report(queuedAt(position))
		}
	})
}

func (s *Scheduler) mayStart(client string) bool {
	return s.running[client] < s.cfg.RunningPerClient
}

// start gives r a place. Preconditions: s.mu must be held.
func (s *Scheduler) start(r *Run) {
	ctx, cancel := context.WithCancelCause(context.Background())
	r.cancel = cancel
	s.taken++
	s.running[r.client]++
	r.report(sandbox.Progress{State: sandbox.ProgressRunning, Message: "Running."})
	go s.execute(ctx, r, r.program)
}

// release gives r's place back after it took a time. Preconditions: s.mu must
// be held.
func (s *Scheduler) release(r *Run, took time.Duration) {
	r.cancel(nil)
	s.taken--
	if s.running[r.client]--; s.running[r.client] == 0 {
		delete(s.running, r.client)
	}
	s.typical += (took - s.typical) / 8
}

// conclude ends r: readers hear of it, and the record is on its way. It does
// nothing when r had ended. Preconditions: s.mu must be held.
func (s *Scheduler) conclude(r *Run, o sandbox.Outcome) {
	notify(s.ended) // first, so that of those who wake up its reader comes before keep
	r.stdin.Close() // before anybody hears of the end
	result, ok := r.end(o)
	if !ok {
		return
	}
	r.program = sandbox.Program{}
	delete(s.live, r.id)
	if o.Status == sandbox.StatusCancelled || o.Status == sandbox.StatusInternal {
		s.keys.forget(r.key, r.id)
	}
	s.history.add(r, result, time.Now())
	if s.draining && len(s.live) == 0 {
		close(s.idle)
	}
}

// cancel stops r for a cause; see Run.Cancel.
func (s *Scheduler) cancel(r *Run, cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live[r.id] != r || r.cause != nil {
		return
	}
	r.cause = cause
	s.keys.forget(r.key, r.id)
	if s.queue.remove(r) {
		s.conclude(r, neverStarted(cause))
		s.dispatch()
		return
	}
	r.cancel(cause)
}

// leave counts off one submitter of r; see Run.Leave.
func (s *Scheduler) leave(r *Run) {
	s.mu.Lock()
	r.followers--
	last := r.followers == 0
	s.mu.Unlock()
	if last {
		s.cancel(r, sandbox.ErrClientGone)
	}
}

// notify wakes the reader of c, which has room for one wake-up.
func notify(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
