package guest

import (
	"context"
	"errors"
	"net"
	"time"
)

// Errors of shells.
var (
	ErrShellEnded = errors.New("the shell has ended") // of one that has exited

	// ErrNoShell is the error of OpenShell in a sandbox that has no shell, as
	// some images have not.
	ErrNoShell = errors.New("this sandbox has no shell, neither bash nor sh: it can only start programs directly; use an image with a shell")
)

// Guest is everything that a toolbox needs from a sandbox.
type Guest interface {
	FS() FS
	Starter
	Sheller

	// Info returns facts that do not change while the sandbox runs.
	Info() Info

	// Metrics returns what the sandbox uses now.
	Metrics(ctx context.Context) (Metrics, error)

	// Ports returns the TCP ports on which something listens, sorted.
	Ports(ctx context.Context) ([]int, error)

	// DialPort connects to a port, also to servers bound to 127.0.0.1 only.
	DialPort(ctx context.Context, port int) (net.Conn, error)
}

// Info is what is fixed for a running sandbox.
type Info struct {
	Home    string   // the user's home
	WorkDir string   // where relative paths begin and commands start
	User    string   // the name of the user that processes run as
	Env     []string // the environment that processes start from, KEY=value
	Shell   []string // the interactive shell for terminals: {"/bin/bash", "-l"}

	// Lacks names what the guest cannot do, for error messages, such as
	// "sockets" and "packages with native code"; empty for a whole Linux.
	Lacks []string
}

// Metrics is a reading of what a sandbox uses and may use. A zero limit means
// that there is none.
type Metrics struct {
	At          time.Time
	CPUCount    float64 // cores that it may use
	CPUSeconds  float64 // used since it started, all cores together
	MemoryBytes int64   // without what the kernel caches and can give back
	MemoryCache int64   // that
	MemoryLimit int64
	DiskBytes   int64
	DiskLimit   int64
	Processes   int
}
