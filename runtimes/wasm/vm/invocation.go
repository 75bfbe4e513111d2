package vm

// Invocation is how a shell starts a program: in a folder, with arguments.
type Invocation struct {
	Name string   // the command, for a program that is several; may be empty for others
	Dir  string   // the working folder: absolute and clean
	Args []string // what follows the program's name
	TTY  bool     // standard input is a terminal
}
