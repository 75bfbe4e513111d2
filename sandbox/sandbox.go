package sandbox

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Sandbox is one isolated environment, on whichever engine. It is a value:
// stores hand out copies.
type Sandbox struct {
	ID           string // a UUID; part of preview hosts
	Name         string // unique within its organization; the ID where the user gave none
	Organization string // Organization.ID

	Snapshot string     // the name of the snapshot it started from
	Ref      string     // what its engine starts it from: Snapshot.Ref
	Engine   EngineName // that holds it
	Runner   string     // Runner.ID
	Placed   string     // why it is there, for people
	Target   string     // the region as the user spelled it

	Entrypoint []string // the main process; nil for one that only serves its toolbox
	Runtime    string   // of its snapshot: "" for the best there is

	User      string // the user that processes run as; "" is the snapshot's own
	OwnUser   string // the snapshot's own
	Env       map[string]string
	Labels    map[string]string
	Public    bool // previews need no credential
	Resources Resources
	Network   Network
	Volumes   []VolumeMount

	State       State
	Desired     DesiredState
	Incarnation int64  // raised by every start: delayed work names the one it saw
	Cause       string // who or what asked last for another state, for people; "" where nobody said
	ErrorReason string // why State is StateError, for people: the cause and what to do
	Recoverable bool   // recover can bring it back from StateError

	Intervals Intervals
	Parent    string // the sandbox that it was forked from; "" for none
	Linked    string // the sandbox that it is linked to; "" for none
	WarmPool  string // the pool that it waits in, unclaimed; "" for none
	Backup    BackupState
	BackupAt  time.Time // zero for never
	Archive   string    // where its engine keeps its files while it is archived; "" while it is not

	// KeyVersion is raised to make what was derived from the sandbox's keys
	// invalid: the keys themselves are derived, never stored.
	KeyVersion int

	CreatedAt  time.Time
	UpdatedAt  time.Time
	StartedAt  time.Time // the last start; zero for never
	StoppedAt  time.Time // since when it is continuously stopped; zero while it is not
	LastEvent  time.Time // the last change of State
	Activity   Activity
	DestroyAt  time.Time // its time to live ends; zero for never
	DiskBytes  int64     // used at the last reading
	Agent      string    // the version of its toolbox
	Isolation  string    // what really isolates it, for people: "WebAssembly", "Linux namespaces (crun)", "gVisor"
	Deprecated bool      // made by the old workspace API
}

// Clone returns a copy that shares nothing with s.
func (s Sandbox) Clone() Sandbox {
	s.Env, s.Labels = maps.Clone(s.Env), maps.Clone(s.Labels)
	s.Volumes, s.Entrypoint = slices.Clone(s.Volumes), slices.Clone(s.Entrypoint)
	s.Activity = maps.Clone(s.Activity)
	s.Network = s.Network.Clone()
	return s
}

// LastActivity returns when s was last in use; its start and its creation count.
func (s Sandbox) LastActivity() time.Time {
	last, _ := s.Activity.Last()
	for _, t := range []time.Time{s.StartedAt, s.CreatedAt} {
		if t.After(last) {
			last = t
		}
	}
	return last
}

// Resources is what a sandbox may use.
type Resources struct {
	CPU       int // cores
	MemoryGiB int
	DiskGiB   int
	GPU       int
}

// Plus returns r and o together.
func (r Resources) Plus(o Resources) Resources {
	return Resources{r.CPU + o.CPU, r.MemoryGiB + o.MemoryGiB, r.DiskGiB + o.DiskGiB, r.GPU + o.GPU}
}

// Minus returns what is left of r without o.
func (r Resources) Minus(o Resources) Resources {
	return Resources{r.CPU - o.CPU, r.MemoryGiB - o.MemoryGiB, r.DiskGiB - o.DiskGiB, r.GPU - o.GPU}
}

// Or returns r with those of def where r is zero.
func (r Resources) Or(def Resources) Resources {
	return Resources{
		cmp.Or(r.CPU, def.CPU), cmp.Or(r.MemoryGiB, def.MemoryGiB), cmp.Or(r.DiskGiB, def.DiskGiB), cmp.Or(r.GPU, def.GPU),
	}
}

// Held returns what of r a sandbox holds in a state: everything while it runs or
// is about to, memory and disk while it is paused, its disk while it is stopped,
// and nothing when it is archived.
func (r Resources) Held(in State) Resources {
	switch in {
	case StateArchived, StateDestroyed, StateBuildFail, StatePending:
		return Resources{}
	case StateStopped, StateArchiving, StateError, StateDestroy:
		return Resources{DiskGiB: r.DiskGiB}
	case StatePaused:
		return Resources{MemoryGiB: r.MemoryGiB, DiskGiB: r.DiskGiB}
	default:
		return r
	}
}

// Network says what a sandbox may reach.
type Network struct {
	BlockAll bool
	Allow    []string // CIDRs; where there are any, nothing else is reached
	Domains  []string // names that may be reached
}

// Clone returns a copy that shares nothing with n.
func (n Network) Clone() Network {
	n.Allow, n.Domains = slices.Clone(n.Allow), slices.Clone(n.Domains)
	return n
}

// VolumeMount puts a volume into a sandbox.
type VolumeMount struct {
	Volume  string // its ID
	Path    string // where it appears, absolute
	Subpath string // the part that is shown; "" for all of it
}

// Intervals are the times after which a sandbox changes by itself.
type Intervals struct {
	AutoStop    time.Duration // without activity; 0 for never
	AutoPause   time.Duration // without activity; 0 for never; excludes AutoStop
	AutoArchive time.Duration // continuously stopped; 0 means MaxAutoArchive
	AutoDelete  time.Duration // continuously stopped; 0 on stopping, negative for never
	TTL         time.Duration // since its creation or since TTL was set; 0 for none
}

// Defaults of Intervals, and the longest AutoArchive.
const (
	DefaultAutoStop    = 15 * time.Minute
	DefaultAutoArchive = 7 * 24 * time.Hour
	MaxAutoArchive     = 30 * 24 * time.Hour
	NoAutoDelete       = -time.Minute
)

// ActivitySource says what kept a sandbox alive.
type ActivitySource string

// The sources of activity.
const (
	ActivityState    ActivitySource = "state"    // it was started, resized, …
	ActivityToolbox  ActivitySource = "toolbox"  // a call of its toolbox
	ActivityPreview  ActivitySource = "preview"  // traffic of a preview
	ActivitySSH      ActivitySource = "ssh"      // traffic of an SSH connection
	ActivityTerminal ActivitySource = "terminal" // a web terminal
	ActivityTouch    ActivitySource = "touch"    // a client said that it is in use
	ActivityWork     ActivitySource = "work"     // its processes computed or sent something; of workspaces only
)

// Activity is when each source was last active.
type Activity map[ActivitySource]time.Time

// Last returns the latest activity and its source; zero and "" for none.
func (a Activity) Last() (at time.Time, source ActivitySource) {
	for s, t := range a {
		if t.After(at) || t.Equal(at) && s < source {
			at, source = t, s
		}
	}
	return at, source
}

// BackupState says how far the copy of an archived sandbox is. The strings are
// those of the wire.
type BackupState string

// The backup states.
const (
	BackupNone       BackupState = "None"
	BackupPending    BackupState = "Pending"
	BackupInProgress BackupState = "InProgress"
	BackupCompleted  BackupState = "Completed"
	BackupError      BackupState = "Error"
)
