// Package quickjs runs JavaScript and TypeScript programs on QuickJS-ng, as
// somebody who comes from Node or a browser expects them to run.
//
// # How a program is understood
//
// A file is a script first: it runs as a CommonJS module, in sloppy mode, with
// require, module, exports, __filename and __dirname, and with await allowed at
// its top level. A file that does not parse that way, because it uses import,
// export or import.meta, is an ES module. The endings .mjs, .mts, .cjs and .cts
// settle the question. The two kinds can import one another. TypeScript is
// stripped of its types by esbuild when a file is loaded, in a child process;
// types are not checked. Local time is UTC and the only locale American English.
//
// # Who does what
//
// The engine is a WebAssembly reactor that knows the language and nothing else.
// The prelude, readable JavaScript in the folder of that name, adds console,
// timers, process and Node's modules that make sense without an operating
// system; it is compiled to bytecode once and parts that few programs use are
// loaded when they are asked for. The host, this package, has the event loop,
// finds modules, and carries out a short list of operations for the prelude. An
// operation takes strings, numbers and bytes, checks each, and never keeps a
// pointer into the guest. Programs cannot reach the operations except through
// the prelude; if one did, it could do what the prelude can and no more.
//
// The engine is started and the prelude run once, and an image is taken of that.
// Every run gets an instance of its own that goes on from the image, with random
// numbers and a clock of its own, so nothing of one run survives to the next.
package quickjs
