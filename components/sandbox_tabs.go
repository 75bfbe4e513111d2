package components

// Activity is what keeps a sandbox alive, what will happen to it, and what has.
type Activity struct {
	ID, Name string
	Waiting  string // what it waits for; "" for nothing
	Resting  bool
	Clocks   []Countdown
	Keep     SandboxAction // without a URL where there is nothing to keep
	Sources  []ActivitySource
	Changes  []StateChange
	Tree     []TreeNode // none where it has no relatives
	Placed   string
	Created  Age
}

// ActivitySource is something that kept a sandbox alive.
type ActivitySource struct {
	What string
	When Age
	Last bool
}

// StateChange is one that has happened.
type StateChange struct {
	When   Age
	From   string // "" for the beginning
	To     SandboxState
	Reason string
}

// TreeNode is a sandbox in a fork tree, written from the root.
type TreeNode struct {
	ID, Name string
	State    SandboxState
	Depth    int
	Current  bool
}

// Metrics is what a sandbox uses.
type Metrics struct {
	Note    string // why there is nothing new; may be empty
	Charts  []Chart
	Minutes int // that are shown
	Every   int // seconds between two readings while somebody looks,
	Seldom  int // and while nobody does
}

// Chart is a line over time.
type Chart struct {
	ID, Title, Unit string
	Line            string // path in a drawing of 600 by 140; "" for no data
	Now, Limit      string // "12 %"
	Top, Half       string // what the scale says
	Table           []ChartRow
}

// ChartRow is a point of a chart, in words.
type ChartRow struct{ Time, Value string }

// Setting is something about a sandbox, and how to change it.
type Setting struct {
	Name   string
	Values []string
	Code   bool           // the values are code
	Change *SandboxAction // nil for what cannot be changed
}
