package wire

import "time"

// Action is something that a caller had done to the desktop. The operation that
// lists actions is Sandpiper's own:
//
//	GET /computeruse/actions?since=N    an ActionsResponse with those after number N
//	GET …&follow=true                   the same as a stream without an end
//
// A stream is one Action in JSON per line (application/x-ndjson), or, where the
// caller accepts text/event-stream, one event per Action with its number as the
// event's id; Last-Event-ID is then as since. A stream that is idle sends an
// empty line or comment from time to time.
type Action struct {
	Number     int64     `json:"number"` // counts from 1 since the toolbox started
	Time       time.Time `json:"time"`   // when it began
	Kind       string    `json:"kind"`   // such as mouse.click, keyboard.type, screenshot
	Parameters string    `json:"parameters"`
	At         *Position `json:"at,omitempty"` // where on the screen it happened
	DurationMS float64   `json:"durationMs"`
	Error      string    `json:"error,omitempty"` // "" for success
}

// ActionsResponse lists the actions after a number. Dropped is how many of them
// are no longer there, for only the newest are kept. Next is the since to go on
// with.
type ActionsResponse struct {
	Actions []Action `json:"actions"`
	Next    int64    `json:"next"`
	Dropped int64    `json:"dropped"`
}
