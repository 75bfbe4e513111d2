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
	for pattern, handler := range map[string]answer.Handler{
		"GET /computeruse/status":                       h.status,
		"GET /computeruse/process-status":               h.status,
		"GET /computeruse/process/{processName}/status": h.processStatus,
		"GET /computeruse/process/{processName}/logs":   h.processLogs,
		"GET /computeruse/process/{processName}/errors": h.processErrors,
		"GET /computeruse/mouse/position":               h.mousePosition,
		"GET /computeruse/display/info":                 h.displayInfo,
		"GET /computeruse/display/windows":              h.displayWindows,
		"GET /computeruse/actions":                      h.listActions,
		"GET /computeruse/recordings":                   h.recordings,
		"GET /computeruse/recordings/{id}":              h.recording,
		"GET /computeruse/recordings/{id}/download":     h.recordingDownload,
		"DELETE /computeruse/recordings/{id}":           h.recordingDelete,
		"/computeruse/":                                 notFound,
	} {
		h.mux.Handle(pattern, handler)
	}
	for pattern, act := range map[string]struct {
		kind string
		do   action
	}{
		"POST /computeruse/start":                         {"start", h.start},
		"POST /computeruse/stop":                          {"stop", h.stop},
		"POST /computeruse/process/{processName}/restart": {"process.restart", h.processRestart},
		"POST /computeruse/mouse/move":                    {"mouse.move", h.mouseMove},
		"POST /computeruse/mouse/click":                   {"mouse.click", h.mouseClick},
		"POST /computeruse/mouse/drag":                    {"mouse.drag", h.mouseDrag},
		"POST /computeruse/mouse/scroll":                  {"mouse.scroll", h.mouseScroll},
		"POST /computeruse/keyboard/type":                 {"keyboard.type", h.keyboardType},
		"POST /computeruse/keyboard/key":                  {"keyboard.key", h.keyboardKey},
		"POST /computeruse/keyboard/hotkey":               {"keyboard.hotkey", h.keyboardHotkey},
		"GET /computeruse/screenshot":                     {"screenshot", h.screenshot(plain)},
		"GET /computeruse/screenshot/region":              {"screenshot", h.screenshot(region)},
		"GET /computeruse/screenshot/compressed":          {"screenshot", h.screenshot(compressed)},
		"GET /computeruse/screenshot/region/compressed":   {"screenshot", h.screenshot(region | compressed)},
		"POST /computeruse/recordings/start":              {"recording.start", h.recordingStart},
		"POST /computeruse/recordings/stop":               {"recording.stop", h.recordingStop},
		"GET /computeruse/a11y/tree":                      {"accessibility.tree", h.a11yTree},
		"POST /computeruse/a11y/find":                     {"accessibility.find", h.a11yFind},
		"POST /computeruse/a11y/node/focus":               {"accessibility.focus", h.a11yFocus},
		"POST /computeruse/a11y/node/invoke":              {"accessibility.invoke", h.a11yInvoke},
		"POST /computeruse/a11y/node/value":               {"accessibility.value", h.a11yValue},
	} {
		h.mux.Handle(pattern, h.logged(act.kind, act.do))
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
var empty = struct{}{}

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
