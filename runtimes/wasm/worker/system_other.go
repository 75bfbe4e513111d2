//go:build !linux

package worker

import (
	"os"
	"syscall"
)

func selfPath() (string, error) { return os.Executable() }

func signalName(s syscall.Signal) string { return s.String() }

// machineMemory is a guess: it bounds what workers may have, where processMemory can
// tell.
func machineMemory() int64 { return 8 << 30 }

// processMemory cannot tell here.
func processMemory(int) int64 { return 0 }

// handOver, readable and keep have nothing to do: workers have the server's user.
func handOver(string) error { return nil }

func readable(string) error { return nil }

func keep(string) error { return nil }
