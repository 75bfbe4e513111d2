package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"syscall"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/toolbox/attach"
)

const (
	folder       = "/home/daytona/program" // where a program's files are
	outputFolder = "out"                   // whose files come back from a run
)

// Run implements sandbox.CodeRunner.
func (r *Runner) Run(ctx context.Context, p sandbox.Program, out sandbox.Sink) (sandbox.Outcome, error) {
	l, err := r.find(p)
	if err != nil {
		return sandbox.Outcome{}, err
	}
	if err := p.Validate(); err != nil {
		return sandbox.Outcome{}, err
	}
	if !r.join() {
		return sandbox.Outcome{}, sandbox.Errorf(sandbox.KindUnavailable, "the server is shutting down")
	}
	defer r.work.Done()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(r.closing, func() { cancel(sandbox.ErrShutdown) })()
	m, leave, err := r.enter(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return sandbox.CancelledOutcome(context.Cause(ctx)), nil
		}
		return sandbox.Outcome{}, err
	}
	defer leave()
	t := &run{runner: r, member: m, language: l, program: p, limits: p.Limits.WithDefaults(r.cfg.Limits, r.cfg.MaxLimits), output: meter{sink: out}}
	o := t.all(ctx)
	if ctx.Err() != nil && o.Status != sandbox.StatusOK {
		stopped := sandbox.CancelledOutcome(context.Cause(ctx))
		stopped.Usage, stopped.Truncated = o.Usage, o.Truncated
		return stopped, nil
	}
	return o, nil
}

// enter waits for a turn and claims a member; leave gives both back.
func (r *Runner) enter(ctx context.Context) (m member, leave func(), err error) {
	if err := r.gate.Acquire(ctx, 1); err != nil {
		return m, nil, err
	}
	if err := ctx.Err(); err != nil {
		r.gate.Release(1)
		return m, nil, err
	}
	if m, err = r.claim(ctx); err != nil {
		r.gate.Release(1)
		return m, nil, err
	}
	return m, func() { r.destroy(m); r.gate.Release(1) }, nil
}

// run is one program in its member.
type run struct {
	runner   *Runner
	member   member
	language language
	program  sandbox.Program
	limits   sandbox.Limits
	output   meter
	usage    sandbox.Usage
}

// Causes for which a run is stopped, besides those of its caller.
var (
	errWall   = errors.New("the wall time limit")
	errOutput = errors.New("the output limit")
)

// all brings the program into the member, runs it and brings back what it left.
func (t *run) all(ctx context.Context) sandbox.Outcome {
	t.output.left = t.limits.OutputBytes
	began := time.Now()
	wall, cancel := context.WithTimeoutCause(ctx, t.limits.Wall, errWall)
	defer cancel()
	stopping, stop := context.WithCancelCause(wall)
	defer stop(nil)
	t.output.full = func() { stop(errOutput) }
	o := t.steps(stopping)
	t.usage.Wall = time.Since(began)
	o.Usage, o.Truncated = t.usage, t.output.truncated
	if o.Status == sandbox.StatusOK || o.Status == sandbox.StatusError {
		o.Files = t.collect(ctx)
	}
	if o.Status == sandbox.StatusError {
		o.Diagnostics = diagnose(t.output.tail(), t.program.Files)
	}
	return o
}

func (t *run) steps(ctx context.Context) sandbox.Outcome {
	files := t.program.Files
	if t.language.files != nil {
		files = t.language.files(files)
	}
	if err := t.bring(ctx, files); err != nil {
		return t.failed(ctx, err)
	}
	if t.limits.MemoryBytes < memberGiB<<30 {
		if err := t.runner.cfg.Engine.LimitMemory(ctx, t.member.id, max(t.limits.MemoryBytes, 16<<20)); err != nil {
			return t.failed(ctx, err)
		}
	}
	if t.language.compile != nil {
		if o := t.step(ctx, t.language.compile(files), nil); o.Status != sandbox.StatusOK {
			if o.Status == sandbox.StatusError {
				o.Message = "It does not compile."
			}
			return o
		}
	}
	stdin := t.program.Stdin
	if stdin == nil {
		stdin = sandbox.StaticStdin(nil)
	}
	return t.step(ctx, append(t.language.run(files[0].Name), t.program.Args...), stdin)
}

// step runs one process to its end.
func (t *run) step(ctx context.Context, args []string, stdin *sandbox.Stdin) sandbox.Outcome {
	p, err := t.runner.attach(ctx, t.member, attach.Command{Args: append(t.shell(), args...), Dir: folder, Env: environment(t.program.Env), Measure: true})
	if err != nil {
		return t.failed(ctx, err)
	}
	defer p.Close()
	feeding, stop := context.WithCancel(ctx)
	fed := make(chan struct{})
	go func() { defer close(fed); feed(feeding, p, stdin) }()
	exit, err := p.Wait(t.output.take)
	stop()
	p.Close()
	<-fed
	t.usage.CPU += time.Duration(exit.CPUSeconds * float64(time.Second))
	t.usage.MemoryBytes = max(t.usage.MemoryBytes, exit.MemoryBytes)
	if err != nil || ctx.Err() != nil {
		return t.failed(ctx, err)
	}
	return t.exited(ctx, exit)
}

