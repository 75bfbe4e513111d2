//go:build !linux

package toolchain

import "os"

// confine does nothing here: a child is bounded by what WebAssembly lets a tool do,
// and by its time.
func confine() error { return nil }

// baseFolder returns an absolute name of the working folder.
func baseFolder() (string, error) { return os.Getwd() }
