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

// transitions lists where each state may lead, besides StateError,
// StateUnknown and StateDestroy, which every state but the last two may reach.
var transitions = map[State][]State{
	StateCreating:  {StateStarted, StatePulling, StateStopped, StateStarting},
	StatePulling:   {StateCreating, StateStarted, StateStarting},
	StatePending:   {StateBuilding, StateBuildFail},
	StateBuilding:  {StateCreating, StateBuildFail},
	StateBuildFail: {},
	StateStarting:  {StateStarted, StateStopped},
	StateStarted:   {StateStopping, StateStopped, StatePausing, StateResizing, StateForking, StateSnapping},
	StateStopping:  {StateStopped, StateStarted},
	StateStopped:   {StateStarting, StateArchiving, StateResizing, StateSnapping, StateForking, StateStarted},
	StatePausing:   {StatePaused, StateStarted},
	StatePaused:    {StateResuming, StateStopping, StateStopped, StateForking, StateSnapping},
	StateResuming:  {StateStarted, StatePaused},
	StateArchiving: {StateArchived, StateStopped},
	StateArchived:  {StateRestoring},
	StateRestoring: {StateStarting, StateStarted, StateStopped, StateArchived},
	StateResizing:  {StateStarted, StateStopped},
	StateForking:   {StateStarted, StateStopped, StatePaused},
	StateSnapping:  {StateStarted, StateStopped, StatePaused},
	StateError:     {StateStarting, StateStarted, StateStopped, StateRestoring, StateArchived},
	StateUnknown:   {StateStarted, StateStopped, StatePaused, StateArchived},
	StateDestroy:   {StateDestroyed},
	StateDestroyed: {},
}

// CanBecome reports whether a sandbox in state s may change to state to.
func (s State) CanBecome(to State) bool {
	switch {
	case s == to, s == StateDestroyed:
		return false
	case s == StateDestroy:
		return to == StateDestroyed || to == StateError
	case to == StateDestroy, to == StateError, to == StateUnknown:
		return true
	}
	return slices.Contains(transitions[s], to)
}

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
