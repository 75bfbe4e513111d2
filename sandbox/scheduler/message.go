package scheduler

import (
	"fmt"

	"sandpiper/sandbox"
)

func queuedAt(position int) sandbox.Progress {
	return sandbox.Progress{
		State:    sandbox.ProgressQueued,
		Position: position,
		Message:  fmt.Sprintf("Waiting for a free place: number %d in the queue.", position),
	}
}

func preparing(l sandbox.Language) sandbox.Progress {
	p := sandbox.Progress{State: sandbox.ProgressPreparing, Message: l.Name + " is being prepared."}
	if l.Stage != "" {
		p.Message = l.Name + " is being prepared: " + l.Stage
	}
	return p
}

// neverStarted is the outcome of a run that was cancelled while it waited.
func neverStarted(cause error) sandbox.Outcome {
	o := sandbox.CancelledOutcome(cause)
	o.Message += " The program had not started."
	return o
}

// internal is the outcome of a run that failed by our fault.
func internal(format string, args ...any) sandbox.Outcome {
	return sandbox.Outcome{Status: sandbox.StatusInternal, ExitCode: 1, Message: fmt.Sprintf(format, args...)}
}

// ourFault is the outcome of a run whose failure is explained in the log only.
func ourFault() sandbox.Outcome {
	return internal("Sandpiper failed to run the program. That is not the program's fault; the cause is in the server's log.")
}
