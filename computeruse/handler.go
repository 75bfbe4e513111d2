// Package computeruse serves the toolbox's operations on a sandbox's desktop:
// its life, mouse, keyboard, screenshots, windows, recordings, accessibility, and
// a log of what callers did. It works over any guest that is a Linux.
//
// Everything runs as the sandbox's user. One caller at a time uses the mouse and
// keyboard; screenshots and questions do not wait for each other.
package computeruse

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"sandpiper/computeruse/actionlog"
	"sandpiper/computeruse/desktop"
	"sandpiper/computeruse/recording"
	"sandpiper/computeruse/wire"
	"sandpiper/computeruse/x11"
	"sandpiper/sandbox"
	"sandpiper/sandbox/guest"
	"sandpiper/sandbox/toolbox/answer"
)

// maxEncoders is how many pictures are made at the same time: each takes a core
// and some megabytes.
const maxEncoders = 2

// Handler serves the operations. It is safe for concurrent use.
type Handler struct {
	desktop  *desktop.Desktop
	recorder *recording.Recorder
	buses    buses
	actions  actionlog.Log
	encoders chan struct{}
	mux      *http.ServeMux

	ctx    context.Context // ends with the handler
	cancel context.CancelFunc
	open   sync.WaitGroup // answers that follow the log
}

// New returns the handler of a guest's desktop, whose screen is to be served in
// the RFB protocol on port. Nothing is started. The caller must Close it.
func New(g guest.Guest, port int) *Handler {
	h := &Handler{desktop: desktop.New(g, port), recorder: recording.New(g), encoders: make(chan struct{}, maxEncoders), mux: http.NewServeMux()}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	h.register()
	return h
}

