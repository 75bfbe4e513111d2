package sandbox

import (
	"context"
	"io"
	"net"
	"time"
)

// EngineName names an engine: the same words as EngineChoice has.
type EngineName = EngineChoice

// Ports of every sandbox that its toolbox serves.
const (
	ToolboxPort    = 2280
	TerminalPort   = 22222
	RecordingsPort = 33333
)

// DesktopPort is where the screen of a sandbox with a started desktop is served
// in the RFB protocol (VNC), to its own loopback addresses only.
const DesktopPort = 5900

// DesktopSnapshot is the name of the built-in snapshot whose sandboxes have a
// desktop.
const DesktopSnapshot = "sandpiper-desktop"

// TokenHeader is the header in which a toolbox expects Spec.Token.
const TokenHeader = "X-Sandpiper-Toolbox-Token"

// Engine holds sandboxes of one kind on one host. Every method may be called
// again after it was cut off, and then finishes what it had begun. A sandbox
// that is not there is a *Error of KindNotFound, except for Destroy. A lack of
// room is KindBusy with the cause and RetryAfter. Implementations are safe for
// concurrent use, also for the same sandbox.
type Engine interface {
	Name() EngineName

	// Fingerprint says what the engine can do and has room for now. An error
	// tells people why it cannot be used and what to do about it.
	Fingerprint(ctx context.Context) (Fingerprint, error)

	// Create makes the sandbox and starts it: its toolbox answers when Create
	// returns.
	Create(ctx context.Context, spec Spec) error

	// Start starts a stopped sandbox; its toolbox answers when Start returns.
	Start(ctx context.Context, spec Spec) error

	// Stop ends every process. They are asked to end first and have grace to do
	// so; without grace they are killed at once. Files stay.
	Stop(ctx context.Context, id string, grace time.Duration) error

	// Destroy removes everything of the sandbox. One that is not there is fine.
	Destroy(ctx context.Context, id string) error

	// Status looks at the sandbox itself.
	Status(ctx context.Context, id string) (Found, error)

	// List returns every sandbox that the engine holds, also those that nobody
	// else remembers.
	List(ctx context.Context) ([]Found, error)

	// Dial connects to a TCP port inside a started sandbox; ToolboxPort is the
	// toolbox. A port on which nothing listens is a *Error of KindNotFound.
	Dial(ctx context.Context, id string, port int) (net.Conn, error)

	// HasRef reports whether sandboxes can start from a snapshot's Ref, and
	// describes it.
	HasRef(ctx context.Context, ref string) (RefInfo, error)
}

// Spec is what an engine needs to know of a sandbox.
type Spec struct {
	ID         string
	Name       string
	Ref        string // image or layer to start from
	Token      string // the secret that the toolbox asks of its callers
	User       string // "" is the image's own
	Env        map[string]string
	Labels     map[string]string
	Entrypoint []string // the main process; nil keeps a sandbox that only serves its toolbox
	Resources  Resources
	Network    Network
	Volumes    []VolumeMount
	Runtime    string // of the snapshot: "" for the best, or "runc", "crun", "runsc"
}

// Spec returns what an engine needs to know of s, but for the token.
func (s Sandbox) Spec() Spec {
	s = s.Clone()
	return Spec{
		ID: s.ID, Name: s.Name, Ref: s.Ref, User: s.User, Env: s.Env, Labels: s.Labels,
		Resources: s.Resources, Network: s.Network, Volumes: s.Volumes, Entrypoint: s.Entrypoint, Runtime: s.Runtime,
	}
}

// Found is a sandbox as its engine sees it.
type Found struct {
	ID        string
	State     State // StateStarted, StateStopped, StatePaused, or StateError
	Reason    string
	Isolation string
	CreatedAt time.Time
	DiskBytes int64
	Network   *Network // that it has; nil where the engine has no rules for it

	// Interrupted is set for one that is stopped because its engine ended, as a
	// computer is by a power cut: nothing in it asked for that, and it may simply
	// be started again.
	Interrupted bool
}

// Fingerprint is what an engine offers.
type Fingerprint struct {
	Version   string
	Isolation string    // of its default runtime, for people
	Runtimes  []string  // that a snapshot may ask for
	Capacity  Resources // of the host, for all sandboxes together
	Available Resources // that the host really has free now; what is promised is the scheduler's to count
	MaxEach   Resources // for one sandbox
	DiskQuota string    // how disk limits are held: "enforced", "watched"; for people
	Can       Powers
}

// Powers says which optional interfaces an engine really honours here.
type Powers struct{ Pause, Resize, Archive, Fork, Snapshot, Network, Link, PauseKeepsMemory bool }

// Peer is a sandbox as those that are linked with it know it.
type Peer struct{ ID, Name string }

// Work is what the processes of a sandbox have done.
type Work struct {
	CPU       time.Duration
	SentBytes int64 // over the network, to outside of the sandbox
}

// RefInfo describes what sandboxes start from.
type RefInfo struct {
	SizeBytes  int64
	Entrypoint []string // of an image: the beginning of its main process,
	Cmd        []string // and the rest, which a request may replace
	User       string
	WorkDir    string
}

// Optional powers of an Engine, found by assertion and announced in Powers.
type (
	// Pauser freezes and thaws a started sandbox.
	Pauser interface {
		Pause(ctx context.Context, id string) error
		Resume(ctx context.Context, id string) error
	}
	// Resizer changes what a sandbox may use.
	Resizer interface {
		Resize(ctx context.Context, id string, r Resources) error
	}
	// Archiver moves a stopped sandbox's files away so that nothing of it is
	// left but the archive; Restore brings them back, stopped.
	Archiver interface {
		Archive(ctx context.Context, id string) (archive string, err error)
		Restore(ctx context.Context, spec Spec, archive string) error
		DeleteArchive(ctx context.Context, archive string) error
	}
	// Forker makes a started copy of a sandbox's files. The fork is as Spec says.
	Forker interface {
		Fork(ctx context.Context, source string, fork Spec) error
	}
	// Snapshotter makes something that sandboxes can start from.
	Snapshotter interface {
		Snapshot(ctx context.Context, id, name string) (ref string, info RefInfo, err error)
		DeleteRef(ctx context.Context, ref string) error
	}
	// Networker changes what a started sandbox may reach.
	Networker interface {
		SetNetwork(ctx context.Context, id string, n Network) error
	}
	// Linker connects sandboxes that belong together.
	Linker interface {
		// Link lets those of a family that are started reach each other, at every
		// port, by name and by ID. It is called again whenever one of them has
		// started or ended or has another name, and keeps what is connected.
		Link(ctx context.Context, family []Peer) error
	}
	// Meter tells what the processes of a started sandbox have done since it was
	// started.
	Meter interface {
		Work(ctx context.Context, id string) (Work, error)
	}
	// LogReader reads what the main process has written.
	LogReader interface {
		Logs(ctx context.Context, id string, follow bool, out io.Writer) error
	}
)
