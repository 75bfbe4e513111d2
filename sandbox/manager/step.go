package manager

import "sandpiper/sandbox"

// An op is what a worker does next with a sandbox.
type op string

// The ops. Those that begin something change the record only; the others call
// an engine, in the state that says so, and may be repeated after a crash.
const (
	opNone    op = ""
	opCreate  op = "create"
	opFork    op = "fork"
	opStart   op = "start"
	opStop    op = "stop"
	opPause   op = "pause"
	opResume  op = "resume"
	opArchive op = "archive"
	opRestore op = "restore"
	opForget  op = "forget the archive of" // its files are back
	opDestroy op = "destroy"

	opBeginStart   op = "begin to start"
	opBeginStop    op = "begin to stop"
	opBeginPause   op = "begin to pause"
	opBeginResume  op = "begin to resume"
	opBeginArchive op = "begin to archive"
	opBeginDestroy op = "begin to destroy"

	opJob op = "a job" // that a request or the reconciler gave the worker
)

// begins is the state that an op which begins something leads to.
var begins = map[op]sandbox.State{
	opBeginStart: sandbox.StateStarting, opBeginStop: sandbox.StateStopping, opBeginPause: sandbox.StatePausing,
	opBeginResume: sandbox.StateResuming, opBeginArchive: sandbox.StateArchiving, opBeginDestroy: sandbox.StateDestroy,
}

// next returns what there is to do for a sandbox to get from its state to the
// one desired; opNone when it is there, or when only somebody else can help. One
// with forks that stay is not destroyed.
func next(s sandbox.Sandbox, forks bool) op {
	switch s.State {
	case sandbox.StateCreating:
		if s.Parent != "" {
			return opFork
		}
		return opCreate
	case sandbox.StateStarting:
		return unlessStopped(s, opStart)
	case sandbox.StateResuming:
		return unlessStopped(s, opResume)
	case sandbox.StateStopping:
		return opStop
	case sandbox.StatePausing:
		return opPause
	case sandbox.StateArchiving:
		return opArchive
	case sandbox.StateRestoring:
		return opRestore
	case sandbox.StateDestroy:
		return opDestroy
	default:
		return leave(s, forks)
	}
}

func unlessStopped(s sandbox.Sandbox, otherwise op) op {
	if s.Desired == sandbox.DesiredStopped {
		return opBeginStop
	}
	return otherwise
}

// leave returns what there is to do in a state in which nothing is going on.
func leave(s sandbox.Sandbox, forks bool) op {
	switch {
	case s.Archive != "" && s.State == sandbox.StateStarted: // an engine may need it for the first start
		return opForget
	case s.State == sandbox.StateStarted && s.Desired == sandbox.DesiredStopped:
		return opBeginStop
	case s.State == sandbox.StateStarted && s.Desired == sandbox.DesiredPaused:
		return opBeginPause
	case s.State == sandbox.StatePaused && s.Desired == sandbox.DesiredStopped:
		return opBeginStop
	case s.State == sandbox.StatePaused && s.Desired == sandbox.DesiredStarted:
		return opBeginResume
	case s.State == sandbox.StateStopped && s.Desired == sandbox.DesiredStarted:
		return opBeginStart
	case s.State == sandbox.StateStopped && s.Desired == sandbox.DesiredArchived:
		return opBeginArchive
	case s.State == sandbox.StateStopped && s.Intervals.Ephemeral() && !forks:
		return opBeginDestroy
	}
	return opNone
}

// excursion reports whether a request is copying or resizing a sandbox.
func excursion(s sandbox.State) bool {
	return s == sandbox.StateResizing || s == sandbox.StateForking || s == sandbox.StateSnapping
}