// Close ends the desktop and waits for that. Requests must not come any more.
func (h *Handler) Close() {
	h.cancel()
	h.open.Wait()
	h.recorder.Close() // while there is a screen
	h.buses.close()
	h.desktop.Close()
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

func (h *Handler) register() {
	answer.Register(h.mux, h.routes())
	h.mux.Handle("/computeruse/", answer.Handler(notFound))
}

// Routes describes all operations.
func Routes() []answer.Route { return new(Handler).routes() }

// routes lists all operations, in the end those that the log tells of.
func (h *Handler) routes() []answer.Route {
	return []answer.Route{
		answer.Op("GET /computeruse/status", h.status, "GetComputerUseSystemStatus", "Tell whether the desktop runs").Gives(http.StatusOK, wire.StatusResponse{}),
		answer.Op("GET /computeruse/process-status", h.status, "GetComputerUseStatus", "Tell whether the desktop runs, as older clients ask").Gives(http.StatusOK, wire.StatusResponse{}),
		answer.Op("GET /computeruse/process/{processName}/status", h.processStatus, "GetProcessStatus", "Tell whether a process of the desktop runs").Gives(http.StatusOK, wire.ProcessStatusResponse{}),
		answer.Op("GET /computeruse/process/{processName}/logs", h.processLogs, "GetProcessLogs", "Read what a process of the desktop has written").Gives(http.StatusOK, wire.ProcessLogsResponse{}),
		answer.Op("GET /computeruse/process/{processName}/errors", h.processErrors, "GetProcessErrors", "Read the errors of a process of the desktop").Gives(http.StatusOK, wire.ProcessErrorsResponse{}),
		answer.Op("GET /computeruse/mouse/position", h.mousePosition, "GetMousePosition", "Tell where the mouse is").Gives(http.StatusOK, wire.Position{}),
		answer.Op("GET /computeruse/display/info", h.displayInfo, "GetDisplayInfo", "Describe the screen").Gives(http.StatusOK, wire.DisplayInfoResponse{}),
		answer.Op("GET /computeruse/display/windows", h.displayWindows, "GetWindows", "List windows").Gives(http.StatusOK, wire.WindowsResponse{}),
		answer.Op("GET /computeruse/actions", h.listActions, "ListActions", "List or follow what callers did on the desktop").Knows("since integer", "follow boolean").Gives(http.StatusOK, wire.ActionsResponse{}),
		answer.Op("GET /computeruse/recordings", h.recordings, "ListRecordings", "List recordings").Gives(http.StatusOK, wire.ListRecordingsResponse{}),
		answer.Op("GET /computeruse/recordings/{id}", h.recording, "GetRecording", "Describe a recording").Gives(http.StatusOK, wire.Recording{}),
		answer.Op("GET /computeruse/recordings/{id}/download", h.recordingDownload, "DownloadRecording", "Read a recording").Sends("application/octet-stream"),
		answer.Op("DELETE /computeruse/recordings/{id}", h.recordingDelete, "DeleteRecording", "Delete a recording").Gives(http.StatusNoContent, nil),
		answer.Op("POST /computeruse/start", h.logged("start", h.start), "StartComputerUse", "Start the desktop").Gives(http.StatusOK, wire.ChangeResponse{}),
		answer.Op("POST /computeruse/stop", h.logged("stop", h.stop), "StopComputerUse", "Stop the desktop").Gives(http.StatusOK, wire.ChangeResponse{}),
		answer.Op("POST /computeruse/process/{processName}/restart", h.logged("process.restart", h.processRestart), "RestartProcess", "Restart a process of the desktop").Gives(http.StatusOK, wire.ProcessRestartResponse{}),
		answer.Op("POST /computeruse/mouse/move", h.logged("mouse.move", h.mouseMove), "MoveMouse", "Move the mouse").Takes(wire.MoveRequest{}).Gives(http.StatusOK, wire.Position{}),
		answer.Op("POST /computeruse/mouse/click", h.logged("mouse.click", h.mouseClick), "Click", "Click").Takes(wire.ClickRequest{}).Gives(http.StatusOK, wire.Position{}),
		answer.Op("POST /computeruse/mouse/drag", h.logged("mouse.drag", h.mouseDrag), "Drag", "Drag with the mouse").Takes(wire.DragRequest{}).Gives(http.StatusOK, wire.Position{}),
		answer.Op("POST /computeruse/mouse/scroll", h.logged("mouse.scroll", h.mouseScroll), "Scroll", "Turn the wheel").Takes(wire.ScrollRequest{}).Gives(http.StatusOK, wire.ScrollResponse{}),
		answer.Op("POST /computeruse/keyboard/type", h.logged("keyboard.type", h.keyboardType), "TypeText", "Type a text").Takes(wire.TypeRequest{}).Gives(http.StatusOK, empty),
		answer.Op("POST /computeruse/keyboard/key", h.logged("keyboard.key", h.keyboardKey), "PressKey", "Press a key").Takes(wire.KeyRequest{}).Gives(http.StatusOK, empty),
		answer.Op("POST /computeruse/keyboard/hotkey", h.logged("keyboard.hotkey", h.keyboardHotkey), "PressHotkey", "Press keys together").Takes(wire.HotkeyRequest{}).Gives(http.StatusOK, empty),
		answer.Op("GET /computeruse/screenshot", h.logged("screenshot", h.screenshot(plain)), "TakeScreenshot", "Take a picture of the screen").Knows("showCursor boolean").Gives(http.StatusOK, wire.ScreenshotResponse{}),
		answer.Op("GET /computeruse/screenshot/region", h.logged("screenshot", h.screenshot(region)), "TakeRegionScreenshot", "Take a picture of a part of the screen").Needs("x integer", "y integer", "width integer", "height integer").Knows("showCursor boolean").Gives(http.StatusOK, wire.ScreenshotResponse{}),
		answer.Op("GET /computeruse/screenshot/compressed", h.logged("screenshot", h.screenshot(compressed)), "TakeCompressedScreenshot", "Take a small picture of the screen").Knows("showCursor boolean", "format", "quality integer", "scale number").Gives(http.StatusOK, wire.ScreenshotResponse{}),
		answer.Op("GET /computeruse/screenshot/region/compressed", h.logged("screenshot", h.screenshot(region|compressed)), "TakeCompressedRegionScreenshot", "Take a small picture of a part of the screen").Needs("x integer", "y integer", "width integer", "height integer").Knows("showCursor boolean", "format", "quality integer", "scale number").Gives(http.StatusOK, wire.ScreenshotResponse{}),
		answer.Op("POST /computeruse/recordings/start", h.logged("recording.start", h.recordingStart), "StartRecording", "Start a recording").Takes(wire.StartRecordingRequest{}).Gives(http.StatusCreated, wire.Recording{}),
		answer.Op("POST /computeruse/recordings/stop", h.logged("recording.stop", h.recordingStop), "StopRecording", "Stop a recording").Takes(wire.StopRecordingRequest{}).Gives(http.StatusOK, wire.Recording{}),
		answer.Op("GET /computeruse/a11y/tree", h.logged("accessibility.tree", h.a11yTree), "GetAccessibilityTree", "Read what is on the screen as a tree").Knows("scope", "pid integer", "maxDepth integer").Gives(http.StatusOK, wire.TreeResponse{}),
		answer.Op("POST /computeruse/a11y/find", h.logged("accessibility.find", h.a11yFind), "FindAccessibilityNodes", "Find things on the screen").Takes(wire.FindRequest{}).Gives(http.StatusOK, wire.NodesResponse{}),
		answer.Op("POST /computeruse/a11y/node/focus", h.logged("accessibility.focus", h.a11yFocus), "FocusAccessibilityNode", "Give the focus to something on the screen").Takes(wire.NodeRequest{}).Gives(http.StatusOK, empty),
		answer.Op("POST /computeruse/a11y/node/invoke", h.logged("accessibility.invoke", h.a11yInvoke), "InvokeAccessibilityNode", "Do what something on the screen can do").Takes(wire.InvokeRequest{}).Gives(http.StatusOK, empty),
		answer.Op("POST /computeruse/a11y/node/value", h.logged("accessibility.value", h.a11yValue), "SetAccessibilityNodeValue", "Set the value of something on the screen").Takes(wire.SetValueRequest{}).Gives(http.StatusOK, empty),
	}
}

// note is what the log tells of an action, filled in as soon as it is known.
type note struct {
	parameters string
	at         *wire.Position
}

// action is an operation that the log tells of. What it returns is the answer.
type action func(w http.ResponseWriter, r *http.Request, n *note) (any, error)

// logged makes a handler of an action.
func (h *Handler) logged(kind string, do action) answer.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		began := time.Now()
		var n note
		result, err := do(w, r, &n)
		err = problem(err)
		entry := wire.Action{Time: began.UTC(), Kind: kind, Parameters: n.parameters, At: n.at, DurationMS: float64(time.Since(began).Microseconds()) / 1000}
		if err != nil {
			entry.Error = answer.Public(err).Message
		}
		h.actions.Add(entry)
		if err != nil {
			return err
		}
		if r, ok := result.(created); ok {
			return answer.JSON(w, http.StatusCreated, r.body)
		}
		return answer.JSON(w, http.StatusOK, result)
	}
}

