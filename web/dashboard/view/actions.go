package view

import (
	"sandpiper/components"
	"sandpiper/sandbox"
)

// verb is something that can be done with a sandbox.
type verb struct {
	name   string // the last part of its URL
	label  string
	asks   bool // it has a form
	danger bool
	rule   bool // a line above it
	can    func(s sandbox.Sandbox, p sandbox.Powers) bool
}

// verbs are all that the menu of a sandbox can have, in its order. What the
// state or the engine does not allow is left out: an entry that cannot work
// teaches nothing.
var verbs = []verb{
	{name: "start", label: "Start", can: startable},
	{name: "resume", label: "Resume", can: is(sandbox.StatePaused)},
	{name: "recover", label: "Recover", can: func(s sandbox.Sandbox, _ sandbox.Powers) bool { return s.State == sandbox.StateError && s.Recoverable }},
	{name: "stop", label: "Stop", can: stoppable},
	{name: "pause", label: "Pause", can: func(s sandbox.Sandbox, p sandbox.Powers) bool { return p.Pause && s.State == sandbox.StateStarted }},
	{name: "keep", label: "Keep alive", can: is(sandbox.StateStarted)},
	{name: "force-stop", label: "Force stop…", asks: true, can: stoppable},
	{name: "archive", label: "Archive…", asks: true, can: func(s sandbox.Sandbox, p sandbox.Powers) bool { return p.Archive && s.State == sandbox.StateStopped }},
	{name: "fork", label: "Fork…", asks: true, rule: true, can: func(s sandbox.Sandbox, p sandbox.Powers) bool { return p.Fork && s.State == sandbox.StateStarted }},
	{name: "snapshot", label: "Make a snapshot…", asks: true, can: func(s sandbox.Sandbox, p sandbox.Powers) bool {
		return p.Snapshot && atRest(s.State)
	}},
	{name: "resize", label: "Resize…", asks: true, can: func(s sandbox.Sandbox, p sandbox.Powers) bool {
		return p.Resize && (s.State == sandbox.StateStarted || s.State == sandbox.StateStopped)
	}},
	{name: "rename", label: "Rename…", asks: true, can: always},
	{name: "labels", label: "Labels…", asks: true, can: always},
	{name: "publish", label: "Make previews public…", asks: true, can: func(s sandbox.Sandbox, _ sandbox.Powers) bool { return !s.Public }},
	{name: "unpublish", label: "Make previews private", can: func(s sandbox.Sandbox, _ sandbox.Powers) bool { return s.Public }},
	{name: "ssh", label: "SSH access…", asks: true, can: is(sandbox.StateStarted)},
	{name: "delete", label: "Delete…", asks: true, danger: true, rule: true, can: func(s sandbox.Sandbox, _ sandbox.Powers) bool {
		return s.State != sandbox.StateDestroy && s.State != sandbox.StateDestroyed
	}},
}

func always(sandbox.Sandbox, sandbox.Powers) bool { return true }

func is(state sandbox.State) func(sandbox.Sandbox, sandbox.Powers) bool {
	return func(s sandbox.Sandbox, _ sandbox.Powers) bool { return s.State == state }
}

func startable(s sandbox.Sandbox, _ sandbox.Powers) bool {
	return s.State == sandbox.StateStopped || s.State == sandbox.StateArchived
}

func stoppable(s sandbox.Sandbox, _ sandbox.Powers) bool {
	return s.State == sandbox.StateStarted || s.State == sandbox.StatePaused
}

func atRest(s sandbox.State) bool {
	return s == sandbox.StateStarted || s == sandbox.StateStopped || s == sandbox.StatePaused
}

// first are the verbs that are buttons: of these, the ones that the state allows.
var first = map[string]bool{"start": true, "resume": true, "recover": true, "stop": true}

// Actions returns what can be done with a sandbox now: buttons, and the rest for
// the menu. without names verbs that this server lacks.
func Actions(s sandbox.Sandbox, p sandbox.Powers, without map[string]bool) (buttons, menu []components.SandboxAction) {
	for _, v := range verbs {
		if without[v.name] || !v.can(s, p) {
			continue
		}
		a := components.SandboxAction{Label: v.label, URL: "/sandboxes/" + s.ID + "/" + v.name, Asks: v.asks, Danger: v.danger, Rule: v.rule, Name: v.label + " " + s.Name}
		if first[v.name] {
			buttons = append(buttons, a)
		} else {
			menu = append(menu, a)
		}
	}
	return buttons, menu
}

// Can reports whether a verb is one of what can be done with a sandbox now.
func Can(name string, s sandbox.Sandbox, p sandbox.Powers) bool {
	for _, v := range verbs {
		if v.name == name {
			return v.can(s, p)
		}
	}
	return false
}
