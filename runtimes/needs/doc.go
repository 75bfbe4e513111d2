// Package needs finds, before a program runs, what it needs that the
// WebAssembly runtimes do not have: packages, other programs, the network,
// threads. It reads the source as a tokenizer does and runs nothing, so it is
// fast, and it may err: a need that a program builds at run time is not seen,
// and one in code that never runs is.
package needs
