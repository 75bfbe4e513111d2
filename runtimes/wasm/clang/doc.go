// Package clang builds and runs C and C++ programs with clang and lld, which
// package toolchain runs.
//
// A program is all source files of the folder of the main file and below it, linked
// together; headers are found there too. C is C17 and C++ is C++20, both with GNU
// extensions, with the C library of WASI and with libc++. There are no exceptions
// in C++, no longjmp, no threads and no sockets: what uses them is refused by the
// compiler, and package clang says so in fewer words.
package clang
