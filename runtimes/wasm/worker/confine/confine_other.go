//go:build !linux

package confine

import (
	"syscall"

	"sandpiper/runtimes/wasm/worker/link"
)

// User has no meaning here.
const User = -1

// Process does nothing here, and says so.
func Process(link.Setup) ([]link.Measure, error) {
	return []link.Measure{{Name: "confinement", Detail: "only Linux has it: a worker is a plain child process"}}, nil
}

// Probe tries nothing here.
func Probe() []link.Attempt { return nil }

// Attributes says how a worker is started.
func Attributes() []Way { return []Way{{}} }

// Way is a way to start a worker.
type Way struct {
	Attr syscall.SysProcAttr
	Own  bool // the worker has the user User
}

// Network has no meaning here.
func Network() string { return "" }
