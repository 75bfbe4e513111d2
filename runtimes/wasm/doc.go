// Package wasm is the engine that runs programs in WebAssembly, inside the
// server: a sandbox.CodeRunner over the languages of the catalogue and those
// that an operator adds.
//
// The engine owns what surrounds a run: which languages there are and how ready
// they are, a private folder with the program's files, the limits, and the
// collection of what the program left behind. A Driver knows one language's
// runtime. Package vm executes guests and package jail is all they see of files.
package wasm
