package web

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"sandpiper/sandbox"
	"sandpiper/web/reply"
)

// observe gives each request an id, logs how it was answered, and turns a
// panic into an answer.
func observe(log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, start := sandbox.NewID(), time.Now()
		r = r.WithContext(reply.WithRequestID(r.Context(), id))
		w.Header().Set("X-Request-Id", id)
		rec := reply.NewRecorder(w)
		defer func() {
			recoverPanic(log, rec, r, recover())
			logAccess(log, rec, r, time.Since(start))
		}()
		next.ServeHTTP(rec, r)
	})
}

// recoverPanic answers for a handler that panicked. The panic with which a
// handler cuts its own connection goes on to the server.
func recoverPanic(log *slog.Logger, rec *reply.Recorder, r *http.Request, value any) {
	if value == nil {
		return
	}
	if value == http.ErrAbortHandler {
		panic(value)
	}
	log.ErrorContext(r.Context(), "handler panicked", "request_id", reply.RequestID(r.Context()),
		"method", r.Method, "path", r.URL.Path, "panic", value, "stack", string(debug.Stack()))
	if rec.Started() {
		panic(http.ErrAbortHandler) // the client must see that the answer is cut
	}
	reply.WriteError(rec, r, reply.Public(fmt.Errorf("panic: %v", value)))
}

// logAccess notes an answer: at debug, or at error when the server was at
// fault. Queries are left out, because they may hold secrets.
func logAccess(log *slog.Logger, rec *reply.Recorder, r *http.Request, took time.Duration) {
	level := slog.LevelDebug
	attrs := []slog.Attr{
		slog.String("request_id", reply.RequestID(r.Context())),
		slog.String("method", r.Method),
		slog.String("path", shown(r.URL.Path)),
		slog.Int("status", rec.Status()),
		slog.Int64("bytes", rec.Bytes()),
		slog.Duration("took", took),
	}
	if err := rec.Err(); err != nil {
		gone := r.Context().Err() != nil || errors.Is(err, sandbox.ErrClientGone)
		if sandbox.KindOf(err) == sandbox.KindInternal && !gone {
			level = slog.LevelError
		}
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	log.LogAttrs(r.Context(), level, "request", attrs...)
}

// shown is a path without what lets in to a preview.
func shown(path string) string {
	if rest, ok := strings.CutPrefix(path, "/p/"); ok {
		_, rest, _ = strings.Cut(rest, "/")
		return "/p/…/" + rest
	}
	return path
}

// secure sets the headers that every answer has unless its handler says
// otherwise: nothing is sniffed, nothing is framed, no address leaks.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		next.ServeHTTP(w, r)
	})
}

const (
	allowedMethods = "GET, HEAD, POST, PUT, PATCH, DELETE"
	allowedHeaders = "Authorization, Content-Type, Accept, Idempotency-Key, Last-Event-ID"
	// The names are for browsers that do not know the star.
	exposedHeaders = "*, X-Request-Id, Retry-After, Location, X-Log-Offset, X-Log-Next-Offset, X-Log-Dropped, X-Truncated"
)

// crossOrigin lets pages of any origin, also the opaque one of a sandboxed
// frame, use the API with a key or as their address. Cookies are not for them:
// browsers keep those from requests that do not say otherwise, and
// auth.Guard refuses the rest. So they may send whatever headers they like,
// which clients in browsers do.
func crossOrigin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Access-Control-Expose-Headers", exposedHeaders)
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		if r.Method != http.MethodOptions {
			next.ServeHTTP(w, r)
			return
		}
		headers := allowedHeaders
		if more := r.Header.Get("Access-Control-Request-Headers"); headerList(more) {
			headers += ", " + more
		}
		h.Set("Access-Control-Allow-Methods", allowedMethods)
		h.Set("Access-Control-Allow-Headers", headers)
		h.Set("Access-Control-Max-Age", "86400")
		h.Add("Vary", "Access-Control-Request-Headers")
		w.WriteHeader(http.StatusNoContent)
	})
}

// headerList reports whether s is a list of names of headers, and no longer
// than one needs to be.
func headerList(s string) bool {
	return s != "" && len(s) <= 2<<10 && !strings.ContainsFunc(s, func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-_, ", c))
	})
}

// problems answers for requests that no route of mux takes, in the shape of
// the native API and with the status that the mux chose.
func problems(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		probe := probe{header: http.Header{}}
		handler.ServeHTTP(&probe, r)
		e := sandbox.Errorf(sandbox.KindNotFound, "there is nothing at %s", r.URL.Path)
		if probe.status == http.StatusMethodNotAllowed {
			allow := probe.header.Get("Allow")
			w.Header().Set("Allow", allow)
			e = sandbox.Errorf(sandbox.KindInvalid, "%s takes %s, not %s", r.URL.Path, strings.ReplaceAll(allow, ", ", " or "), r.Method)
		}
		reply.WriteErrorStatus(w, r, probe.status, e)
	})
}

// probe finds out how a handler would answer.
type probe struct {
	header http.Header
	status int
}

func (p *probe) Header() http.Header         { return p.header }
func (p *probe) Write(b []byte) (int, error) { return len(b), nil }
func (p *probe) WriteHeader(status int)      { p.status = status }
