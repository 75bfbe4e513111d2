// Package session keeps what goes on in a sandbox between requests: named
// shells with their commands, terminals, the main process, and the logs of all
// of them. It knows no HTTP.
//
// A log is bounded and can be read by many at once from any offset. A reader
// gets each byte exactly once and in order: while it keeps up, what is written
// waits for it; what a log had to drop before a reader came is counted and told.
package session

import "errors"

// Errors of this package. Those of the guest are wrapped as they are.
var (
	ErrNotFound  = errors.New("not found")
	ErrExists    = errors.New("exists already")
	ErrBadID     = errors.New("an id has 1 to 256 printable characters and no slash")
	ErrTooMany   = errors.New("there are too many")
	ErrEnded     = errors.New("has ended")
	ErrCompleted = errors.New("the command has completed")
	ErrNoInput   = errors.New("the command has no input open")
	ErrFull      = errors.New("the program does not read its input, and no more of it can wait")
	ErrClosed    = errors.New("the toolbox is shutting down")
)
