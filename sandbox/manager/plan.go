package manager

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"sandpiper/sandbox"
)

const (
	retryDestroy = 30 * time.Second // before a destruction that failed is tried again
	retryArchive = time.Hour        // before an archive that failed is tried again
	unknownAfter = time.Minute      // that an engine has not answered
)

// wanted is a record, and whether a worker is at it.
type wanted struct {
	sandbox.Sandbox
	busy bool
}

// world is what the runners hold.
type world struct {
	runners map[string]view
	grace   time.Duration // of sandboxes that nobody knows
}

// A view is what a runner held when it was last looked at.
type view struct {
	answers  bool
	answered time.Time // the last time; zero for never
	began    time.Time // the look: what changed later may be seen wrongly
	found    map[string]sight
}

// A sight is a sandbox on an engine, and since when it is seen there.
type sight struct {
	sandbox.Found
	since time.Time
}

// An act is a kind of action.
type act string

// The acts.
const (
	actWork   act = "work"   // let the worker do what the record asks for
	actDesire act = "desire" // change what is desired
	actMark   act = "mark"   // write down the state that the sandbox was found in
	actHalt   act = "halt"   // stop it in the engine: it runs and should not
	actFreeze act = "freeze" // pause it in the engine again
	actFence  act = "fence"  // give it the network of its record
	actSweep  act = "sweep"  // remove what nobody knows
)

// An action is one thing to put right.
type action struct {
	act         act
	id          string
	runner      string // for actSweep
	state       sandbox.State
	desired     sandbox.DesiredState
	incarnation int64         // that it is about,
	seen        sandbox.State // in this state,
	since       time.Time     // in which it was since then
	recoverable bool
	reason      string
}

// plan returns what is to be done now for the sandboxes to be as they should
// be. have is nil when nobody has looked at the runners. It is pure: all that
// it knows is what it is given, and the same gives the same.
func plan(now time.Time, want []wanted, have *world) []action {
	forks, kept, known := make(map[string]bool), make(map[string]bool, len(want)), make(map[string]bool, len(want))
	for _, w := range want {
		known[w.ID] = true
		if w.Desired != sandbox.DesiredDestroyed {
			kept[w.ID], forks[w.Parent] = true, true
		}
	}
	var actions []action
	for _, w := range want {
		if w.busy {
			continue
		}
		k := kin{forks: forks[w.ID], alone: w.Linked != "" && !kept[w.Linked]}
		if a, ok := planOne(now, w.Sandbox, k, have); ok {
			a.id, a.incarnation, a.seen, a.since = w.ID, w.Incarnation, w.State, w.LastEvent
			actions = append(actions, a)
		}
	}
	if have != nil {
		actions = append(actions, planSweep(now, known, *have)...)
	}
	return actions
}

// kin is what a sandbox's end depends on.
type kin struct {
	forks bool // it has some that stay
	alone bool // the one that it is linked to goes or is gone
}

// planOne plans for one sandbox.
func planOne(now time.Time, s sandbox.Sandbox, k kin, have *world) (action, bool) {
	if a, ok := planEnd(now, s, k); ok {
		return a, true
	}
	if next(s, k.forks) != opNone {
		return action{act: actWork}, true
	}
	if have != nil {
		if a, ok := planFound(now, s, have.runners[s.Runner]); ok {
			return a, true
		}
	}
	return planTimers(now, s, k)
}

// planEnd ends what has outlived its time, or what could not be destroyed.
func planEnd(now time.Time, s sandbox.Sandbox, k kin) (action, bool) {
	if s.Desired == sandbox.DesiredDestroyed {
		again := s.State != sandbox.StateDestroy && now.Sub(s.LastEvent) >= retryDestroy
		return action{act: actDesire, desired: sandbox.DesiredDestroyed, reason: "it could not be destroyed before"}, again
	}
	if k.alone && !k.forks {
		return action{act: actDesire, desired: sandbox.DesiredDestroyed, reason: "the sandbox that it was linked to is gone"}, true
	}
	due := !s.DestroyAt.IsZero() && !now.Before(s.DestroyAt) && !k.forks
	return action{act: actDesire, desired: sandbox.DesiredDestroyed, reason: "its time to live has ended"}, due
}

// planFound compares a sandbox in which nothing is going on, or an excursion
// that a crash has cut off, with what its runner holds.
func planFound(now time.Time, s sandbox.Sandbox, v view) (action, bool) {
	switch {
	case s.State == sandbox.StateArchived || s.State.Failed():
		return action{}, false
	case !v.answers:
		gone := s.State.CanBecome(sandbox.StateUnknown) && (v.answered.IsZero() || now.Sub(v.answered) >= unknownAfter)
		return action{act: actMark, state: sandbox.StateUnknown, reason: "its engine does not answer; it is looked at again all the time"}, gone
	case !s.LastEvent.Before(v.began) || !s.UpdatedAt.Before(v.began):
		return action{}, false
	}
	found, there := v.found[s.ID]
	if !there {
		return action{act: actMark, state: sandbox.StateError,
			reason: "it is no longer in its engine: somebody or something removed it, and its files with it; delete it and create a new one"}, true
	}
	return compareFound(s, found.Found)
}

