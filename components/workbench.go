package components

// TerminalView is the terminals of a sandbox.
type TerminalView struct {
	Toolbox string // the path of the sandbox's toolbox, with a slash at the end
}

// WorkView is a tab of a sandbox whose script talks to the sandbox itself.
type WorkView struct {
	Toolbox string // as in TerminalView
	API     string // the path of the sandbox in the control API, with a slash at the end
	Serve   string // a command that starts a server in the sandbox
}
