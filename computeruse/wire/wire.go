// Package wire has the structs of the toolbox's operations on a desktop as they
// are on the wire, in JSON. Coordinates are pixels from the top left corner of
// the screen.
package wire

// Status is how the desktop is as a whole.
type Status string

// The values of Status.
const (
	Active   Status = "active"   // every process runs and the screen can be used
	Partial  Status = "partial"  // it is starting, or something of it has ended by itself
	Inactive Status = "inactive" // nothing runs
)

// StatusResponse tells how the desktop is.
type StatusResponse struct {
	Status Status `json:"status"`
}

// ProcessStatus tells of one process. PID is there while it runs.
type ProcessStatus struct {
	Running     bool `json:"running"`
	PID         int  `json:"pid,omitempty"`
	Priority    int  `json:"priority"` // the order in which processes start
	AutoRestart bool `json:"autoRestart"`
}

// ChangeResponse is the answer to start and stop.
type ChangeResponse struct {
	Message string                   `json:"message"`
	Status  map[string]ProcessStatus `json:"status"`
}

// ProcessStatusResponse tells whether one process runs.
type ProcessStatusResponse struct {
	ProcessName string `json:"processName"`
	Running     bool   `json:"running"`
}

// ProcessRestartResponse is the answer to a restart.
type ProcessRestartResponse struct {
	ProcessName string `json:"processName"`
	Message     string `json:"message"`
}

// ProcessLogsResponse is what a process wrote to its standard output.
type ProcessLogsResponse struct {
	ProcessName string `json:"processName"`
	Logs        string `json:"logs"`
}

// ProcessErrorsResponse is what a process wrote to its standard error, and how
// it ended.
type ProcessErrorsResponse struct {
	ProcessName string `json:"processName"`
	Errors      string `json:"errors"`
}

// Position is a place on the screen.
type Position struct {
	X int `json:"x"`
	Y int `json:"y"`
}

// ClickRequest asks for a click. Button is left, right or middle; "" is left.
type ClickRequest struct {
	X      *int   `json:"x"`
	Y      *int   `json:"y"`
	Button string `json:"button,omitempty"`
	Double bool   `json:"double,omitempty"`
}

// MoveRequest asks for a move of the pointer.
type MoveRequest struct {
	X *int `json:"x"`
	Y *int `json:"y"`
}

// DragRequest asks for a move with a button held down.
type DragRequest struct {
	StartX *int   `json:"startX"`
	StartY *int   `json:"startY"`
	EndX   *int   `json:"endX"`
	EndY   *int   `json:"endY"`
	Button string `json:"button,omitempty"`
}

// ScrollRequest asks for turns of the wheel. Direction is up or down.
type ScrollRequest struct {
	X         *int   `json:"x"`
	Y         *int   `json:"y"`
	Direction string `json:"direction"`
	Amount    *int   `json:"amount,omitempty"` // steps of the wheel; 1 when it is missing
}

// ScrollResponse is the answer to a scroll.
type ScrollResponse struct {
	Success bool `json:"success"`
}

// TypeRequest asks for text to be typed. Delay is milliseconds between keys.
type TypeRequest struct {
	Text  string `json:"text"`
	Delay int    `json:"delay,omitempty"`
}

// KeyRequest asks for a key with modifiers held down.
type KeyRequest struct {
	Key       string   `json:"key"`
	Modifiers []string `json:"modifiers,omitempty"`
}

// HotkeyRequest asks for keys held down together, such as "ctrl+shift+t".
type HotkeyRequest struct {
	Keys string `json:"keys"`
}

// ScreenshotResponse is a picture in base64.
type ScreenshotResponse struct {
	Screenshot     string    `json:"screenshot"`
	CursorPosition *Position `json:"cursorPosition,omitempty"`
	SizeBytes      int       `json:"sizeBytes"` // of the picture itself
}

// Display is one screen.
type Display struct {
	ID       int  `json:"id"`
	X        int  `json:"x"`
	Y        int  `json:"y"`
	Width    int  `json:"width"`
	Height   int  `json:"height"`
	IsActive bool `json:"isActive"`
}

// DisplayInfoResponse lists the screens.
type DisplayInfoResponse struct {
	Displays []Display `json:"displays"`
}

// Window is a window of an application, as its manager shows it.
type Window struct {
	ID       int    `json:"id"`
	Title    string `json:"title"`
	X        int    `json:"x"`
	Y        int    `json:"y"`
	Width    int    `json:"width"`
	Height   int    `json:"height"`
	IsActive bool   `json:"isActive"`
}

// WindowsResponse lists windows, the lowest one first.
type WindowsResponse struct {
	Windows []Window `json:"windows"`
}