// compareFound plans for a sandbox that its engine has.
func compareFound(s sandbox.Sandbox, f sandbox.Found) (action, bool) {
	switch {
	case f.State == s.State:
		other := f.Network != nil && in(sandbox.StateStarted, sandbox.StatePaused)(s) && !sameNetwork(*f.Network, s.Network)
		return action{act: actFence, reason: "it reached another network than it should"}, other
	case f.State == sandbox.StateError:
		return action{act: actMark, state: sandbox.StateError, recoverable: true, reason: "its engine reports: " + orUnknown(f.Reason)}, true
	case s.State == sandbox.StateStopped && f.State == sandbox.StateStarted, s.State == sandbox.StateStopped && f.State == sandbox.StatePaused:
		return action{act: actHalt, reason: "it ran although it is stopped"}, true
	case s.State == sandbox.StatePaused && f.State == sandbox.StateStarted:
		return action{act: actFreeze, reason: "it ran although it is paused"}, true
	case f.State == sandbox.StateStopped && f.Interrupted && s.Desired == sandbox.DesiredStarted:
		return action{act: actMark, state: sandbox.StateStopped, reason: "its engine was restarted; it is started again"}, true
	case f.State == sandbox.StateStopped:
		return action{act: actMark, state: sandbox.StateStopped, desired: sandbox.DesiredStopped, reason: ended(s, f)}, true
	case f.State == sandbox.StatePaused:
		return action{act: actMark, state: sandbox.StatePaused, desired: sandbox.DesiredPaused}, true
	default:
		return action{act: actMark, state: f.State}, true
	}
}

func orUnknown(reason string) string {
	if reason == "" {
		return "an error without a reason"
	}
	return reason
}

func ended(s sandbox.Sandbox, f sandbox.Found) string {
	if s.Desired == sandbox.DesiredStopped {
		return ""
	}
	why := "its main process ended or its engine was restarted"
	if s.Engine == sandbox.EngineWasm {
		why = "the server was restarted, which ends what runs in WebAssembly"
	}
	if f.Reason != "" {
		why = strings.TrimSuffix(f.Reason, ".")
	}
	if s.State == sandbox.StatePaused {
		why += ", and what it had in memory is lost"
	}
	return fmt.Sprintf("it stopped by itself: %s; its files are kept, start it to go on", why)
}

// planTimers fires what is due. Unclaimed members of warm pools have no timers.
func planTimers(now time.Time, s sandbox.Sandbox, k kin) (action, bool) {
	i := s.Intervals
	idle, stopped := now.Sub(s.LastActivity()), time.Duration(-1)
	if !s.StoppedAt.IsZero() {
		stopped = now.Sub(s.StoppedAt)
	}
	archive := i.AutoArchive
	if archive == 0 {
		archive = sandbox.MaxAutoArchive
	}
	desire := func(d sandbox.DesiredState, why string) (action, bool) {
		return action{act: actDesire, desired: d, reason: why}, true
	}
	switch {
	case s.WarmPool != "":
	case s.State == sandbox.StateStarted && i.AutoStop > 0 && idle >= i.AutoStop:
		return desire(sandbox.DesiredStopped, "nobody used it for "+span(i.AutoStop))
	case s.State == sandbox.StateStarted && i.AutoPause > 0 && idle >= i.AutoPause:
		return desire(sandbox.DesiredPaused, "nobody used it for "+span(i.AutoPause))
	case (s.State == sandbox.StateStopped || s.State == sandbox.StateArchived) && i.AutoDelete >= 0 && stopped >= i.AutoDelete && !k.forks:
		return desire(sandbox.DesiredDestroyed, "it was stopped for "+span(i.AutoDelete))
	case s.Backup == sandbox.BackupError && now.Sub(s.LastEvent) < retryArchive:
	case s.State == sandbox.StateStopped && s.Desired == sandbox.DesiredStopped && stopped >= archive:
		return desire(sandbox.DesiredArchived, "it was stopped for "+span(archive))
	}
	return action{}, false
}

// span says how long an interval is, which has whole minutes.
func span(d time.Duration) string {
	for _, unit := range []struct {
		length time.Duration
		name   string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		switch n := d / unit.length; {
		case n == 1 && d%unit.length == 0:
			return "1 " + unit.name
		case n > 1 && d%unit.length == 0:
			return fmt.Sprintf("%d %ss", n, unit.name)
		}
	}
	return d.String()
}

// planSweep removes from the runners what nobody knows and has been there for
// the time of grace.
func planSweep(now time.Time, known map[string]bool, have world) []action {
	var actions []action
	for runner, v := range have.runners {
		for id, f := range v.found {
			if v.answers && !known[id] && now.Sub(f.since) >= have.grace {
				actions = append(actions, action{act: actSweep, id: id, runner: runner, reason: "nobody knows it"})
			}
		}
	}
	slices.SortFunc(actions, func(a, b action) int { return strings.Compare(a.id, b.id) })
	return actions
}
