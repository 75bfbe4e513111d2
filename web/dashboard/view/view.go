// Package view says in words what sandboxes and snapshots are, as the pages show
// them: pure functions from the domain to view models.
package view

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"sandpiper/components"
	"sandpiper/sandbox"
	"sandpiper/web/words"
)

// looks are the classes of states; those that are not here are busy.
var looks = map[sandbox.State]string{
	sandbox.StateStarted:   "ok",
	sandbox.StateStopped:   "stopped",
	sandbox.StateArchived:  "stopped",
	sandbox.StateDestroyed: "stopped",
	sandbox.StatePaused:    "paused",
	sandbox.StateError:     "error",
	sandbox.StateBuildFail: "error",
	sandbox.StateUnknown:   "error",
}

// stateWords are the words of states that are not their wire names.
var stateWords = map[sandbox.State]string{
	sandbox.StatePulling:   "Pulling its image",
	sandbox.StatePending:   "Waiting for its build",
	sandbox.StateBuilding:  "Building its image",
	sandbox.StateBuildFail: "Build failed",
	sandbox.StateSnapping:  "Making a snapshot",
	sandbox.StateDestroy:   "Deleting",
	sandbox.StateDestroyed: "Deleted",
	sandbox.StateUnknown:   "Does not answer",
}

// StateWord returns what a state is called.
func StateWord(s sandbox.State) string {
	if w, ok := stateWords[s]; ok {
		return w
	}
	return capital(string(s))
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// State shows the state of a sandbox. position is where it stands in the queue,
// 0 for nowhere.
func State(s sandbox.Sandbox, position int) components.SandboxState {
	look, ok := looks[s.State]
	if !ok {
		look = "busy"
	}
	out := components.SandboxState{Look: look, Word: StateWord(s.State), Wire: string(s.State)}
	switch {
	case position > 0:
		out.Detail = fmt.Sprintf("number %d in the queue", position)
	case s.Desired == sandbox.DesiredDestroyed && s.State != sandbox.StateDestroy && s.State != sandbox.StateDestroyed:
		out.Detail = "to be deleted"
	}
	return out
}

// Engine names the engine of a sandbox and what really isolates it.
func Engine(s sandbox.Sandbox) string {
	name := EngineName(s.Engine)
	if s.Isolation == "" || s.Isolation == name {
		return name
	}
	return words.Joined(name, s.Isolation)
}

// EngineName returns what people call an engine.
func EngineName(e sandbox.EngineName) string {
	switch e {
	case sandbox.EngineWasm:
		return "WebAssembly"
	case sandbox.EngineContainer:
		return "Container"
	}
	return string(e)
}

// Resources writes what a sandbox may use: "2 cores, 4 GiB, 8 GiB disk".
func Resources(r sandbox.Resources) string {
	cores := "1 core"
	if r.CPU != 1 {
		cores = fmt.Sprintf("%d cores", r.CPU)
	}
	return fmt.Sprintf("%s, %d GiB, %d GiB disk", cores, r.MemoryGiB, r.DiskGiB)
}

// Snapshot says what a sandbox from a snapshot will be.
func Snapshot(s sandbox.Snapshot) string {
	return words.Joined(s.Name, EngineName(s.Engine), Resources(s.Resources), s.Runtime)
}

// Facts is the line below a sandbox's name.
func Facts(s sandbox.Sandbox) string {
	return words.Joined(Engine(s), Resources(s.Resources), "from "+s.Snapshot)
}

// Clocks says what will happen to a sandbox by itself, the soonest first.
func Clocks(s sandbox.Sandbox, now time.Time) []components.Countdown {
	var out []components.Countdown
	add := func(verb string, at time.Time, why string) {
		out = append(out, components.Countdown{Verb: verb, In: Until(at, now), At: at.UTC().Format(time.RFC3339), Exact: words.Exact(at), Why: why})
	}
	i := s.Intervals
	switch s.State {
	case sandbox.StateStarted:
		if i.AutoStop > 0 {
			add(stopVerb(i), s.LastActivity().Add(i.AutoStop), "without activity")
		}
		if i.AutoPause > 0 {
			add("Pauses", s.LastActivity().Add(i.AutoPause), "without activity")
		}
	case sandbox.StateStopped, sandbox.StateArchived:
		out = append(out, restClocks(s, now)...)
	}
	if !s.DestroyAt.IsZero() && s.State != sandbox.StateDestroyed {
		add("Deleted", s.DestroyAt, "whatever happens: its time to live")
	}
	return out
}

func stopVerb(i sandbox.Intervals) string {
	if i.Ephemeral() {
		return "Stops and is deleted"
	}
	return "Stops"
}

// restClocks is Clocks for a sandbox that is at rest.
func restClocks(s sandbox.Sandbox, now time.Time) []components.Countdown {
	var out []components.Countdown
	if s.StoppedAt.IsZero() {
		return nil
	}
	add := func(verb string, after time.Duration) {
		at := s.StoppedAt.Add(after)
		out = append(out, components.Countdown{Verb: verb, In: Until(at, now), At: at.UTC().Format(time.RFC3339), Exact: words.Exact(at), Why: "unless it is started"})
	}
	archive := s.Intervals.AutoArchive
	if archive == 0 {
		archive = sandbox.MaxAutoArchive
	}
	archives := s.State == sandbox.StateStopped
	deletes := s.Intervals.AutoDelete >= 0
	if archives && !(deletes && s.Intervals.AutoDelete <= archive) {
		add("Archived", archive)
	}
	if deletes {
		add("Deleted", s.Intervals.AutoDelete)
	}
	return out
}

// Until returns how long it is until a time, in words: "12 minutes".
func Until(at, now time.Time) string {
	d := at.Sub(now)
	switch {
	case d <= 0:
		return "a moment"
	case d < time.Minute:
		n := int(d.Round(time.Second) / time.Second)
		if n == 1 {
			return "1 second"
		}
		return fmt.Sprintf("%d seconds", n)
	default:
		return words.Span(d)
	}
}

// Problem says what is wrong with a sandbox, why, and what to do; "" for
// nothing.
func Problem(s sandbox.Sandbox) string {
	if s.ErrorReason == "" {
		return ""
	}
	reason := words.Sentence(s.ErrorReason)
	switch {
	case s.State == sandbox.StateError && s.Recoverable:
		return reason + " Recover it to try again."
	case s.State.Failed():
		return reason + " It cannot be recovered; delete it when you no longer need to read this."
	}
	return reason
}

// Labels writes labels as "name=value", by name.
func Labels(labels map[string]string) []string {
	out := make([]string, 0, len(labels))
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		out = append(out, name+"="+labels[name])
	}
	return out
}
