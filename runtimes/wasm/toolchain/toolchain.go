package toolchain

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"sandpiper/runtimes/wasm/vm"
)

// Config configures a Toolchain.
type Config struct {
	Set Set

	// Dir is the toolchain's folder. It holds machine code that the engine executes.
	// Several may use it, such as those of tests.
	Dir string

	// Idle is how long the child lives without a build. Default: DefaultIdle.
	Idle time.Duration

	Log *slog.Logger // default slog.Default

	keep int64 // bytes of programs on disk; default maxPrograms
}

// DefaultIdle is long enough for somebody who edits and runs, and thinks between.
const DefaultIdle = 2 * time.Minute

// Bounds of a toolchain, from outside the child.
const (
	maxPrograms   = 512 << 20       // bytes on disk
	maxLoaded     = 8               // programs in memory that nobody runs
	buildTime     = 2 * time.Minute // of one build, from when it is the child's turn
	prepareTime   = 15 * time.Minute
	cancelTime    = 2 * time.Second // that the child has to end a build nobody wants
	maxQueue      = 16              // builds that wait
	programFile   = "program.wasm"
	reportFile    = "report.json"
	preparedFile  = "prepared"
	programsDir   = "programs"
	jobsDir       = "jobs"
	workFolder    = "work" // of a job: what its tools see
	privateFolder = 0o700
)

// ErrBusy is for a build that would have to wait behind too many others.
var ErrBusy = errors.New("too many programs wait to be compiled: try again in a moment")

// Toolchain builds programs, one at a time, and keeps them. It is safe for
// concurrent use.
type Toolchain struct {
	cfg  Config
	key  string // of the set, and of the form of machine code
	host *vm.Host

	turn    chan struct{} // held by who uses the child
	queue   chan struct{} // one for each that waits or builds
	closing context.Context
	close   context.CancelFunc

	child *process    // belongs to who has the turn
	idle  *time.Timer // ends the child

	mu     sync.Mutex
	loaded map[string]*Program
	used   uint64 // a clock for Program.used
}

// New makes a toolchain whose programs run on host. The error is ErrNotInstalled
// when this program does not have its modules.
func New(cfg Config, host *vm.Host) (*Toolchain, error) {
	if cfg.Idle <= 0 {
		cfg.Idle = DefaultIdle
	}
	if cfg.keep <= 0 {
		cfg.keep = maxPrograms
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	key, err := cfg.Set.key()
	if err != nil {
		return nil, err
	}
	for _, dir := range []string{".", jobsDir, programsDir} {
		if err := os.MkdirAll(filepath.Join(cfg.Dir, dir), privateFolder); err != nil {
			return nil, fmt.Errorf("make the toolchain's folder: %w", err)
		}
	}
	if err := removeOld(filepath.Join(cfg.Dir, jobsDir, "*"), time.Hour); err != nil {
		return nil, fmt.Errorf("clear the builds of an earlier server away: %w", err)
	}
	t := &Toolchain{
		cfg: cfg, key: key + "\n" + vm.Version(), host: host,
		turn: make(chan struct{}, 1), queue: make(chan struct{}, maxQueue), loaded: map[string]*Program{},
	}
	t.closing, t.close = context.WithCancel(context.Background())
	return t, nil
}

// Prepared reports whether the compilers' machine code is there. Where it is not, the
// next build makes it first: that takes a minute of CPU time and up to 1.6 GB of
// memory, once, which no start of a server should cost that compiles nothing.
func (t *Toolchain) Prepared() bool {
	had, err := os.ReadFile(filepath.Join(t.cfg.Dir, preparedFile))
	return err == nil && string(had) == t.key
}

// prepare has a child of its own make the compilers' machine code, which takes more
// memory than a compiler needs. The caller has the turn.
func (t *Toolchain) prepare(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, prepareTime)
	defer cancel()
	_, err := t.ask(ctx, order{Prepare: true})
	t.endChild()
	if err != nil {
		return fmt.Errorf("prepare the compiler: %w", err)
	}
	return os.WriteFile(filepath.Join(t.cfg.Dir, preparedFile), []byte(t.key), 0o600)
}

// Build returns the program that r makes, or a report that says why there is none.
// The caller releases the program. The error is ErrBusy, that of ctx, or not the
// user's fault.
func (t *Toolchain) Build(ctx context.Context, r Request) (*Program, Report, error) {
	key := r.key(t.key)
	if p, report := t.have(ctx, key); p != nil {
		return p, report, nil
	}
	leave, err := t.turnFor(ctx)
	if err != nil {
		return nil, Report{}, err
	}
	defer leave()
	if p, report := t.have(ctx, key); p != nil { // somebody else's, meanwhile
		return p, report, nil
	}
	if err := t.ready(ctx, r); err != nil {
		return nil, Report{}, err
	}
	report, err := t.build(ctx, key, r)
	if err != nil || report.Failed {
		return nil, report, err
	}
	p, err := t.load(ctx, key, report)
	return p, report, err
}

// Make carries out r and returns what its tools leave as the result, which nothing
// keeps; without a Result it is only the report that counts. Errors are those of
// Build.
func (t *Toolchain) Make(ctx context.Context, r Request) (result []byte, report Report, err error) {
	leave, err := t.turnFor(ctx)
	if err != nil {
		return nil, Report{}, err
	}
	defer leave()
	if err := t.ready(ctx, r); err != nil {
		return nil, Report{}, err
	}
	o := order{Request: r, Job: rand.Text(), Raw: true}
	job := filepath.Join(t.cfg.Dir, jobsDir, o.Job)
	defer os.RemoveAll(job)
	report, err = t.carryOut(ctx, o)
	if err != nil || report.Failed || r.Result == "" {
		return nil, report, err
	}
	result, err = readResult(filepath.Join(job, workFolder), r.Result)
	return result, report, err
}

