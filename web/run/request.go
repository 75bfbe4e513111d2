package run

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"sandpiper/sandbox"
	"sandpiper/web/apitype"
)

// maxRequest bounds the JSON of a request: the largest program in base64, with
// input, arguments and environment beside it.
const maxRequest = 4 << 20

// DefaultCeiling is the most that a request may ask for.
var DefaultCeiling = sandbox.Limits{Wall: time.Minute, MemoryBytes: 1 << 30}

// CeilingOrDefault returns l with DefaultCeiling's wall time and memory where
// it has none.
func CeilingOrDefault(l sandbox.Limits) sandbox.Limits {
	l.Wall = cmp.Or(l.Wall, DefaultCeiling.Wall)
	l.MemoryBytes = cmp.Or(l.MemoryBytes, DefaultCeiling.MemoryBytes)
	return l
}

// program turns a request into the domain's words. Its errors are
// *sandbox.Error of KindUnprocessed that name the field; what the domain
// checks itself is left to it.
func (h *Handler) program(req apitype.RunRequest) (sandbox.Program, error) {
	files, err := h.files(req)
	if err != nil {
		return sandbox.Program{}, err
	}
	limits, err := limits(req, h.ceiling)
	if err != nil {
		return sandbox.Program{}, err
	}
	return sandbox.Program{
		Language: req.Language,
		Version:  req.Version,
		Files:    files,
		Stdin:    stdin(req),
		Args:     req.Args,
		Env:      req.Env,
		Limits:   limits,
		Engine:   sandbox.EngineChoice(req.Engine),
	}, nil
}

func (h *Handler) files(req apitype.RunRequest) ([]sandbox.File, error) {
	switch {
	case req.Code != nil && req.Files != nil:
		return nil, sandbox.FieldErrorf("code", "send either code or files, not both")
	case req.Code == nil && req.Files == nil:
		return nil, sandbox.FieldErrorf("code", "send the program as code, or as a list of files")
	case req.Code != nil:
		return []sandbox.File{{Name: h.mainName(req.Language), Content: []byte(*req.Code)}}, nil
	}
	files := make([]sandbox.File, len(req.Files))
	for i, f := range req.Files {
		content, err := content(f, i)
		if err != nil {
			return nil, err
		}
		files[i] = sandbox.File{Name: f.Name, Content: content}
	}
	return files, nil
}

// mainName returns what a language calls the file of a program that is only
// code. The scheduler refuses languages that are not known.
func (h *Handler) mainName(language string) string {
	if l, ok := h.desk.Language(language); ok && l.Main != "" {
		return l.Main
	}
	return "main"
}

func content(f apitype.File, i int) ([]byte, error) {
	switch f.Encoding {
	case "", "utf8":
		return []byte(f.Content), nil
	case "base64":
		b, err := base64.StdEncoding.DecodeString(f.Content)
		if err != nil {
			return nil, sandbox.FieldErrorf(fmt.Sprintf("files[%d].content", i), "the content of %.80q is not standard base64", f.Name)
		}
		return b, nil
	default:
		return nil, sandbox.FieldErrorf(fmt.Sprintf("files[%d].encoding", i), "encoding %.40q is not known: it is utf8 or base64", f.Encoding)
	}
}

func stdin(req apitype.RunRequest) *sandbox.Stdin {
	if !req.StdinLive {
		return sandbox.StaticStdin([]byte(req.Stdin))
	}
	in := sandbox.LiveStdin()
	_, _ = in.Write([]byte(req.Stdin)) // checked by limits to fit
	return in
}

// limits reads the limits of a request. The time limit counts for both clocks,
// so that a program may compute for as long as it may last.
func limits(req apitype.RunRequest, ceiling sandbox.Limits) (sandbox.Limits, error) {
	var l sandbox.Limits
	if ms := req.TimeoutMS; ms != nil {
		if *ms < 1 || *ms > ceiling.Wall.Milliseconds() {
			return l, sandbox.FieldErrorf("timeout_ms", "timeout_ms must be from 1 to %d", ceiling.Wall.Milliseconds())
		}
		l.Wall = time.Duration(*ms) * time.Millisecond
		l.CPU = l.Wall
	}
	if mb := req.MemoryMB; mb != nil {
		if *mb < 1 || *mb > ceiling.MemoryBytes>>20 {
			return l, sandbox.FieldErrorf("memory_mb", "memory_mb must be from 1 to %d", ceiling.MemoryBytes>>20)
		}
		l.MemoryBytes = *mb << 20
	}
	if len(req.Stdin) > maxStdin {
		return l, &sandbox.Error{Kind: sandbox.KindTooLarge, Field: "stdin", Message: "stdin may have 1 MiB at most"}
	}
	return l, nil
}

// maxStdin is how much input a program can be given at once.
const maxStdin = 1 << 20

// parseSignal returns the cause that a signal's name stands for.
func parseSignal(name string) (error, error) {
	switch strings.ToUpper(name) {
	case "SIGINT":
		return sandbox.ErrInterrupted, nil
	case "SIGKILL":
		return sandbox.ErrKilled, nil
	}
	return nil, sandbox.FieldErrorf("signal", "signal %.40q is not known: it is SIGINT or SIGKILL", name)
}
