package process

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"sandpiper/sandbox/guest"
	"sandpiper/sandbox/session"
	"sandpiper/sandbox/toolbox/answer"
	"sandpiper/sandbox/toolbox/toolboxtype"
)

// maxArgument is the longest argument that is sure to fit: Linux takes 128 KiB.
const maxArgument = 120 << 10

// execute runs a command in a shell of its own.
func (h *Handler) execute(w http.ResponseWriter, r *http.Request) error {
	var q toolboxtype.ExecuteRequest
	if err := answer.Decode(w, r, &q); err != nil {
		return err
	}
	cmd, err := h.shellCommand(q)
	if err != nil {
		return err
	}
	ctx, cancel, err := limited(r.Context(), q.Timeout)
	if err != nil {
		return err
	}
	defer cancel()
	result := newCapture(captureLimit)
	cmd.Stdout, cmd.Stderr = result, result
	status, err := h.run(ctx, cmd)
	if err != nil {
		return err
	}
	return answer.JSON(w, http.StatusOK, toolboxtype.ExecuteResponse{ExitCode: status.Code, Result: result.String()})
}

// shellCommand checks a request and returns the process that it asks for.
func (h *Handler) shellCommand(q toolboxtype.ExecuteRequest) (guest.Cmd, error) {
	info := h.guest.Info()
	switch {
	case q.Command == "":
		return guest.Cmd{}, answer.BadRequest("command is missing")
	case strings.Contains(q.Command, "\x00"):
		return guest.Cmd{}, answer.BadRequest("command holds a NUL")
	case len(info.Shell) == 0:
		return guest.Cmd{}, problem(guest.ErrNoShell)
	}
	dir, err := h.folder(q.Cwd)
	if err != nil {
		return guest.Cmd{}, err
	}
	env, err := environment(info, q.Envs, q.Env)
	if err != nil {
		return guest.Cmd{}, err
	}
	cmd := guest.Cmd{Args: []string{info.Shell[0], "-c", q.Command}, Dir: dir, Env: env}
	if len(q.Command) > maxArgument {
		cmd.Args[2] = `eval "$(cat)"`
		cmd.Stdin = strings.NewReader(q.Command)
	}
	return cmd, nil
}

// environment returns the guest's environment with a request's variables added.
func environment(info guest.Info, more ...map[string]string) ([]string, error) {
	env := info.Env
	for _, m := range more {
		if err := checkEnv(m); err != nil {
			return nil, err
		}
		env = session.WithEnv(env, m)
	}
	return env, nil
}

// limited returns a context that ends after a number of seconds; nil and 0 are
// for ever.
func limited(ctx context.Context, seconds *float64) (context.Context, context.CancelFunc, error) {
	switch {
	case seconds == nil || *seconds == 0:
		ctx, cancel := context.WithCancel(ctx)
		return ctx, cancel, nil
	case *seconds < 0:
		return nil, nil, answer.BadRequest("timeout must be a number of seconds, or 0 for no limit, not %v", *seconds)
	}
	const longest = 10 * 365 * 24 * 3600 // more would overflow
	ctx, cancel := context.WithTimeoutCause(ctx, time.Duration(min(*seconds, longest)*float64(time.Second)), answer.Errorf(
		http.StatusRequestTimeout, "PROCESS_EXECUTION_TIMEOUT", "timeout: it did not end within %v s, so it was killed with all that it had started", *seconds))
	return ctx, cancel, nil
}

// run runs a process to its end. One that is cut off is killed with its group,
// and the error says why.
func (h *Handler) run(ctx context.Context, cmd guest.Cmd) (guest.ExitStatus, error) {
	p, err := h.guest.Start(ctx, cmd)
	if cause := cutOff(ctx); err != nil && cause != nil {
		return guest.ExitStatus{}, cause // before it had started
	}
	if err != nil {
		return guest.ExitStatus{}, problem(err)
	}
	status, err := p.Wait()
	if cause := cutOff(ctx); cause != nil {
		return status, cause
	}
	return status, err
}

// cutOff returns what is to be answered when a time-out ended ctx.
func cutOff(ctx context.Context) error {
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}
