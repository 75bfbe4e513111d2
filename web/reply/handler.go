package reply

import (
	"log/slog"
	"net/http"

	"sandpiper/sandbox"
)

// Handler answers a request, or returns an error without having written
// anything. An error that it returns after the answer began is only logged.
// As an http.Handler it writes errors in the shape of the native API.
type Handler func(w http.ResponseWriter, r *http.Request) error

// ServeHTTP implements http.Handler.
func (h Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	serve(h, WriteError, w, r)
}

// ErrorWriter writes an error as the whole answer. Status gives its status
// code; headers that belong to the error (Retry-After, WWW-Authenticate,
// Cache-Control) are set already.
type ErrorWriter func(w http.ResponseWriter, r *http.Request, e *sandbox.Error)

// With adapts h to an http.Handler that writes errors with write.
func (h Handler) With(write ErrorWriter) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { serve(h, write, w, r) })
}

// serve runs h and turns its error into an answer and a note for the log.
func serve(h Handler, write ErrorWriter, w http.ResponseWriter, r *http.Request) {
	rec := recorderOf(w)
	logged := rec != nil // by the recorder's owner
	if rec == nil {
		rec = NewRecorder(w)
		w = rec
	}
	err := h(w, r)
	if err == nil {
		return
	}
	rec.err = err
	if !logged && sandbox.KindOf(err) == sandbox.KindInternal {
		slog.ErrorContext(r.Context(), "request failed", "request_id", RequestID(r.Context()), "error", err)
	}
	if rec.Started() {
		return
	}
	e := Public(err)
	setErrorHeaders(w.Header(), e)
	write(w, r, e)
}
