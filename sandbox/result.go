package sandbox

import "time"

// Result is the whole story of one run: what was asked, where it ran and why,
// what it said and how it ended. Text is valid UTF-8: bytes that are not became
// U+FFFD.
type Result struct {
	ID       string // 26 characters, unguessable
	Language string // Language.ID
	Version  string
	Engine   EngineChoice
	Reason   string // why this engine: one sentence for people
	Stdout   string
	Stderr   string
	Outputs  []Display
	Outcome
}

// EventType names an event of a run, as on the wire.
type EventType string

// The events of a run, in the order in which they can come: one start, any
// number of the others, one exit.
const (
	EventStart   EventType = "start"
	EventStdout  EventType = "stdout"
	EventStderr  EventType = "stderr"
	EventDisplay EventType = "display"
	EventStatus  EventType = "status"
	EventExit    EventType = "exit"
)

// Event is one thing that happened in a run. The field that belongs to Type is
// set; for EventStart that is Result with what is known at the start.
type Event struct {
	Type    EventType
	Text    string   // EventStdout, EventStderr: whole UTF-8 characters
	Display *Display // EventDisplay
	Status  *Progress
	Result  *Result // EventStart (identity, engine, reason), EventExit (all of it)
}

// Progress is where a run stands before its end.
type Progress struct {
	State    ProgressState
	Position int    // in the queue, from 1; 0 unless queued
	Message  string // for people
}

// ProgressState is the state in a Progress.
type ProgressState string

// The states of a run before its end.
const (
	ProgressQueued    ProgressState = "queued"
	ProgressPreparing ProgressState = "preparing" // the language is not ready yet; the run waits for it
	ProgressRunning   ProgressState = "running"
)

// RunRecord is a finished run as the history keeps it.
type RunRecord struct {
	Client     string // who ran it: see the scheduler's Request
	FinishedAt time.Time
	Result     Result
}