// shell bounds a process and becomes it.
func (t *run) shell() []string {
	cpu := int64((t.limits.CPU + time.Second - 1) / time.Second)
	const block = 512 // in which a shell counts the size of files
	script := fmt.Sprintf(`ulimit -S -t %d; ulimit -H -t %d; ulimit -f %d; ulimit -n %d; ulimit -c 0; exec "$@"`,
		cpu, cpu+1, t.limits.FileBytes/block, t.limits.OpenFiles)
	return []string{"sh", "-c", script, "sh"}
}

// feed sends the program its input until that ends, or the process does.
func feed(ctx context.Context, p *attach.Process, stdin *sandbox.Stdin) {
	defer p.CloseInput()
	if stdin == nil {
		return
	}
	buf := make([]byte, 32<<10)
	for {
		n, err := stdin.Read(ctx, buf)
		if n > 0 {
			if _, err := p.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// environment is what is added to the member's own.
func environment(own map[string]string) []string {
	env := []string{"PYTHONUNBUFFERED=1", "PYTHONDONTWRITEBYTECODE=1", "TZ=UTC"}
	for _, name := range slices.Sorted(maps.Keys(own)) {
		env = append(env, name+"="+own[name])
	}
	return env
}

// failed says why a step came to no end of its own: a limit, the caller, or us.
func (t *run) failed(ctx context.Context, err error) sandbox.Outcome {
	cause := context.Cause(ctx)
	switch {
	case errors.Is(cause, errWall):
		return killed(sandbox.StatusTimeout, fmt.Sprintf("Stopped after %v: the wall time limit.", t.limits.Wall))
	case errors.Is(cause, errOutput):
		return killed(sandbox.StatusOutputLimit, fmt.Sprintf("Stopped after %d bytes of output: the output limit.", t.limits.OutputBytes))
	case cause != nil:
		return sandbox.CancelledOutcome(cause)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return killed(sandbox.StatusMemoryLimit, "The container ended: most likely it ran out of memory.")
	}
	t.runner.cfg.Log.Error("a run in a container failed", "sandbox", t.member.id, "error", err)
	return sandbox.Outcome{Status: sandbox.StatusInternal, ExitCode: 134, Signal: "SIGABRT",
		Message: "Sandpiper failed while running this program; the operator's log says why."}
}

func killed(status sandbox.Status, message string) sandbox.Outcome {
	return sandbox.Outcome{Status: status, ExitCode: 137, Signal: "SIGKILL", Message: message}
}

// exited says what a process's own end means.
func (t *run) exited(ctx context.Context, e attach.Exit) sandbox.Outcome {
	// A process may end by a signal, or say that a child of it did.
	signal := syscall.Signal(e.Signal)
	switch {
	case e.Code == 0 && e.Signal == 0:
		return sandbox.Outcome{Status: sandbox.StatusOK}
	case signal == syscall.SIGXCPU || e.Code == 128+int(syscall.SIGXCPU):
		return killed(sandbox.StatusTimeout, fmt.Sprintf("Stopped after %v of CPU time: the CPU time limit.", t.limits.CPU))
	case (signal == syscall.SIGKILL || e.Code == 137) && t.ranOutOfMemory(ctx):
		return killed(sandbox.StatusMemoryLimit, fmt.Sprintf("Needed more than %d MiB of memory: the memory limit.", t.limits.MemoryBytes>>20))
	case e.Signal != 0:
		name := signalName(signal)
		return sandbox.Outcome{Status: sandbox.StatusError, ExitCode: e.Code, Signal: name, Message: "The program crashed: " + name + "."}
	}
	return sandbox.Outcome{Status: sandbox.StatusError, ExitCode: e.Code, Message: fmt.Sprintf("It ended with exit code %d.", e.Code)}
}

func signalName(s syscall.Signal) string {
	names := map[syscall.Signal]string{
		syscall.SIGSEGV: "SIGSEGV", syscall.SIGABRT: "SIGABRT", syscall.SIGFPE: "SIGFPE", syscall.SIGKILL: "SIGKILL", syscall.SIGTERM: "SIGTERM",
		syscall.SIGBUS: "SIGBUS", syscall.SIGILL: "SIGILL", syscall.SIGPIPE: "SIGPIPE", syscall.SIGINT: "SIGINT", syscall.SIGXFSZ: "SIGXFSZ",
	}
	if name := names[s]; name != "" {
		return name
	}
	return "signal " + strconv.Itoa(int(s))
}
