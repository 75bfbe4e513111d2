// Package toolchain builds programs with compilers that are WebAssembly modules
// themselves: it turns source files into a module, and the module into machine
// code that the engine loads.
//
// # Why a child process
//
// A compiler takes hundreds of megabytes, and what people write may keep it, or
// the making of machine code, busy for as long as they like. So both happen in a
// child: this program, started again, with limits by the kernel, without network,
// and with no files but those of its own folder. It starts at the first build, does
// one after the other, and ends when there was none for a while, which gives its
// memory back. A build that takes too long ends with its child, and nothing else.
//
// # The folder
//
// Each toolchain has a folder, below the engine's cache:
//
//	sdk-<key>/     headers, libraries and archives, unpacked once
//	tools/         the compilers' machine code, a cache of package vm
//	jobs/          a folder for each build that goes on
//	programs/      what was built, each in a folder named by its request's hash
//
// Programs hold machine code that the engine executes as it finds it: whoever can
// write to the folder is as powerful as the engine. The child can, and what runs
// in it are the compilers, in WebAssembly, and the making of machine code.
//
// A program is built once for the same files, commands and compilers. The programs
// used last are kept, up to maxPrograms bytes.
package toolchain
