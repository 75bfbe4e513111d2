package sandbox

import "slices"

// State is where a sandbox is in its life, spelled as on the wire.
type State string

// The states that a sandbox of ours can be in. The wire knows more; those are
// for kinds of machines that we do not have.
const (
	StateCreating  State = "creating"
	StateStarted   State = "started"
	StateStarting  State = "starting"
	StateStopping  State = "stopping"
	StateStopped   State = "stopped"
	StatePausing   State = "pausing"
	StatePaused    State = "paused"
	StateResuming  State = "resuming"
	StateArchiving State = "archiving"
	StateArchived  State = "archived"
	StateRestoring State = "restoring" // from the archive; a start follows
	StateResizing  State = "resizing"
	StateForking   State = "forking"      // the source of a fork while it is copied
	StateSnapping  State = "snapshotting" // the source of a snapshot while it is copied
	StatePulling   State = "pulling_snapshot"
	StatePending   State = "pending_build"
	StateBuilding  State = "building_snapshot"
	StateBuildFail State = "build_failed"
	StateError     State = "error"
	StateUnknown   State = "unknown" // its runner does not answer
	StateDestroy   State = "destroying"
	StateDestroyed State = "destroyed"
)

// DesiredState is where a sandbox should be, spelled as on the wire.
type DesiredState string

// The desired states.
const (
	DesiredStarted   DesiredState = "started"
	DesiredStopped   DesiredState = "stopped"
	DesiredPaused    DesiredState = "paused"
	DesiredArchived  DesiredState = "archived"
	DesiredResized   DesiredState = "resized"
	DesiredDestroyed DesiredState = "destroyed"
)

// transitions lists where each state may lead. Two more rules are in CanBecome:
// what is not yet destroyed may be, and what is there may fail. Beside what work
// leads to, a state leads to what its engine may be found in when the server
// comes back from a crash.
var transitions = map[State][]State{
	StateCreating:  {StateStarted, StatePulling, StateStopping},
	StatePulling:   {StateCreating},
	StatePending:   {StateBuilding, StateBuildFail},
	StateBuilding:  {StateCreating, StateBuildFail},
	StateBuildFail: {},
	StateStarting:  {StateStarted, StateStopping, StateStopped},
	StateStarted:   {StateStopping, StateStopped, StatePausing, StatePaused, StateResizing, StateForking, StateSnapping, StateUnknown},
	StateStopping:  {StateStopped, StateStarted},
	StateStopped:   {StateStarting, StateStopping, StateArchiving, StateResizing, StateSnapping, StateUnknown},
	StatePausing:   {StatePaused, StateStarted, StateStopped},
	StatePaused:    {StateResuming, StateStopping, StateStopped, StateSnapping, StateUnknown},
	StateResuming:  {StateStarted, StatePaused, StateStopping, StateStopped},
	StateArchiving: {StateArchived, StateStopped},
	StateArchived:  {StateRestoring},
	StateRestoring: {StateStopped, StateArchived},
	StateResizing:  {StateStarted, StateStopped},
	StateForking:   {StateStarted, StateStopped},
	StateSnapping:  {StateStarted, StateStopped, StatePaused},
	StateError:     {StateCreating, StateStarting, StateStopping, StateRestoring},
	StateUnknown:   {StateStarted, StateStopped, StatePaused},
	StateDestroy:   {StateDestroyed},
	StateDestroyed: {},
}

// CanBecome reports whether a sandbox in state s may change to state to.
func (s State) CanBecome(to State) bool {
	switch to {
	case s:
		return false
	case StateDestroy:
		return s != StateDestroyed
	case StateError:
		return s != StateDestroyed && s != StateBuildFail
	}
	return slices.Contains(transitions[s], to)
}

// Known reports whether s is a state that sandboxes can be in.
func (s State) Known() bool {
	_, ok := transitions[s]
	return ok
}

// Failed reports whether a sandbox in state s needs somebody to look at it.
func (s State) Failed() bool { return s == StateError || s == StateBuildFail }

// Transient reports whether s is a state that work is going on in.
func (s State) Transient() bool {
	switch s {
	case StateCreating, StatePulling, StatePending, StateBuilding, StateStarting, StateStopping, StatePausing, StateResuming,
		StateArchiving, StateRestoring, StateResizing, StateForking, StateSnapping, StateDestroy:
		return true
	}
	return false
}

// Become changes s to a state, or returns a *Error of KindConflict when its own
// does not lead there.
func (s *Sandbox) Become(to State) error {
	if !s.State.CanBecome(to) {
		return Errorf(KindConflict, "sandbox %s is %s; it cannot become %s now", s.Name, s.State, to)
	}
	s.State = to
	return nil
}
