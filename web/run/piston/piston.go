package piston

import (
	"context"
	"net/http"
	"strings"

	"sandpiper/sandbox"
	"sandpiper/sandbox/scheduler"
	"sandpiper/web/reply"
	"sandpiper/web/run"
)

// maxRequest bounds the JSON of a job.
const maxRequest = 4 << 20

// Handler serves Piston's API.
type Handler struct {
	desk    run.Desk
	ceiling sandbox.Limits
}

// New returns a Handler. Zero fields of ceiling mean run.DefaultCeiling's.
func New(desk run.Desk, ceiling sandbox.Limits) *Handler {
	return &Handler{desk: desk, ceiling: run.CeilingOrDefault(ceiling)}
}

// Register adds the routes, below /api/v2 and, as Piston's public server had
// them, below /api/v2/piston.
func (h *Handler) Register(mux *http.ServeMux) {
	for _, prefix := range []string{"/api/v2", "/api/v2/piston"} {
		handle := func(pattern string, handler reply.Handler) {
			method, path, _ := strings.Cut(pattern, " ")
			mux.Handle(method+" "+prefix+path, handler.With(writeProblem))
		}
		handle("GET /runtimes", h.getRuntimes)
		handle("POST /execute", h.desk.Guard.Runner(h.postExecute))
		handle("GET /connect", h.connect)
		handle("GET /packages", noPackages)
		handle("POST /packages", noPackages)
		handle("DELETE /packages", noPackages)
	}
}

// writeProblem writes an error as Piston does. What we call unprocessable is a
// bad request there.
func writeProblem(w http.ResponseWriter, _ *http.Request, e *sandbox.Error) {
	status := reply.Status(e.Kind)
	body := problem{e.Message}
	switch e.Kind {
	case sandbox.KindUnprocessed:
		status = http.StatusBadRequest
	case sandbox.KindMediaType:
		body.Message = "requests must be of type application/json"
	}
	_ = reply.JSON(w, status, body) // nobody is left to tell
}

func (h *Handler) getRuntimes(w http.ResponseWriter, _ *http.Request) error {
	runtimes := []runtime{}
	for _, l := range h.desk.Scheduler.Languages() {
		if l.State != sandbox.LanguageFailed {
			runtimes = append(runtimes, runtime{Language: l.ID, Version: l.Version, Aliases: append([]string{}, l.Aliases...)})
		}
	}
	return reply.JSON(w, http.StatusOK, runtimes)
}

func noPackages(http.ResponseWriter, *http.Request) error {
	return sandbox.Errorf(sandbox.KindNotFound, "this server has no packages; GET /api/v2/runtimes lists what it runs")
}

func (h *Handler) postExecute(w http.ResponseWriter, r *http.Request) error {
	var j job
	if err := reply.DecodeLenient(w, r, maxRequest, &j); err != nil {
		return err
	}
	program, err := h.program(j)
	if err != nil {
		return err
	}
	program.Stdin = sandbox.StaticStdin(withNewline(j.Stdin))
	running, err := h.desk.Submit(r.Context(), program, "")
	if err != nil {
		return err
	}
	defer running.Leave()
	answer, err := collect(r.Context(), running)
	if err != nil {
		return err
	}
	return reply.JSON(w, http.StatusOK, answer)
}

// withNewline ends the input with a newline, as Piston does, also when there is
// none at all: programs that ask for a line get an empty one.
func withNewline(stdin string) []byte {
	if strings.HasSuffix(stdin, "\n") {
		return []byte(stdin)
	}
	return []byte(stdin + "\n")
}

// collect follows a run to its end, for the output in the order in which it came.
func collect(ctx context.Context, running *scheduler.Run) (execution, error) {
	var output strings.Builder
	var result sandbox.Result
	batch := func(events []sandbox.Event, _ int) error {
		for _, e := range events {
			output.WriteString(e.Text)
			if e.Type == sandbox.EventExit {
				result = *e.Result
			}
		}
		return nil
	}
	if err := run.Follow(ctx, running, 0, batch, func() error { return nil }); err != nil {
		return execution{}, err
	}
	return execution{
		Language: result.Language,
		Version:  result.Version,
		Run:      wireStage(result, output.String()),
	}, nil
}

func wireStage(r sandbox.Result, output string) stage {
	s := stage{
		Stdout:   r.Stdout,
		Stderr:   r.Stderr,
		Output:   output,
		CPUTime:  r.Usage.CPU.Milliseconds(),
		WallTime: r.Usage.Wall.Milliseconds(),
		Memory:   r.Usage.MemoryBytes,
		Message:  orNull(r.Message),
		Status:   orNull(wireStatus(r)),
	}
	s.Code, s.Signal = codeAndSignal(r)
	return s
}

// codeAndSignal returns the exit code of a program that ended by itself, else
// the signal that ended it.
func codeAndSignal(r sandbox.Result) (code *int, signal *string) {
	if r.Signal != "" {
		return nil, &r.Signal
	}
	return &r.ExitCode, nil
}

// wireStatus returns Piston's two letters for how a run ended; none for a
// program that ended well.
func wireStatus(r sandbox.Result) string {
	switch {
	case r.Status == sandbox.StatusOK:
		return ""
	case r.Status == sandbox.StatusTimeout:
		return "TO"
	case r.Status == sandbox.StatusOutputLimit && r.Truncated.Stderr && !r.Truncated.Stdout:
		return "EL"
	case r.Status == sandbox.StatusOutputLimit:
		return "OL"
	case r.Status == sandbox.StatusInternal:
		return "XX"
	case r.Signal != "":
		return "SG"
	default:
		return "RE"
	}
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
