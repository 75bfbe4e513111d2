package components

// Snapshots is the page of snapshots.
type Snapshots struct {
	Page   Page
	Rows   []SnapshotRow
	Pager  Pager
	Events string
}

// SnapshotRow is one line of it.
type SnapshotRow struct {
	ID, Name string
	General  bool // the server's own
	State    SandboxState
	Engine   string
	Costs    string
	Image    string
	Size     string // "" where it is not known
	Used     int    // sandboxes
	UsedURL  string
	LastUsed Age
	Pool     string // "2 of 3 ready"; "" for none
	Problem  string
	First    []SandboxAction // links
	Rest     []SandboxAction
}

// Server is what the server has room for, and what is used of it.
type Server struct {
	Version, Organization, API string
	Meters                     []Meter
	ByEngine                   []string
	Each                       string // what one sandbox may have
	Runners                    []Runner
}

// Meter shows how much of a limit is used. Most is 0 for no limit.
type Meter struct {
	Name, Text string
	Used, Most int
}

// Runner is a host with an engine.
type Runner struct {
	Name, Engine string
	State        SandboxState
	Reason       string
	Facts        []string
}
