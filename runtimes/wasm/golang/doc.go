// Package golang builds and runs Go programs with Go's own compiler and linker,
// which package toolchain runs.
//
// A program is what `go run .` or `go test -v .` would take: the folder of the main
// file is a package, the folders below it are packages that a go.mod names. When
// there are tests, or no main function and a TestX, the tests are run: the main
// package of a test is written the way `go test` does.
//
// Every package of the standard library that can work is there. Modules from
// elsewhere and cgo are not, and a program that imports them is told.
package golang
