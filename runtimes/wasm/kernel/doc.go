// Package kernel keeps interpreters alive from one cell to the next. It is what
// the languages have in common: one cell at a time, its limits, soft and hard
// stops, roll-backs, saving and forking. What a language does inside its guest
// is behind the interface Interpreter.
//
// # How a cell is stopped
//
// An interrupt is soft: the interpreter is told to raise the language's own
// exception for that, and the state stays. The limits of wall and CPU time and
// the end of the caller's context begin in the same way. A cell that goes on for
// sandbox.InterruptGrace after that is unwound, and the kernel gets back the
// state that it had before the cell. The limits of memory and output always
// unwind, as a crash does.
//
// # What a guest can do
//
// The guest's answer is data of the program: it is bounded and checked, and
// believed in no more than the program's output. What a program pretends about
// its own cells harms nobody else.
package kernel
