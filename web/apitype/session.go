package apitype

import "time"

// SessionRequest asks for a session.
type SessionRequest struct {
	Language string            `json:"language" doc:"The id of a language that has sessions, or one of its aliases."`
	Name     string            `json:"name,omitempty" doc:"For people; at most 200 bytes. The language's name when it is left out."`
	Env      map[string]string `json:"env,omitempty" doc:"Environment variables."`
	Files    []File            `json:"files,omitempty" doc:"Files in the session's folder from the start. At most 64, 1 MiB in all."`
}

// Session is an interpreter that keeps its state from one cell to the next.
type Session struct {
	ID             string    `json:"id"`
	Name           string    `json:"name"`
	Language       string    `json:"language" doc:"The language's id."`
	State          string    `json:"state" doc:"A paused session comes back with its next cell; a failed one needs a restart." enum:"starting,idle,busy,paused,failed"`
	Message        string    `json:"message" doc:"Why the session has failed, in one sentence for people; else empty."`
	CreatedAt      time.Time `json:"created_at"`
	LastUsedAt     time.Time `json:"last_used_at"`
	ExecutionCount int       `json:"execution_count" doc:"How many cells it has executed."`
	MemoryBytes    int64     `json:"memory_bytes" doc:"Memory that the session has for itself; 0 while it is paused."`
	StoredBytes    int64     `json:"stored_bytes" doc:"Size of the saved state, 0 when there is none."`
	ForkOf         string    `json:"fork_of" doc:"The id of the session that this one was forked from, or empty."`
}

// SessionList is a caller's sessions, the one that was used last first.
type SessionList struct {
	Sessions []Session `json:"sessions"`
}

// SessionChange is what can be changed of a session.
type SessionChange struct {
	Name string `json:"name"`
}

// ForkRequest asks for a fork.
type ForkRequest struct {
	Name string `json:"name,omitempty" doc:"The fork's name; that of the session with (fork) when it is left out."`
}

// MovedSession is a session that was paused, resumed or forked, and what that took.
type MovedSession struct {
	Session
	Milliseconds float64 `json:"milliseconds"`
	Bytes        int64   `json:"bytes" doc:"Written, read or copied."`
}

// ExecuteRequest asks a session to execute a cell.
type ExecuteRequest struct {
	Code   string      `json:"code" doc:"At most 1 MiB."`
	Stdin  string      `json:"stdin,omitempty" doc:"What the cell reads from standard input."`
	Limits *CellLimits `json:"limits,omitempty"`
}

// CellLimits bounds a cell.
type CellLimits struct {
	TimeoutMS *int64 `json:"timeout_ms,omitempty" doc:"The longest that the cell may take, of wall time and of CPU time, in milliseconds." default:"60000"`
}

// CellResult is how a cell ended: a run's result and what sessions add to it.
type CellResult struct {
	Result
	Value          *Display   `json:"result" doc:"The value of the last expression, or null."`
	Error          *CellError `json:"error" doc:"The exception that ended the cell, or null."`
	ExecutionCount int        `json:"execution_count" doc:"The cell's number in its session, from 1; 0 when it did not begin."`
	RolledBack     bool       `json:"rolled_back" doc:"The session has the state that it had before the cell, which was stopped by force or crashed."`
	Notice         string     `json:"notice" doc:"What the user must know of the session, such as that it lost what some cells did; empty mostly."`
}

// CellError is an exception.
type CellError struct {
	Name      string   `json:"name" doc:"Such as ZeroDivisionError."`
	Value     string   `json:"value" doc:"Such as division by zero."`
	Traceback []string `json:"traceback" doc:"Lines, without colours."`
}

// LastCell is the cell that a session executes, or executed last.
type LastCell struct {
	State  string     `json:"state" enum:"running,finished"`
	Result CellResult `json:"result" doc:"While the cell runs: what it has said so far, with an empty status."`
}

// SessionFile is a file in a session's folder.
type SessionFile struct {
	Name       string    `json:"name" doc:"A relative path with / between folders."`
	Size       int64     `json:"size" doc:"In bytes."`
	ModifiedAt time.Time `json:"modified_at"`
}

// SessionFileList is the files of a session in the order of their names.
type SessionFileList struct {
	Files []SessionFile `json:"files"`
}

// SessionMessage is what a client sends over the WebSocket
// /v1/sessions/{id}/connect.
type SessionMessage struct {
	Type          string      `json:"type" enum:"execute,follow,stdin,end,interrupt"`
	ID            string      `json:"id,omitempty" doc:"With execute and follow: all answers carry it. At most 100 bytes."`
	Authorization string      `json:"authorization,omitempty" doc:"In any message: an API key, for clients that cannot set headers. It counts from then on."`
	Code          string      `json:"code,omitempty" doc:"With execute."`
	Limits        *CellLimits `json:"limits,omitempty" doc:"With execute."`
	Data          string      `json:"data,omitempty" doc:"With stdin: text for the standard input of the cell that runs."`
}

// SessionInput tells a client that its cell waits for input.
type SessionInput struct {
	Type string `json:"type" enum:"input"`
	ID   string `json:"id"`
}

// SessionState tells a client what its session is now.
type SessionState struct {
	Type    string  `json:"type" enum:"session"`
	Session Session `json:"session"`
}

// SessionRefusal is what the server sends for a message that it could not obey.
type SessionRefusal struct {
	Type  string `json:"type" enum:"error"`
	ID    string `json:"id,omitempty" doc:"Of the message."`
	Error Error  `json:"error"`
}
