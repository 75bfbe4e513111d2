package wasm

import (
	"time"

	"sandpiper/sandbox"
)

// DefaultLimits are the limits of a run that asks for none. Ten seconds and 256
// MiB let a lesson's program finish and stop a runaway one before its author
// loses patience.
func DefaultLimits() sandbox.Limits {
	return sandbox.Limits{
		Wall:        10 * time.Second,
		CPU:         10 * time.Second,
		MemoryBytes: 256 << 20,
		OutputBytes: 1 << 20,
		FileBytes:   32 << 20,
		Files:       1000,
		OpenFiles:   64,
	}
}

// MaxLimits are the most that a run may ask for.
func MaxLimits() sandbox.Limits {
	return sandbox.Limits{
		Wall:        60 * time.Second,
		CPU:         60 * time.Second,
		MemoryBytes: 1 << 30,
		OutputBytes: 16 << 20,
		FileBytes:   256 << 20,
		Files:       10_000,
		OpenFiles:   256,
	}
}
