// Package codapi lets clients of codapi run programs here, above all the
// <codapi-snippet> element: POST /v1/exec over the same scheduler. A sandbox is
// a language, and the one command is run.
package codapi

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"sandpiper/sandbox"
	"sandpiper/web/reply"
	"sandpiper/web/run"
)

const (
	maxRequest = 4 << 20

	// clientPatience is when the element gives up on its own; a run ends before
	// that, so that the reader sees what it printed and why it was stopped.
	clientPatience = 10 * time.Second
	timeLimit      = clientPatience - time.Second
)

// request asks for a program to be run. A file named "" is the main one.
type request struct {
	Sandbox string            `json:"sandbox"`
	Version string            `json:"version"`
	Command string            `json:"command"`
	Files   map[string]string `json:"files"`
}

// execution is the answer, also to requests that failed.
type execution struct {
	ID       string `json:"id"`
	OK       bool   `json:"ok"`
	Duration int64  `json:"duration"` // milliseconds
	Stdout   string `json:"stdout"`
	Stderr   string `json:"stderr"`
}

// Handler serves codapi's API.
type Handler struct {
	desk run.Desk
}

// New returns a Handler.
func New(desk run.Desk) *Handler { return &Handler{desk} }

// Register adds the route.
func (h *Handler) Register(mux *http.ServeMux) {
	mux.Handle("POST /v1/exec", h.desk.Guard.Runner(h.exec).With(writeError))
	mux.Handle("/v1/exec", http.HandlerFunc(wrongMethod))
}

// writeError writes an error as codapi does. What we call unprocessable is a
// bad request there.
func writeError(w http.ResponseWriter, _ *http.Request, e *sandbox.Error) {
	status := reply.Status(e.Kind)
	if e.Kind == sandbox.KindUnprocessed || e.Kind == sandbox.KindMediaType {
		status = http.StatusBadRequest
	}
	_ = reply.JSON(w, status, execution{ID: "-", Stderr: e.Message}) // nobody is left to tell
}

func wrongMethod(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Allow", "POST")
	_ = reply.JSON(w, http.StatusMethodNotAllowed, execution{ID: "-", Stderr: "unsupported method: " + r.Method})
}

func (h *Handler) exec(w http.ResponseWriter, r *http.Request) error {
	var req request
	if err := reply.DecodeLenient(w, r, maxRequest, &req); err != nil {
		return err
	}
	program, err := h.program(req)
	if err != nil {
		return err
	}
	running, err := h.desk.Submit(r.Context(), program, "")
	if err != nil {
		return err
	}
	defer running.Leave()
	result, err := running.Wait(r.Context())
	if err != nil {
		return err
	}
	if result.Status == sandbox.StatusInternal {
		return sandbox.Errorf(sandbox.KindInternal, "%s", result.Message)
	}
	return reply.JSON(w, http.StatusOK, execution{
		ID:       fmt.Sprintf("%s_run_%s", result.Language, result.ID),
		OK:       result.Status == sandbox.StatusOK,
		Duration: result.Usage.Wall.Milliseconds(),
		Stdout:   result.Stdout,
		Stderr:   result.Stderr,
	})
}

// program turns a request into the domain's words.
func (h *Handler) program(req request) (sandbox.Program, error) {
	language, ok := h.desk.Language(req.Sandbox)
	if !ok {
		return sandbox.Program{}, sandbox.Errorf(sandbox.KindNotFound, "unknown sandbox")
	}
	if req.Command != "run" {
		return sandbox.Program{}, sandbox.Errorf(sandbox.KindNotFound, "unknown command")
	}
	files, err := programFiles(req.Files, language.Main)
	if err != nil {
		return sandbox.Program{}, err
	}
	return sandbox.Program{
		Language: language.ID,
		Version:  req.Version,
		Files:    files,
		Limits:   sandbox.Limits{Wall: timeLimit},
	}, nil
}

// programFiles returns the files with the main one first: the one without a
// name, the one with the language's name for it, or the only one. The others
// follow in order of their names.
func programFiles(byName map[string]string, mainName string) ([]sandbox.File, error) {
	names := slices.Sorted(maps.Keys(byName))
	if len(names) == 0 || len(names) == 1 && byName[names[0]] == "" {
		return nil, sandbox.Errorf(sandbox.KindInvalid, "empty request")
	}
	main := slices.Index(names, "")
	if main < 0 {
		main = slices.Index(names, mainName)
	}
	if main < 0 && len(names) > 1 {
		return nil, sandbox.Errorf(sandbox.KindInvalid, "one of the files must be named %q, or have no name", mainName)
	}
	first := names[max(main, 0)]
	files := []sandbox.File{{Name: cmp.Or(first, mainName), Content: []byte(byName[first])}}
	for _, name := range names {
		if name != first {
			files = append(files, sandbox.File{Name: name, Content: []byte(byName[name])})
		}
	}
	return files, nil
}
