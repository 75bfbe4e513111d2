package a11y

import "slices"

// states are the names of states by their numbers.
var states = []string{
	"invalid", "active", "armed", "busy", "checked", "collapsed", "defunct", "editable", "enabled", "expandable",
	"expanded", "focusable", "focused", "has tooltip", "horizontal", "iconified", "modal", "multi line", "multiselectable", "opaque",
	"pressed", "resizable", "selectable", "selected", "sensitive", "showing", "single line", "stale", "transient", "vertical",
	"visible", "manages descendants", "indeterminate", "required", "truncated", "animated", "invalid entry", "supports autocompletion", "selectable text", "is default",
	"visited", "checkable", "has popup", "read only",
}

func hasState(bits []uint32, state int) bool {
	return state/32 < len(bits) && bits[state/32]&(1<<(state%32)) != 0
}

// stateNames returns the names of the states that are set.
func stateNames(bits []uint32) []string {
	var names []string
	for i, name := range states {
		if hasState(bits, i) {
			names = append(names, name)
		}
	}
	return names
}

func knownState(name string) bool { return slices.Contains(states, name) }
