package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sandpiper/sandbox"
)

// A fault is what an error of the driver means for us.
type fault int

const (
	faultOther     fault = iota
	faultFull            // no room on the disk
	faultBusy            // another process holds the file
	faultDisk            // the disk or the permissions do not allow it
	faultDamaged         // the file is not a whole database
	faultTooLarge        // a value is over its limit
	faultNotUnique       // a row with that key is there
)

// safe gives an error of the driver the kind and the message that a user may
// see. Errors of other origin stay as they are.
func safe(err error) error {
	e := &sandbox.Error{Kind: sandbox.KindUnavailable, Err: err}
	switch faultOf(err) {
	case faultFull:
		e.Message = "the server's disk is full; nothing was changed"
	case faultBusy:
		e.Message = "the server's database is held by another program; try again in a moment"
		e.RetryAfter = time.Second
	case faultDisk:
		e.Message = "the server cannot write its database; nothing was changed"
	case faultDamaged:
		e.Kind, e.Message = sandbox.KindInternal, "the server's database is damaged"
	case faultTooLarge:
		e.Kind, e.Message = sandbox.KindTooLarge, "that is too large to be kept"
	case faultNotUnique:
		e.Kind, e.Message = sandbox.KindConflict, "that is there already"
	default:
		return err
	}
	return e
}

// wrap adds what was being done to an error. It keeps nil, and errors that are
// meant for users already.
func wrap(doing string, err error) error {
	var e *sandbox.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &e), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w", doing, err)
	default:
		return fmt.Errorf("%s: %w", doing, safe(err))
	}
}