// created is an answer of something new.
type created struct{ body any }

// empty is the answer of operations that have nothing to tell.
var empty = Empty{}

// Empty is an object without fields.
type Empty struct{}

// problem turns errors of the desktop into those of the wire. What programs in
// the sandbox say is its user's to read.
func problem(err error) error {
	var missing *desktop.MissingError
	var unknown desktop.UnknownError
	var known *answer.Error
	switch {
	case err == nil, errors.As(err, &known):
		return err
	case errors.As(err, &missing):
		return &answer.Error{
			Status: http.StatusUnprocessableEntity, Code: "UNPROCESSABLE_ENTITY", Err: err,
			Message: missing.Error() + "; use the snapshot " + sandbox.DesktopSnapshot + ", or an image with TigerVNC, XFCE and D-Bus",
		}
	case errors.As(err, &unknown):
		return &answer.Error{Status: http.StatusNotFound, Code: "PROCESS_NOT_FOUND", Message: err.Error(), Err: err}
	case errors.Is(err, desktop.ErrNotStarted):
		return &answer.Error{Status: http.StatusBadRequest, Code: "BAD_REQUEST", Message: "the desktop is not started: call POST /computeruse/start first", Err: err}
	case errors.Is(err, x11.ErrOutside):
		return &answer.Error{Status: http.StatusBadRequest, Code: "BAD_REQUEST", Message: err.Error(), Err: err}
	case errors.Is(err, x11.ErrGone):
		return &answer.Error{Status: http.StatusInternalServerError, Code: "INTERNAL_SERVER_ERROR", Message: "the X server ended or hangs: call POST /computeruse/start, or restart the process xvfb", Err: err}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return &answer.Error{Status: http.StatusRequestTimeout, Code: "REQUEST_TIMEOUT", Message: "the request ended before the desktop had done it: " + err.Error(), Err: err}
	}
	return &answer.Error{Status: http.StatusInternalServerError, Code: "INTERNAL_SERVER_ERROR", Message: strings.ToValidUTF8(err.Error(), ""), Err: err}
}

func notFound(w http.ResponseWriter, r *http.Request) error {
	return answer.Errorf(http.StatusNotFound, "NOT_FOUND", "the toolbox has no %s %s", r.Method, r.URL.Path)
}
