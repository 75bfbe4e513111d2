package worker

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"sandpiper/runtimes/wasm/frame"
	"sandpiper/runtimes/wasm/worker/confine"
	"sandpiper/runtimes/wasm/worker/inside"
	"sandpiper/runtimes/wasm/worker/link"
	"sandpiper/sandbox"
)

// process is a worker, from the server's side.
type process struct {
	cmd  *exec.Cmd
	link *link.Link
	log  *slog.Logger
	own  bool // it has a user of its own

	stubborn time.Duration // as of Config

	onChange func()        // its languages have changed
	gone     chan struct{} // closed when it has ended and all that it said is heard
	heard    atomic.Int64  // when, in Unix nanoseconds
	pinged   atomic.Int64  // when the ping was sent that it has not taken, as heard; 0 for none
	ending   atomic.Bool   // it is told to end

	mu        sync.Mutex
	last      uint64
	calls     map[uint64]*call // nil once it has gone
	reason    string           // why it is being killed
	why       error            // why it ended
	languages []sandbox.Language
	kernels   []sandbox.Language
	preferred map[string]bool // languages that it was told to prepare before others
}

// start starts a worker in the most confined way that works here. It is called on a
// thread that lasts as long as the worker.
func start(cfg Config, f folders, setup link.Setup) (*process, error) {
	var errs []error
	for _, way := range confine.Attributes() {
		w, err := startAs(way, cfg, f, setup)
		if err == nil {
			return w, nil
		}
		errs = append(errs, err)
	}
	return nil, fmt.Errorf("start a worker process: %w", errors.Join(errs...))
}

func startAs(way confine.Way, cfg Config, f folders, setup link.Setup) (_ *process, err error) {
	ours, theirs, err := frame.SocketPair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	l, err := link.New(ours, false)
	if err != nil {
		return nil, errors.Join(err, ours.Close())
	}
	w := &process{
		link: l, log: cfg.Log, own: way.Own, stubborn: cfg.stubborn, gone: make(chan struct{}),
		calls: map[uint64]*call{}, preferred: map[string]bool{},
	}
	w.heard.Store(time.Now().UnixNano())
	self, err := selfPath()
	if err != nil {
		l.Release()
		return nil, err
	}
	w.cmd = exec.Command(self, cfg.Args...)
	w.cmd.Env = []string{}
	w.cmd.Dir = "/"
	w.cmd.ExtraFiles = []*os.File{theirs}
	w.cmd.SysProcAttr = &way.Attr
	closeFolders, err := w.giveFolders(f, &setup)
	defer closeFolders()
	if err != nil {
		l.Release()
		return nil, err
	}
	if err := w.launch(); err != nil {
		l.Release()
		return nil, err
	}
	setup.UID, setup.Network = os.Getuid(), confine.Network()
	if err := l.Send(link.OpSetup, 0, setup, nil); err != nil {
		return nil, errors.Join(err, w.stop())
	}
	return w, nil
}

// launch starts the process, and listens to its standard error.
func (w *process) launch() error {
	says, stderr, err := os.Pipe()
	if err != nil {
		return err
	}
	w.cmd.Stderr = stderr
	err = errors.Join(w.cmd.Start(), stderr.Close())
	if err != nil {
		return errors.Join(err, says.Close())
	}
	go w.listen(says)
	return nil
}

// giveFolders names the worker's folders in setup. To a worker with a user of its own
// they are given as open files, and made its own.
func (w *process) giveFolders(f folders, setup *link.Setup) (closeAll func(), err error) {
	var opened []*os.File
	closeAll = func() {
		for _, o := range opened {
			_ = o.Close()
		}
	}
	setup.Cache, setup.Runs = f.cache, f.runs
	if !w.own {
		return closeAll, nil
	}
	give := func(path *string, own func(string) error) error {
		if *path == "" {
			return nil
		}
		if err := own(*path); err != nil {
			return fmt.Errorf("give a worker its folder: %w", err)
		}
		o, err := os.Open(*path)
		if err != nil {
			return fmt.Errorf("give a worker its folder: %w", err)
		}
		opened = append(opened, o)
		w.cmd.ExtraFiles = append(w.cmd.ExtraFiles, o)
		*path = fmt.Sprintf("/proc/self/fd/%d", inside.SocketFD+len(w.cmd.ExtraFiles)-1)
		return nil
	}
	return closeAll, errors.Join(give(&setup.Cache, handOver), give(&setup.Runs, handOver),
		give(&setup.Languages, readable), give(&setup.Kernels, keep))
}

