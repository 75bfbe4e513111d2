package toolboxtype

import (
	"encoding/json"
	"time"
)

// CodeRunRequest asks for a program. Timeout is in seconds; 0 or none is no limit.
type CodeRunRequest struct {
	Code     string            `json:"code"`
	Language string            `json:"language"`
	Argv     []string          `json:"argv,omitempty"`
	Envs     map[string]string `json:"envs,omitempty"`
	Env      map[string]string `json:"env,omitempty"` // what some documents call Envs
	Timeout  *float64          `json:"timeout,omitempty"`
}

// CodeRunResponse is how a program ended. Result holds both outputs in order.
type CodeRunResponse struct {
	ExitCode  int              `json:"exitCode"`
	Result    string           `json:"result"`
	Artifacts CodeRunArtifacts `json:"artifacts"`
}

// CodeRunArtifacts is what a program made besides its output. The charts are as
// the program's own language tells them.
type CodeRunArtifacts struct {
	Charts []json.RawMessage `json:"charts"`
}

// CreateContextRequest asks for an interpreter.
type CreateContextRequest struct {
	Cwd      string `json:"cwd,omitempty"`
	Language string `json:"language,omitempty"`
}

// InterpreterContext describes an interpreter that keeps its variables.
type InterpreterContext struct {
	ID        string    `json:"id"`
	Cwd       string    `json:"cwd"`
	Language  string    `json:"language"`
	CreatedAt time.Time `json:"createdAt"`
	Active    bool      `json:"active"`
}

// ListContextsResponse lists interpreters.
type ListContextsResponse struct {
	Contexts []InterpreterContext `json:"contexts"`
}

// InterpreterRequest is the first message of a client: a cell. Timeout is in
// seconds; 0 is no limit.
type InterpreterRequest struct {
	Code      string            `json:"code"`
	ContextID string            `json:"contextId,omitempty"`
	Envs      map[string]string `json:"envs,omitempty"`
	Timeout   *float64          `json:"timeout,omitempty"`
}

// InterpreterMessage is what a cell brings forth: its Type is "stdout", "stderr"
// or "control" with Text, "error" with Name, Value and Traceback, or "chart".
type InterpreterMessage struct {
	Type      string          `json:"type"`
	Text      string          `json:"text,omitempty"`
	Name      string          `json:"name,omitempty"`
	Value     string          `json:"value,omitempty"`
	Traceback string          `json:"traceback,omitempty"`
	Chart     json.RawMessage `json:"chart,omitempty"`
}
