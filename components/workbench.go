package components

// TerminalView is the terminals of a sandbox.
type TerminalView struct {
	Toolbox string // the path of the sandbox's toolbox, with a slash at the end
}
