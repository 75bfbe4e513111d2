package live

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"sandpiper/sandbox"
	"sandpiper/web/reply"
)

// assistTime is how long the interpreter may take to help with code. What the
// user's objects do when they are looked at is the user's, so it has to end.
const assistTime = 2 * time.Second

// maxAssist bounds what the interpreter says, in bytes.
const maxAssist = 256 << 10

// The assistants are programs that look at the names of the cells. They get a request
// as JSON and print the content of the reply.
var (
	//go:embed assist.py
	pythonAssistant string

	//go:embed assist.js
	javaScriptAssistant string // a function
)

// assistance returns the cell by which a language answers a request, which is JSON;
// "" when it has no assistant. It leaves no names.
func assistance(language string, request []byte) (string, error) {
	switch language {
	case "python":
		source, err1 := json.Marshal(pythonAssistant)
		literal, err2 := json.Marshal(string(request))
		// JSON's strings are Python's, too. The names of the program are its own.
		return "exec(" + string(source) + ", {'names': globals(), 'request': " + string(literal) + "})", errors.Join(err1, err2)
	case "javascript", "typescript":
		return strings.TrimSuffix(javaScriptAssistant, "\n") + "(" + string(request) + ");", nil
	}
	return "", nil
}

// assistRequest is the content of a complete_, an inspect_ or an
// is_complete_request.
type assistRequest struct {
	Type   string `json:"type"`
	Code   string `json:"code"`
	Cursor int    `json:"cursor_pos"` // in characters
	Detail int    `json:"detail_level"`
}

type (
	completeContent struct {
		okContent
		Matches  []string `json:"matches"`
		Start    int      `json:"cursor_start"`
		End      int      `json:"cursor_end"`
		Metadata struct{} `json:"metadata"`
	}
	inspectContent struct {
		okContent
		Found    bool              `json:"found"`
		Data     map[string]string `json:"data"`
		Metadata struct{}          `json:"metadata"`
	}
	isCompleteContent struct {
		Status string `json:"status"` // "complete", "incomplete", "invalid" or "unknown"
		Indent string `json:"indent"`
	}
)

// assist answers a request for help with code. Where a language cannot help, the
// answer says that there is nothing.
func (k *Kernel) assist(r *request) any {
	var ask assistRequest
	if err := reply.UnmarshalLenient(r.Content, &ask); err != nil {
		return failureOf(reply.Public(err))
	}
	ask.Type = r.Head.Type
	content := nothing(ask)
	if said := k.consult(r.caller, ask); said == nil || reply.UnmarshalLenient(said, content) != nil {
		return nothing(ask)
	}
	return content
}

// nothing is the content of a reply that is of no help.
func nothing(ask assistRequest) any {
	switch ask.Type {
	case "complete_request":
		return &completeContent{okContent: okay, Matches: []string{}, Start: ask.Cursor, End: ask.Cursor}
	case "inspect_request":
		return &inspectContent{okContent: okay, Data: map[string]string{}}
	default:
		return &isCompleteContent{Status: "unknown"}
	}
}

// consult has the interpreter look, and returns what it says: nil for nothing.
func (k *Kernel) consult(caller context.Context, ask assistRequest) []byte {
	info, err := k.interp.Info(k.ctx)
	if err != nil {
		return nil
	}
	request, err := json.Marshal(ask)
	if err != nil {
		return nil
	}
	code, err := assistance(info.Language.ID, request)
	if err != nil || code == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(k.ctx, 2*assistTime)
	defer cancel()
	var out collector
	cell := Cell{Cell: sandbox.Cell{Code: code, Limits: sandbox.Limits{Wall: assistTime}}, Caller: caller, Uncounted: true}
	answer, err := k.interp.Execute(ctx, cell, &out)
	if err != nil || answer.Status != sandbox.StatusOK || out.over {
		return nil
	}
	return out.Bytes()
}

// collector is a sink that keeps what was printed to stdout, up to a bound.
type collector struct {
	bytes.Buffer
	over bool
}

// Output implements sandbox.Sink.
func (c *collector) Output(s sandbox.Stream, p []byte) {
	if s != sandbox.Stdout || c.over {
		return
	}
	c.over = c.Len()+len(p) > maxAssist
	if !c.over {
		c.Write(p)
	}
}

// Display implements sandbox.Sink.
func (c *collector) Display(sandbox.Display) {}
