package api

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	"sandpiper/sandbox"
	"sandpiper/web/api/wire"
	"sandpiper/web/reply"
)

// WriteError writes an error in the shape of the control API. It is a
// reply.ErrorWriter.
func WriteError(w http.ResponseWriter, r *http.Request, e *sandbox.Error) {
	status := statusOf(e)
	if after := w.Header().Get("Retry-After"); after != "" && status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After-"+throttler(r), after)
	}
	_ = reply.JSON(w, status, wire.Error{ // nobody is left to tell
		StatusCode: status,
		Message:    e.Message,
		Error:      http.StatusText(status),
		Path:       r.URL.Path,
		Timestamp:  stamp(time.Now()),
		Field:      e.Field,
		RequestID:  reply.RequestID(r.Context()),
	})
}

// throttler names what is held back, as the headers of this API do.
func throttler(r *http.Request) string {
	path := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/api"), "/")
	switch {
	case r.Method == http.MethodPost && (path == "/sandbox" || path == workspaces):
		return "sandbox-create"
	case r.Method != http.MethodGet && (strings.HasPrefix(path, "/sandbox/") || strings.HasPrefix(path, workspaces+"/")):
		return "sandbox-lifecycle"
	}
	return "authenticated"
}

// statusOf is reply.Status, but for what this API's clients know as a bad
// request: fields that are missing or wrong.
func statusOf(e *sandbox.Error) int {
	if e.Kind == sandbox.KindUnprocessed {
		return http.StatusBadRequest
	}
	return reply.Status(e.Kind)
}

// stamp writes a time as the API does; "" for no time.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// optionalStamp writes a time that may be null.
func optionalStamp(t time.Time) *string { return optional(stamp(t)) }

// optional is a string that is null when it is empty.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// minutes is a duration in whole minutes, away from zero, so that a short one
// does not read as none.
func minutes(d time.Duration) int {
	n := int(d / time.Minute)
	switch {
	case n == 0 && d > 0:
		return 1
	case n == 0 && d < 0:
		return -1
	}
	return n
}

// orEmpty returns m, or an empty map for nil, which would be null on the wire.
func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

// pages returns how many pages of a size all items make.
func pages(total, size int) int {
	size = cmp.Or(size, sandbox.DefaultPageSize)
	return (total + size - 1) / size
}
