package toolboxtype

import "time"

// ExecuteRequest asks for a command. Timeout is in seconds; 0 or none is no limit.
// Clients whose language tells numbers apart send it with a fraction.
type ExecuteRequest struct {
	Command string            `json:"command"`
	Cwd     string            `json:"cwd,omitempty"`
	Envs    map[string]string `json:"envs,omitempty"`
	Env     map[string]string `json:"env,omitempty"` // what some documents call Envs
	Timeout *float64          `json:"timeout,omitempty"`
}

// ExecuteResponse is how a command ended. Result holds both outputs in order.
type ExecuteResponse struct {
	ExitCode int    `json:"exitCode"`
	Result   string `json:"result"`
}

// CreateSessionRequest asks for a session.
type CreateSessionRequest struct {
	SessionID string `json:"sessionId"`
}

// Session is a session with its commands.
type Session struct {
	SessionID string    `json:"sessionId"`
	Commands  []Command `json:"commands"`
}

// Command is a command of a session. ExitCode is there once it has ended.
type Command struct {
	ID       string `json:"id"`
	Command  string `json:"command"`
	ExitCode *int   `json:"exitCode,omitempty"`
}

// SessionExecuteRequest asks for a command in a session.
type SessionExecuteRequest struct {
	Command           string `json:"command"`
	RunAsync          bool   `json:"runAsync,omitempty"`
	Async             bool   `json:"async,omitempty"` // the older name of RunAsync
	SuppressInputEcho bool   `json:"suppressInputEcho,omitempty"`
}

// SessionExecuteResponse names a command and, once it has ended, tells how.
type SessionExecuteResponse struct {
	CmdID    string  `json:"cmdId"`
	Output   *string `json:"output,omitempty"`
	Stdout   *string `json:"stdout,omitempty"`
	Stderr   *string `json:"stderr,omitempty"`
	ExitCode *int    `json:"exitCode,omitempty"`
}

// SessionCommandLogsResponse is a command's output so far.
type SessionCommandLogsResponse struct {
	Output string `json:"output"`
	Stdout string `json:"stdout"`
	Stderr string `json:"stderr"`
}

// SessionSendInputRequest is input for a command.
type SessionSendInputRequest struct {
	Data string `json:"data"`
}

// PtyCreateRequest asks for a terminal.
type PtyCreateRequest struct {
	ID        string            `json:"id,omitempty"`
	Cwd       string            `json:"cwd,omitempty"`
	Envs      map[string]string `json:"envs,omitempty"`
	Cols      *int              `json:"cols,omitempty"`
	Rows      *int              `json:"rows,omitempty"`
	LazyStart bool              `json:"lazyStart,omitempty"`
}

// PtyCreateResponse names a new terminal.
type PtyCreateResponse struct {
	SessionID string `json:"sessionId"`
}

// PtySessionInfo describes a terminal. Active is whether its shell runs.
type PtySessionInfo struct {
	ID        string            `json:"id"`
	Cwd       string            `json:"cwd"`
	Envs      map[string]string `json:"envs"`
	Cols      int               `json:"cols"`
	Rows      int               `json:"rows"`
	CreatedAt time.Time         `json:"createdAt"`
	Active    bool              `json:"active"`
	LazyStart bool              `json:"lazyStart"`
}

// PtyListResponse lists terminals.
type PtyListResponse struct {
	Sessions []PtySessionInfo `json:"sessions"`
}

// PtyResizeRequest is a terminal's new size.
type PtyResizeRequest struct {
	Cols int `json:"cols"`
	Rows int `json:"rows"`
}

// PtyControl is a message of the server on a terminal's connection that is not
// output: Status is "connected", "error" or "exited".
type PtyControl struct {
	Type       string `json:"type"`
	Status     string `json:"status"`
	Error      string `json:"error,omitempty"`
	ExitCode   *int   `json:"exitCode,omitempty"`
	ExitReason string `json:"exitReason,omitempty"`

	// Of connections that can be resumed (see package process), whose Status can
	// also be "lost", "input-dropped" or "pong".
	Epoch  string `json:"epoch,omitempty"`
	Offset *int64 `json:"offset,omitempty"`
	End    *int64 `json:"end,omitempty"`
	Lost   int64  `json:"lost,omitempty"` // in bytes
	Fresh  bool   `json:"fresh,omitempty"`
	Modes  string `json:"modes,omitempty"`
	Cols   int    `json:"cols,omitempty"`
	Rows   int    `json:"rows,omitempty"`
}

// PtyExit is the reason in the close frame of a terminal's connection.
type PtyExit struct {
	ExitCode   *int   `json:"exitCode,omitempty"`
	ExitReason string `json:"exitReason,omitempty"`
	Error      string `json:"error,omitempty"`
}
