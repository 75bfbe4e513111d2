package sessions

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"math"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/kernels"
	"sandpiper/web/apitype"
	"sandpiper/web/run"
)

// Wire returns a session as clients see it.
func Wire(s kernels.Session) apitype.Session {
	return apitype.Session{
		ID: s.ID, Name: s.Name, Language: s.Language, State: string(s.State), Message: s.Message,
		CreatedAt: s.CreatedAt.UTC(), LastUsedAt: s.LastUsedAt.UTC(), ExecutionCount: s.ExecutionCount,
		MemoryBytes: s.MemoryBytes, StoredBytes: s.StoredBytes, ForkOf: s.ForkOf,
	}
}

func wireMoved(s kernels.Session, c kernels.Cost) apitype.MovedSession {
	return apitype.MovedSession{Session: Wire(s), Milliseconds: math.Round(float64(c.Time)/float64(time.Microsecond)) / 1000, Bytes: c.Bytes}
}

// WireAnswer returns how a cell ended as clients see it.
func WireAnswer(a kernels.Answer) apitype.CellResult {
	w := apitype.CellResult{
		Result: run.WireResult(a.Result), ExecutionCount: a.ExecutionCount, RolledBack: a.RolledBack, Notice: a.Notice,
	}
	if a.Value != nil {
		w.Value = &apitype.Display{Data: a.Value.Data, Metadata: a.Value.Metadata}
		if w.Value.Metadata == nil {
			w.Value.Metadata = map[string]any{}
		}
	}
	if e := a.Error; e != nil {
		w.Error = &apitype.CellError{Name: e.Name, Value: e.Value, Traceback: append([]string{}, e.Traceback...)}
	}
	return w
}

// wireEvents returns how the events of a cell are written: as those of a run, but for
// the exit.
func wireEvents(x *kernels.Execution) run.Wire {
	return func(e sandbox.Event) any {
		if e.Type != sandbox.EventExit {
			return run.WireEvent(e)
		}
		a, _ := x.Answer() // it has ended
		return WireAnswer(a)
	}
}

// files reads the files of a request.
func files(list []apitype.File) ([]sandbox.File, error) {
	all := make([]sandbox.File, len(list))
	for i, f := range list {
		all[i] = sandbox.File{Name: f.Name, Content: []byte(f.Content)}
		switch f.Encoding {
		case "", "utf8":
		case "base64":
			b, err := base64.StdEncoding.DecodeString(f.Content)
			if err != nil {
				return nil, sandbox.FieldErrorf(fmt.Sprintf("files[%d].content", i), "the content of %.80q is not standard base64", f.Name)
			}
			all[i].Content = b
		default:
			return nil, sandbox.FieldErrorf(fmt.Sprintf("files[%d].encoding", i), "encoding %.40q is not known: it is utf8 or base64", f.Encoding)
		}
	}
	return all, nil
}

// maxText bounds the code of a cell and its input, in bytes.
const maxText = 1 << 20

// cell reads what a request asks a session to execute.
func cell(code string, stdin *sandbox.Stdin, limits *apitype.CellLimits, ceiling time.Duration) (kernels.Cell, error) {
	if len(code) > maxText {
		return kernels.Cell{}, &sandbox.Error{Kind: sandbox.KindTooLarge, Field: "code", Message: "the code of a cell may have 1 MiB at most"}
	}
	wall := ceiling
	if limits != nil && limits.TimeoutMS != nil {
		ms := *limits.TimeoutMS
		if ms < 1 || ms > ceiling.Milliseconds() {
			return kernels.Cell{}, sandbox.FieldErrorf("limits.timeout_ms", "timeout_ms must be from 1 to %d", ceiling.Milliseconds())
		}
		wall = time.Duration(ms) * time.Millisecond
	}
	return kernels.Cell{Cell: sandbox.Cell{Code: code, Stdin: stdin, Limits: sandbox.Limits{Wall: wall, CPU: wall}}}, nil
}

// ceilingOf returns the longest time that a cell may ask for.
func ceilingOf(wall time.Duration) time.Duration { return cmp.Or(wall, run.DefaultCeiling.Wall) }
