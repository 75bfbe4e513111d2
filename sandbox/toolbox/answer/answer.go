// Package answer is how the toolbox's handlers answer: they return errors,
// which become the toolbox's error shape in one place, they read JSON with
// bounds and they write JSON. The shape is
//
//	{"statusCode":404,"source":"DAYTONA_DAEMON","code":"FILE_NOT_FOUND","message":"…","path":"/files","method":"GET","timestamp":"…"}
package answer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"syscall"
	"time"
)

// MaxBody is the largest JSON body that Decode reads, in bytes.
const MaxBody = 8 << 20

// source is the fixed value by which clients tell a toolbox's errors from those
// of the control API.
const source = "DAYTONA_DAEMON"

// Error is an error that is safe to show. Anything else that a handler returns
// is logged and shown as an internal error.
type Error struct {
	Status  int    // of HTTP
	Code    string // for programs: one of DaemonErrorCode of the specification, which is closed
	Message string // for people: what happened and what to do
	Err     error  // the cause, for the log only; may be nil
}

// Error implements error. It includes the cause, so it is for logs.
func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Message, e.Err)
	}
	return e.Code + ": " + e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an Error with a formatted, user-safe message.
func Errorf(status int, code, format string, args ...any) *Error {
	return &Error{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

// BadRequest is an Error of status 400: the request itself is at fault.
func BadRequest(format string, args ...any) *Error {
	return Errorf(http.StatusBadRequest, "BAD_REQUEST", format, args...)
}

// Handler answers a request, or returns an error without having written
// anything. An error that it returns after the answer began is only logged.
type Handler func(w http.ResponseWriter, r *http.Request) error

// ServeHTTP implements http.Handler.
func (h Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t := &tracker{ResponseWriter: w}
	err := h(t, r)
	if err == nil {
		return
	}
	e := Public(err)
	// What a sandbox cannot do is no failure of ours.
	if e.Status >= http.StatusInternalServerError && e.Status != http.StatusNotImplemented {
		slog.ErrorContext(r.Context(), "toolbox request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	if !t.started {
		Write(w, r, e)
	}
}

// Public returns what may be shown of err: the first Error in its chain, or an
// internal error that tells nothing.
func Public(err error) *Error {
	var e *Error
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &e):
		return e
	case errors.As(err, &tooLarge):
		return Errorf(http.StatusRequestEntityTooLarge, "INVALID_REQUEST_BODY", "the request body may have %d bytes at most", tooLarge.Limit)
	}
	return &Error{Status: http.StatusInternalServerError, Code: "INTERNAL_SERVER_ERROR", Message: "something went wrong in the sandbox's toolbox; its log has the details", Err: err}
}

// FileError turns an error of a guest's file system about path into an Error.
// It returns nil for nil.
func FileError(path string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return &Error{http.StatusNotFound, "FILE_NOT_FOUND", "there is no " + path, err}
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return &Error{http.StatusForbidden, "FILE_ACCESS_DENIED", "access to " + path + " is denied", err}
	case errors.Is(err, fs.ErrExist), errors.Is(err, syscall.ENOTEMPTY):
		return &Error{http.StatusConflict, "CONFLICT", path + " is there already", err}
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		return &Error{http.StatusBadRequest, "BAD_REQUEST", "there is no room left for " + path, err}
	case errors.Is(err, syscall.EISDIR):
		return &Error{http.StatusBadRequest, "BAD_REQUEST", path + " is a folder", err}
	case errors.Is(err, errors.ErrUnsupported), errors.Is(err, syscall.EINVAL), errors.Is(err, fs.ErrInvalid), errors.Is(err, syscall.ENAMETOOLONG), errors.Is(err, syscall.ELOOP):
		return &Error{http.StatusBadRequest, "BAD_REQUEST", "this cannot be done with " + path + ": " + reason(err), err}
	}
	return fmt.Errorf("%s: %w", path, err)
}

// reason is the innermost text of a file error, without its paths.
func reason(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}

// Write writes e as the whole answer.
func Write(w http.ResponseWriter, r *http.Request, e *Error) {
	w.Header().Set("Cache-Control", "no-store")
	_ = JSON(w, e.Status, Body(r, e)) // nobody is left to tell
}

// Failure is the toolbox's error shape.
type Failure struct {
	StatusCode int       `json:"statusCode"`
	Source     string    `json:"source"`
	Code       string    `json:"code"`
	Message    string    `json:"message"`
	Path       string    `json:"path"`
	Method     string    `json:"method"`
	Timestamp  time.Time `json:"timestamp"`
}

// Body returns e in the toolbox's error shape, ready for JSON, for answers in
// which an error is only a part.
func Body(r *http.Request, e *Error) Failure {
	return Failure{e.Status, source, e.Code, e.Message, r.URL.Path, r.Method, time.Now().UTC()}
}

// JSON writes v as the whole answer.
func JSON(w http.ResponseWriter, status int, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, err = w.Write(data)
	return err
}

// Decode reads the request's JSON body of at most MaxBody bytes into v; an empty
// body leaves v alone. Unknown fields are ignored: clients of other versions
// send them. Its errors name the field at fault.
func Decode(w http.ResponseWriter, r *http.Request, v any) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return err
		}
		return &Error{http.StatusBadRequest, "INVALID_REQUEST_BODY", "the request body ended early", err}
	}
	if len(body) == 0 {
		return nil
	}
	err = json.Unmarshal(body, v)
	var wrongType *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrongType) && wrongType.Field != "":
		return Errorf(http.StatusBadRequest, "INVALID_REQUEST_BODY", "%s must be a %s, not a %s", wrongType.Field, wrongType.Type, wrongType.Value)
	}
	return Errorf(http.StatusBadRequest, "INVALID_REQUEST_BODY", "the body is not the JSON that is expected here: %v", err)
}

// tracker notes whether an answer has begun, and leaves the writer's other
// powers reachable.
type tracker struct {
	http.ResponseWriter
	started bool
}

// Unwrap lets http.ResponseController, and so WebSockets, reach the writer below.
func (t *tracker) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (t *tracker) WriteHeader(status int) {
	t.started = t.started || status >= 200 || status == http.StatusSwitchingProtocols
	t.ResponseWriter.WriteHeader(status)
}

// Write implements io.Writer.
func (t *tracker) Write(p []byte) (int, error) {
	t.started = true
	return t.ResponseWriter.Write(p)
}

// Flush implements http.Flusher.
func (t *tracker) Flush() {
	t.started = true
	_ = http.NewResponseController(t.ResponseWriter).Flush()
}