// readResult reads a file that a tool made. What is in the folder is not trusted.
func readResult(folder, name string) ([]byte, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	f, err := root.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read what was compiled: %w", err)
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxProgram+1))
	if err == nil && len(content) > maxProgram {
		err = fmt.Errorf("what was compiled is larger than %d MiB", maxProgram>>20)
	}
	return content, err
}

// carryOut has the child obey, for so long as one build may take.
func (t *Toolchain) carryOut(ctx context.Context, o order) (Report, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, buildTime, errTooLong)
	defer cancel()
	report, err := t.ask(ctx, o)
	switch {
	case errors.Is(context.Cause(ctx), errTooLong) && err != nil:
		return Report{Failed: true, Problem: fmt.Sprintf("Compiling took longer than %v and was stopped.", buildTime)}, nil
	case ctx.Err() != nil:
		return report, context.Cause(ctx)
	case errors.Is(err, errChildEnded):
		return Report{Failed: true, Problem: "The compiler ended before it was done: the program takes more memory to compile than there is for it."}, nil
	}
	return report, err
}

// build has the child build r, and keeps the program below key.
func (t *Toolchain) build(ctx context.Context, key string, r Request) (Report, error) {
	o := order{Request: r, Job: rand.Text()}
	job := filepath.Join(t.cfg.Dir, jobsDir, o.Job)
	defer os.RemoveAll(job)
	report, err := t.carryOut(ctx, o)
	if err != nil || report.Failed {
		return report, err
	}
	b, err := json.Marshal(report)
	if err != nil {
		return report, err
	}
	if err := os.WriteFile(filepath.Join(job, reportFile), b, 0o600); err != nil {
		return report, err
	}
	folder := t.folder(key)
	if err := errors.Join(os.RemoveAll(folder), os.Rename(job, folder)); err != nil {
		return report, err
	}
	return report, t.prune()
}

var errTooLong = errors.New("the build took too long")

// turnFor waits until the caller may use the child. Who gets a function calls it
// afterwards.
func (t *Toolchain) turnFor(ctx context.Context) (leave func(), err error) {
	select {
	case t.queue <- struct{}{}:
	default:
		return nil, ErrBusy
	}
	if err := t.take(ctx); err != nil {
		<-t.queue
		return nil, err
	}
	return func() {
		t.leave()
		<-t.queue
	}, nil
}

// ready makes the compilers' machine code where r needs it and it is not there.
func (t *Toolchain) ready(ctx context.Context, r Request) error {
	if t.Prepared() || !r.needsTools() {
		return nil
	}
	return t.prepare(ctx)
}

// take waits for the turn to use the child.
func (t *Toolchain) take(ctx context.Context) error {
	select {
	case t.turn <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.closing.Done():
		return t.closing.Err()
	}
	if t.idle != nil {
		t.idle.Stop()
	}
	return nil
}

// leave gives the turn up; the child ends when nobody takes it for a while.
func (t *Toolchain) leave() {
	if t.child != nil {
		t.idle = time.AfterFunc(t.cfg.Idle, t.rest)
	}
	<-t.turn
}

// rest ends the child unless somebody uses it, who will see to it.
func (t *Toolchain) rest() {
	select {
	case t.turn <- struct{}{}:
		t.endChild()
		<-t.turn
	default:
	}
}

// ask has the child obey, and starts one first where there is none. Afterwards
// there may be none again.
func (t *Toolchain) ask(ctx context.Context, o order) (Report, error) {
	if t.child == nil {
		var err error
		if t.child, err = start(t.cfg); err != nil {
			return Report{}, err
		}
	}
	stop := context.AfterFunc(t.closing, t.child.kill)
	defer stop()
	a, err := t.child.ask(ctx, o)
	if err != nil {
		t.endChild()
		return Report{}, err
	}
	if a.Error != "" {
		return a.Report, errors.New(a.Error)
	}
	return a.Report, nil
}

func (t *Toolchain) endChild() {
	if t.child != nil {
		t.child.end()
		t.child = nil
	}
}

// Close ends the child. Programs must have been released.
func (t *Toolchain) Close() error {
	t.close()
	t.turn <- struct{}{}
	defer func() { <-t.turn }()
	t.endChild()
	t.mu.Lock()
	defer t.mu.Unlock()
	var errs []error
	for key, p := range t.loaded {
		errs = append(errs, t.host.Unload(context.Background(), p.Module))
		delete(t.loaded, key)
	}
	return errors.Join(errs...)
}

func (t *Toolchain) folder(key string) string { return filepath.Join(t.cfg.Dir, programsDir, key) }

// removeOld removes what matches pattern and has not changed for some time: others
// may use the same folder.
func removeOld(pattern string, age time.Duration) error {
	all, err := filepath.Glob(pattern)
	if err != nil {
		return err
	}
	for _, name := range all {
		info, err := os.Stat(name)
		if err != nil || time.Since(info.ModTime()) < age {
			continue
		}
		if err := os.RemoveAll(name); err != nil {
			return err
		}
	}
	return nil
}
