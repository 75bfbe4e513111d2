// Package tty is the terminal of a process in a WebAssembly sandbox: a pair of
// pseudo-terminal ends of the host for what programs do with a terminal (echo,
// lines, the end of input), and a line editor for the shell's prompt, with history.
//
// No process of the sandbox has the terminal as its controlling terminal, so
// Ctrl-C makes no signal by itself: it is taken out of the input and handed to
// whoever OnInterrupt names.
package tty
