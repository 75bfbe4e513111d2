package worker

import (
	"context"
	"errors"

	"sandpiper/runtimes/wasm/frame"
	"sandpiper/runtimes/wasm/worker/link"
	"sandpiper/sandbox"
)

var errTooLarge = frame.ErrTooLarge

// maxTries is how many workers a run is given to that none of them has begun.
const maxTries = 3

// Run implements sandbox.CodeRunner. A run whose worker ends while it goes on ends
// with StatusInternal.
func (p *Pool) Run(ctx context.Context, prog sandbox.Program, out sandbox.Sink) (sandbox.Outcome, error) {
	known, source, live := sourceOf(prog.Stdin)
	r := request{op: link.OpRun, sink: out, stdin: live}
	r.body, r.data = runMessage(prog, source, known)
	return p.carryOut(ctx, p.pick, func(ctx context.Context, w *process) (answer, bool, error) { return w.do(ctx, r) })
}

// carryOut has do run something in the worker that pick returns, and in another one
// where that ends before it has begun.
func (p *Pool) carryOut(ctx context.Context, pick func(context.Context) (*process, error), do func(context.Context, *process) (answer, bool, error)) (sandbox.Outcome, error) {
	if err := p.join(); err != nil {
		return sandbox.Outcome{}, err
	}
	defer p.runs.Done()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(p.closing, func() { cancel(sandbox.ErrShutdown) })()
	if cause := context.Cause(ctx); cause != nil {
		return sandbox.CancelledOutcome(cause), nil // a short run would be over before the worker hears of it
	}
	for try := 1; ; try++ {
		w, err := pick(ctx)
		if err != nil {
			return notStarted(ctx, err)
		}
		a, began, err := do(ctx, w)
		switch {
		case err == nil:
			return outcomeOf(a)
		case !errors.Is(err, errGone):
			return sandbox.Outcome{}, err
		case p.closing.Err() != nil:
			return sandbox.CancelledOutcome(sandbox.ErrShutdown), nil
		case began || try == maxTries:
			return sandbox.Outcome{Status: sandbox.StatusInternal, ExitCode: 137, Signal: "SIGKILL", Message: w.goneMessage()}, nil
		}
	}
}

// notStarted is a run for which there was no worker.
func notStarted(ctx context.Context, err error) (sandbox.Outcome, error) {
	if ctx.Err() != nil {
		return sandbox.CancelledOutcome(context.Cause(ctx)), nil
	}
	return sandbox.Outcome{}, err
}

func outcomeOf(a answer) (sandbox.Outcome, error) {
	if err := a.Fault.Err(); err != nil {
		return sandbox.Outcome{}, err
	}
	if a.Outcome == nil {
		return sandbox.Outcome{}, errors.New("a worker process answered without an outcome")
	}
	o := a.Outcome.Outcome
	o.Files = a.files
	return o, nil
}

// runMessage is a program as it is sent.
func runMessage(p sandbox.Program, source link.Source, known []byte) (link.Run, []byte) {
	r := link.Run{Language: p.Language, Version: p.Version, Args: p.Args, Env: p.Env, Limits: p.Limits, Input: source}
	var data []byte
	for _, f := range p.Files {
		r.Files = append(r.Files, link.Content{Name: f.Name, Bytes: len(f.Content)})
		data = append(data, f.Content...)
	}
	return r, append(data, known...)
}
