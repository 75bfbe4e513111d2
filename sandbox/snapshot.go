package sandbox

import "time"

// Snapshot is an immutable template that sandboxes start from.
type Snapshot struct {
	ID           string // a UUID
	Name         string // unique within its organization and among the general ones
	Organization string // "" for the general ones
	Aliases      []string
	Engine       EngineName
	Ref          string // what the engine knows it by: an image, or "wasm"
	Image        string // the image's name as the user gave it
	Entrypoint   []string
	User         string // that processes run as where the sandbox names none
	Runtime      string // "", "runc", "crun", "runsc"
	Resources    Resources
	State        SnapshotState
	ErrorReason  string
	SizeBytes    int64
	Source       string // the sandbox that it was made from; "" for none
	CreatedAt    time.Time
	UpdatedAt    time.Time
	LastUsedAt   time.Time // zero for never
}

// SnapshotState is spelled as on the wire.
type SnapshotState string

// The snapshot states.
const (
	SnapshotPending  SnapshotState = "pending"
	SnapshotBuilding SnapshotState = "building"
	SnapshotPulling  SnapshotState = "pulling"
	SnapshotSnapping SnapshotState = "snapshotting"
	SnapshotActive   SnapshotState = "active"
	SnapshotInactive SnapshotState = "inactive"
	SnapshotError    SnapshotState = "error"
	SnapshotFailed   SnapshotState = "build_failed"
	SnapshotRemoving SnapshotState = "removing"
)

// WarmPool keeps sandboxes of a snapshot started for whoever comes next.
type WarmPool struct {
	ID           string
	Organization string
	Snapshot     string // its name
	Target       string
	Size         int // wanted members
	ErrorReason  string
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// Organization owns sandboxes, snapshots and keys.
type Organization struct {
	ID       string
	Name     string
	Personal bool
	Owner    string // a user's ID
	Region   string // its default region
	MaxEach  Resources
	Quota    Resources // of all started sandboxes together; disk of all that are kept
	Created  time.Time
}

// Region is a named group of runners.
type Region struct {
	ID, Name string
	Aliases  []string // spellings of other servers that mean this one here
}

// Runner is a host with engines.
type Runner struct {
	ID, Name string
	Region   string
	Engine   EngineName
	State    string // "ready" or "unresponsive", as on the wire
	Reason   string // why it is not ready
	Print    Fingerprint
	Used     Resources // promised to sandboxes that are started
	Limit    Resources // that is promised at most
	Started  int
	Checked  time.Time
}
