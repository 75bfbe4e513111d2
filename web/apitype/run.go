package apitype

import "time"

// RunRequest asks for a program to be run. Exactly one of Code and Files is
// there.
type RunRequest struct {
	Language  string            `json:"language" doc:"A language's id or one of its aliases, in any case."`
	Version   string            `json:"version,omitempty" doc:"The installed version, a prefix of it that ends at a dot, or *." default:"*"`
	Code      *string           `json:"code,omitempty" doc:"The program as one file with the language's usual name. Either code or files."`
	Files     []File            `json:"files,omitempty" doc:"The program's files; the first is the one that runs. At most 64, 1 MiB in all."`
	Stdin     string            `json:"stdin,omitempty" doc:"What the program reads from standard input."`
	StdinLive bool              `json:"stdin_live,omitempty" doc:"Keep standard input open after stdin; more is sent to /v1/runs/{id}/stdin or over the WebSocket."`
	Args      []string          `json:"args,omitempty" doc:"Arguments after the program's name."`
	Env       map[string]string `json:"env,omitempty" doc:"Environment variables."`
	TimeoutMS *int64            `json:"timeout_ms,omitempty" doc:"The longest that the program may take, of wall time and of CPU time, in milliseconds." default:"10000"`
	MemoryMB  *int64            `json:"memory_mb,omitempty" doc:"The most memory that the program may use, in MiB." default:"256"`
	Engine    string            `json:"engine,omitempty" doc:"Where to run." enum:"auto,wasm,container" default:"auto"`
}

// File is a file of a program.
type File struct {
	Name     string `json:"name" doc:"A relative path with / between folders."`
	Content  string `json:"content"`
	Encoding string `json:"encoding,omitempty" doc:"How content is written: as it is (utf8), or in standard base64." enum:"utf8,base64" default:"utf8"`
}

// Result is the whole story of a finished run. Every field is always there;
// lists may be empty and are never null.
type Result struct {
	ID          string       `json:"id"`
	Language    string       `json:"language" doc:"The language's id."`
	Version     string       `json:"version" doc:"The version that ran."`
	Engine      string       `json:"engine" enum:"wasm,container"`
	Reason      string       `json:"reason" doc:"Why this engine, in one sentence."`
	Status      string       `json:"status" doc:"How the run ended. error is the program's own failure, internal is the server's." enum:"ok,error,timeout,memory_limit,output_limit,cancelled,internal"`
	Message     string       `json:"message" doc:"Why it ended so, in one sentence for people; empty when the status is ok."`
	ExitCode    int          `json:"exit_code" doc:"The program's own, or 128 and the number of the signal that ended it."`
	Signal      string       `json:"signal" doc:"The signal that ended the program, such as SIGKILL; empty when it ended by itself."`
	Stdout      string       `json:"stdout" doc:"UTF-8; bytes that are not became U+FFFD."`
	Stderr      string       `json:"stderr" doc:"UTF-8; bytes that are not became U+FFFD."`
	Outputs     []Display    `json:"outputs" doc:"Rich outputs in the order in which they came."`
	Diagnostics []Diagnostic `json:"diagnostics" doc:"Places in the program that the language's messages point at."`
	Files       []OutputFile `json:"files" doc:"What the program left in its folder out/."`
	WallMS      float64      `json:"wall_ms" doc:"From start to end, in milliseconds."`
	CPUMS       float64      `json:"cpu_ms" doc:"Time spent executing the program, in milliseconds."`
	MemoryBytes int64        `json:"memory_bytes" doc:"The most memory that was in use."`
	Truncated   Truncated    `json:"truncated"`
}

// Display is a rich output: the same content as one or more MIME types.
type Display struct {
	Data     map[string]any `json:"data" doc:"By MIME type: text as it is, binary types in base64, types that end in json as JSON."`
	Metadata map[string]any `json:"metadata"`
	ID       string         `json:"display_id,omitempty" doc:"Its name within the run, if it has one: a later one may take its place."`
	Act      string         `json:"act,omitempty" doc:"In events only. update: it takes the place of those with its display_id. clear: what the run said before is to be taken away; clear_next: when more comes. The last two have no data."`
}

// Diagnostic points at a place in the program.
type Diagnostic struct {
	File     string `json:"file"`
	Line     int    `json:"line" doc:"From 1."`
	Column   int    `json:"column" doc:"From 1; 0 when it is not known."`
	Severity string `json:"severity" enum:"error,warning,info"`
	Message  string `json:"message"`
}

// OutputFile is a file that the program left.
type OutputFile struct {
	Name     string `json:"name" doc:"Below out/."`
	Size     int    `json:"size" doc:"In bytes."`
	Content  string `json:"content"`
	Encoding string `json:"encoding,omitempty" doc:"base64 when the content is not UTF-8 text; else not there." enum:"base64"`
}

// Truncated says which outputs lost their end to the output limit.
type Truncated struct {
	Stdout bool `json:"stdout"`
	Stderr bool `json:"stderr"`
}

// Start is the data of the event start.
type Start struct {
	ID       string `json:"id"`
	Language string `json:"language"`
	Version  string `json:"version"`
	Engine   string `json:"engine" enum:"wasm,container"`
	Reason   string `json:"reason"`
}

// Text is the data of the events stdout and stderr.
type Text struct {
	Text string `json:"text" doc:"Whole characters; pieces join without anything between them."`
}

// Progress is the data of the event status.
type Progress struct {
	State    string `json:"state" enum:"queued,preparing,running"`
	Position int    `json:"position,omitempty" doc:"In the queue, from 1, while queued."`
	Message  string `json:"message,omitempty" doc:"For people."`
}

// Run is a run that may still be going on.
type Run struct {
	Start
	State    string  `json:"state" enum:"queued,preparing,running,finished"`
	Position int     `json:"position,omitempty" doc:"In the queue, from 1, while queued."`
	Message  string  `json:"message,omitempty" doc:"What is going on, for people."`
	Result   *Result `json:"result,omitempty" doc:"Once the state is finished."`
}

// RunSummary is a finished run in a list.
type RunSummary struct {
	Start
	Status     string    `json:"status" enum:"ok,error,timeout,memory_limit,output_limit,cancelled,internal"`
	ExitCode   int       `json:"exit_code"`
	WallMS     float64   `json:"wall_ms"`
	FinishedAt time.Time `json:"finished_at"`
}

// RunList is a caller's recent runs, newest first.
type RunList struct {
	Runs []RunSummary `json:"runs"`
}

// SignalRequest sends a signal to a run.
type SignalRequest struct {
	Signal string `json:"signal" enum:"SIGINT,SIGKILL"`
}
