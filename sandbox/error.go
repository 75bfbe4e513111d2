package sandbox

import (
	"errors"
	"fmt"
	"time"
)

// Kind says whose fault an error is and what a caller can do about it. Each
// kind has one HTTP status, mapped in package web.
type Kind string

// The kinds of error.
const (
	KindInvalid      Kind = "invalid"       // the request is malformed
	KindUnauthorized Kind = "unauthorized"  // no credential, or one that is not known
	KindForbidden    Kind = "forbidden"     // a known caller may not do this
	KindNotFound     Kind = "not_found"     // the thing is not there, or not visible to the caller
	KindConflict     Kind = "conflict"      // the thing is in a state that does not allow this
	KindTooLarge     Kind = "too_large"     // a body or a field is over its limit
	KindMediaType    Kind = "media_type"    // the body is of a type that is not read here
	KindUnprocessed  Kind = "unprocessable" // the request is well formed but asks for what cannot be
	KindBusy         Kind = "busy"          // capacity or a rate limit is used up; RetryAfter says when to come back
	KindUnavailable  Kind = "unavailable"   // the part that could answer is not ready or not installed
	KindUnsupported  Kind = "unsupported"   // this server never does this; the message says why
	KindInternal     Kind = "internal"      // our fault
)

// Error is an error that is safe to show to a user. Anything else that reaches
// the edge of the program is logged and shown as an internal error.
type Error struct {
	Kind       Kind
	Message    string        // one sentence: what happened and what to do; safe to show
	Field      string        // the request field at fault, as it is spelled on the wire; may be empty
	RetryAfter time.Duration // for KindBusy and KindUnavailable: when to try again; 0 when unknown
	Err        error         // the cause, for the log only; may be nil
}

// Error implements error. It includes the cause, so it is for logs.
func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %s: %v", e.Kind, e.Message, e.Err)
	}
	return fmt.Sprintf("%s: %s", e.Kind, e.Message)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an Error of a kind with a formatted, user-safe message.
func Errorf(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// FieldErrorf makes a KindUnprocessed error that names the request field at fault.
func FieldErrorf(field, format string, args ...any) *Error {
	return &Error{Kind: KindUnprocessed, Field: field, Message: fmt.Sprintf(format, args...)}
}

// KindOf returns the kind of the first Error in err's chain, and KindInternal
// where there is none.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return KindInternal
}