// listen logs what a worker writes to its standard error, which is its own log and
// the runtime's last words. It is bounded: what is too much is thrown away.
func (w *process) listen(says io.ReadCloser) {
	const maxLines, maxLine = 1000, 2 << 10 // in all
	defer says.Close()
	lines := bufio.NewReaderSize(says, maxLine)
	for n := 0; ; {
		line, _, err := lines.ReadLine()
		if err != nil {
			return
		}
		if n++; n <= maxLines {
			w.log.Warn("a worker process says", "pid", w.cmd.Process.Pid, "line", string(line))
		}
	}
}

// serve reads what the worker sends, until it ends.
func (w *process) serve() {
	for {
		m, err := w.link.Receive()
		if err != nil {
			break
		}
		w.heard.Store(time.Now().UnixNano())
		if err := w.handle(m); err != nil {
			w.log.Error("a worker process sent what makes no sense", "error", err)
			w.kill("it sent what makes no sense")
			break
		}
	}
	w.link.Release()
	why := w.reap()
	w.mu.Lock()
	calls := w.calls
	w.calls, w.why = nil, why
	w.mu.Unlock()
	for _, c := range calls {
		close(c.gone)
	}
	close(w.gone)
}

// handle takes a message in.
func (w *process) handle(m *link.Message) error {
	switch m.Op {
	case link.OpPong:
		return nil
	case link.OpLanguages:
		var l link.Languages
		if err := m.Decode(&l); err != nil {
			return err
		}
		w.mu.Lock()
		w.languages, w.kernels = withStates(w.languages, l.States), withStates(w.kernels, l.Kernels)
		w.mu.Unlock()
		w.onChange()
		return nil
	}
	w.mu.Lock()
	c := w.calls[m.ID]
	if m.Op == link.OpEnd {
		delete(w.calls, m.ID)
	}
	w.mu.Unlock()
	if c == nil {
		return fmt.Errorf("a message of type %d of no call", m.Op)
	}
	return c.hear(m)
}

// withStates returns the languages with new states.
func withStates(all []sandbox.Language, states []link.LanguageState) []sandbox.Language {
	all = slices.Clone(all)
	for i := range all {
		if i < len(states) && states[i].ID == all[i].ID {
			all[i].State, all[i].Stage = states[i].State, states[i].Stage
		}
	}
	return all
}

// prefer has the worker prepare a language before those that nobody waits for.
func (w *process) prefer(language string) {
	w.mu.Lock()
	told := w.preferred[language]
	w.preferred[language] = true
	w.last++
	id := w.last
	w.mu.Unlock()
	if !told {
		go func() { _ = w.link.Send(link.OpPrefer, id, link.Prefer{Language: language}, nil) }() // it may not read
	}
}

func (w *process) known() (languages, kernels []sandbox.Language) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.languages, w.kernels
}

// busy returns how many calls go on; ok is false once the worker has ended.
func (w *process) busy() (n int, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.calls), w.calls != nil
}

// kill ends the worker at once. Of several reasons the first counts.
func (w *process) kill(reason string) {
	w.mu.Lock()
	if w.reason == "" {
		w.reason = reason
	}
	w.mu.Unlock()
	_ = w.cmd.Process.Kill()
}

// end tells the worker to end. It is killed when that takes too long.
func (w *process) end() {
	if w.ending.Swap(true) {
		return
	}
	w.link.Shut()
}

// stop ends a worker that has not begun to serve, and says how it ended.
func (w *process) stop() error {
	w.link.Release()
	return w.reap()
}

// wait waits until the worker has ended and returns why.
func (w *process) wait() error {
	<-w.gone
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.why
}

// reap waits for the process, whose connection has ended, and says how it ended. One
// that goes on without its connection is of no use.
func (w *process) reap() error {
	late := time.AfterFunc(endTimeout, func() { _ = w.cmd.Process.Kill() })
	err := w.cmd.Wait()
	late.Stop()
	w.mu.Lock()
	defer w.mu.Unlock()
	how := "by itself"
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		how = fmt.Sprintf("with exit code %d", exit.ExitCode())
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			how = "killed by " + signalName(status.Signal())
		}
	}
	if w.reason != "" {
		how += ": " + w.reason
	}
	return errors.New(how)
}

// goneMessage is what users read of a run that ended with its worker.
func (w *process) goneMessage() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return fmt.Sprintf("The worker process that ran this ended (%v); it has been replaced: run it again.", w.why)
}
