package guest

import (
	"context"
	"time"
)

// Inspector is a Guest that can tell what runs in it.
type Inspector interface {
	// Processes describes what runs now, by PID. What could not be found out of
	// one of them is left empty.
	Processes(ctx context.Context) ([]ProcessInfo, error)
}

// ProcessInfo describes a process that runs.
type ProcessInfo struct {
	PID, Parent int
	Command     string // its arguments with spaces between, or its name
	Started     time.Time
	CPUSeconds  float64 // used since it started
	MemoryBytes int64   // that it has in memory, what it shares included
	Ports       []int   // TCP ports on which it listens, sorted
}
