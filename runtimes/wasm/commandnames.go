package wasm

import "slices"

// toolbox is a Commander that is several commands, whose names are its own. Exec
// finds in vm.Invocation.Name which one is meant.
type toolbox interface {
	Commander
	Commands() []string
}

// commands returns the commands of a language by which Engine.Exec knows them: its
// ID, for one that is a single command, whatever shells call it.
func (l *language) commands() []string {
	switch d := l.driver.(type) {
	case toolbox:
		return d.Commands()
	case Commander:
		return []string{l.info.ID}
	}
	return nil
}

// commander returns the language that has a command; the first one, where several
// have the same. nil for none.
func (e *Engine) commander(command string) *language {
	for _, l := range e.languages {
		if slices.Contains(l.commands(), command) {
			return l
		}
	}
	return nil
}
