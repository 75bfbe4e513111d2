package sandbox

import (
	"context"
	"errors"
)

// SignalOf returns the signal that stands for the cause of a cancellation and
// the exit code of a program that it ended, 128 plus the signal's number. A
// cause that is not one of this package's counts as a kill.
func SignalOf(cause error) (name string, exitCode int) {
	switch {
	case errors.Is(cause, ErrInterrupted):
		return "SIGINT", 130
	case errors.Is(cause, ErrClientGone), errors.Is(cause, context.Canceled):
		return "SIGHUP", 129
	case errors.Is(cause, ErrShutdown):
		return "SIGTERM", 143
	default:
		return "SIGKILL", 137
	}
}

// CancelledOutcome returns the outcome of a run that cause ended. The message
// is one sentence for people.
func CancelledOutcome(cause error) Outcome {
	name, code := SignalOf(cause)
	return Outcome{Status: StatusCancelled, ExitCode: code, Signal: name, Message: cancelMessage(name)}
}

func cancelMessage(signal string) string {
	switch signal {
	case "SIGINT":
		return "Stopped: interrupted."
	case "SIGHUP":
		return "Stopped: the connection that asked for it was closed."
	case "SIGTERM":
		return "Stopped: the server is restarting. Run it again in a moment."
	default:
		return "Stopped: killed."
	}
}
