package reply

import (
	"errors"
	"math"
	"net/http"
	"strconv"

	"sandpiper/sandbox"
	"sandpiper/web/apitype"
)

// statuses maps each kind of error to its HTTP status.
var statuses = map[sandbox.Kind]int{
	sandbox.KindInvalid:      http.StatusBadRequest,
	sandbox.KindUnauthorized: http.StatusUnauthorized,
	sandbox.KindForbidden:    http.StatusForbidden,
	sandbox.KindNotFound:     http.StatusNotFound,
	sandbox.KindConflict:     http.StatusConflict,
	sandbox.KindTooLarge:     http.StatusRequestEntityTooLarge,
	sandbox.KindMediaType:    http.StatusUnsupportedMediaType,
	sandbox.KindUnprocessed:  http.StatusUnprocessableEntity,
	sandbox.KindBusy:         http.StatusTooManyRequests,
	sandbox.KindUnavailable:  http.StatusServiceUnavailable,
	sandbox.KindUnsupported:  http.StatusNotImplemented,
	sandbox.KindInternal:     http.StatusInternalServerError,
}

// Status returns the HTTP status of a kind of error, and 500 for a kind that
// it does not know.
func Status(k sandbox.Kind) int {
	if s, ok := statuses[k]; ok {
		return s
	}
	return http.StatusInternalServerError
}

// Public returns what may be shown of err: the first *sandbox.Error in its
// chain, or an internal error that tells nothing.
func Public(err error) *sandbox.Error {
	var e *sandbox.Error
	if errors.As(err, &e) {
		return e
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return sandbox.Errorf(sandbox.KindTooLarge, "the request body may have %d bytes at most", tooLarge.Limit)
	}
	return &sandbox.Error{Kind: sandbox.KindInternal, Message: "something went wrong on the server; its log has the details under this request id", Err: err}
}

// WriteError writes e in the shape of the native API.
func WriteError(w http.ResponseWriter, r *http.Request, e *sandbox.Error) {
	WriteErrorStatus(w, r, Status(e.Kind), e)
}

// WriteErrorStatus is WriteError with a status that has no kind of its own,
// such as 405 or 406.
func WriteErrorStatus(w http.ResponseWriter, r *http.Request, status int, e *sandbox.Error) {
	_ = JSON(w, status, apitype.ErrorBody{Error: WireError(r, e)}) // nobody is left to tell
}

// WireError returns e as it is written inside events and bodies.
func WireError(r *http.Request, e *sandbox.Error) apitype.Error {
	return apitype.Error{
		Kind:      string(e.Kind),
		Message:   e.Message,
		Field:     e.Field,
		RequestID: RequestID(r.Context()),
	}
}

func setErrorHeaders(h http.Header, e *sandbox.Error) {
	h.Set("Cache-Control", "no-store")
	switch e.Kind {
	case sandbox.KindUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="sandpiper"`)
	case sandbox.KindBusy, sandbox.KindUnavailable:
		h.Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(e.RetryAfter.Seconds())))))
	}
}
