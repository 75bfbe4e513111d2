package wasm

import (
	"context"
	"slices"

	"sandpiper/runtimes/wasm/vm"
	"sandpiper/sandbox"
)

// Commander is a Driver whose language is also a command of a sandbox's shell.
type Commander interface {
	// Exec runs the command to its end. cfg comes with all that Driver.Run gets,
	// and with the sandbox's own root at "/".
	Exec(ctx context.Context, cfg vm.RunConfig, inv vm.Invocation) sandbox.Outcome
}

// Commands returns the names of the languages that sandboxes have as commands,
// ready or not: their IDs.
func (e *Engine) Commands() []string {
	var names []string
	for _, l := range e.languages {
		for _, name := range l.commands() {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// Exec runs the command that Commands calls id, with the limits and the surroundings
// that cfg says: none of the engine's own are added. The error is that of a language
// which is not there or not ready.
func (e *Engine) Exec(ctx context.Context, id string, cfg vm.RunConfig, inv vm.Invocation) (sandbox.Outcome, error) {
	if !e.begin() {
		return sandbox.Outcome{}, sandbox.Errorf(sandbox.KindUnavailable, "the server is shutting down")
	}
	defer e.runs.Done()
	if l := e.commander(id); l != nil {
		inv.Name, id = id, l.info.ID
	}
	l, err := e.find(sandbox.Program{Language: id})
	if err != nil {
		return sandbox.Outcome{}, err
	}
	c, ok := l.driver.(Commander)
	if !ok {
		return sandbox.Outcome{}, sandbox.FieldErrorf("language", "%s is not a command", l.info.Name)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(e.closing, func() { cancel(sandbox.ErrShutdown) })()
	return c.Exec(ctx, cfg, inv), nil
}

// AwaitCommand waits until the language of the command that Commands calls id is
// prepared, or failed, or ctx is done.
func (e *Engine) AwaitCommand(ctx context.Context, id string) {
	if l := e.commander(id); l != nil {
		e.demand(l)
		l.await(ctx)
	}
}
