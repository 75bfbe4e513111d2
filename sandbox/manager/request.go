package manager

import (
	"time"

	"sandpiper/sandbox"
)

// CreateRequest asks for a new sandbox. Zero fields mean the defaults.
type CreateRequest struct {
	Organization string // required
	Name         string // "" for the ID
	Snapshot     string // ID, name or alias; "" for DefaultSnapshot
	Image        string // instead of a snapshot: an image that the container engine has
	Dockerfile   string // instead of a snapshot: one that only says FROM an image
	User         string
	Target       string // a region's name, echoed
	Env, Labels  map[string]string
	Public       bool
	Resources    sandbox.Resources // zero fields: the snapshot's
	Network      sandbox.Network
	Volumes      []sandbox.VolumeMount

	AutoStop, AutoPause, AutoArchive, AutoDelete, TTL *time.Duration // nil for the default

	Linked     string   // ID or name of the sandbox to link to
	Entrypoint []string // the main process; nil for the snapshot's or the image's own
	Command    []string // instead: the image's entrypoint is called with it
	Deprecated bool     // by the old workspace API
}

// NetworkUpdate changes what a sandbox may reach. At least one field is set.
type NetworkUpdate struct {
	BlockAll *bool     // true clears the lists; only false clears them too
	Allow    *[]string // empty clears
	Domains  *[]string // empty clears
}

// IntervalUpdate changes the intervals that are not nil. TTL counts from now.
type IntervalUpdate struct {
	AutoStop, AutoPause, AutoArchive, AutoDelete, TTL *time.Duration
}

// SnapshotRequest asks for a new snapshot of an image.
type SnapshotRequest struct {
	Organization string
	Name         string
	Image        string
	Dockerfile   string            // one that only says FROM an image
	Entrypoint   []string          // none for the image's own
	Resources    sandbox.Resources // zero fields: 1 core, 1 GiB of memory, 3 GiB of disk
	Runtime      string            // "" for the best there is
}

// PoolStatus is a warm pool as it is now.
type PoolStatus struct {
	sandbox.WarmPool
	Ready     int               // members that may be claimed
	Resources sandbox.Resources // of each member
	User      string            // of each member
}

// Usage is what an organization has and uses.
type Usage struct {
	Organization sandbox.Organization
	Used         sandbox.Resources // of Limit
	Limit        sandbox.Resources // its Quota and, where it has none, what the runners promise at most
	Sandboxes    int               // that are not destroyed
	Started      int
	Snapshots    int // its own
	MaxSnapshots int
	ByEngine     map[sandbox.EngineName]sandbox.Resources

	StartedByEngine map[sandbox.EngineName]int
}

// Kinds of Event.
const (
	EventCreated         = "sandbox.created"
	EventState           = "sandbox.state.updated"
	EventDesired         = "sandbox.desired-state.updated"
	EventSnapshotCreated = "snapshot.created"
	EventSnapshotState   = "snapshot.state.updated"
	EventSnapshotRemoved = "snapshot.removed"
)

// Event tells of a change. Its Kind says which of the fields are set.
type Event struct {
	Kind               string
	Sandbox            sandbox.Sandbox // as it is after the change
	Snapshot           sandbox.Snapshot
	OldState, NewState string // of State, of Desired, or of the snapshot's State
}
