package components

// SandboxList is the page of sandboxes.
type SandboxList struct {
	Page    Page
	Usage   string // "3 started · 4 of 8 cores"
	Filters []Field
	Search  string
	Sort    string // as the address has it; "" for what is usual
	Order   string // the same
	Active  bool   // some filter is set
	Rows    SandboxRows
	Pager   Pager
	Events  string // where the page hears of changes
	Command string // makes the first sandbox from a terminal
	Gone    string // the name of a sandbox that was just deleted; may be empty
	Columns []SortColumn
}

// SortColumn is a heading by which a list is sorted.
type SortColumn struct {
	Label, URL string
	Current    bool
	Ascending  bool
}

// SandboxRows is the list itself.
type SandboxRows struct {
	Rows     []SandboxRow
	Filtered bool // nothing may be there because of a filter
	Command  string
}

// SandboxRow is one line of the list.
type SandboxRow struct {
	ID, Name string
	State    SandboxState
	Engine   string
	Costs    string // "1 core, 1 GiB, 3 GiB disk"
	Snapshot string
	Labels   []string // "team=blue"
	Public   bool
	Age      Age
	Clock    *Countdown
	Undo     Undo
	Problem  string
	First    []SandboxAction
	Rest     []SandboxAction
}

// Age is how long ago something was.
type Age struct{ Ago, At, Exact string }

// Pager leads through the pages of a list.
type Pager struct {
	From, To, Total int
	Previous, Next  string // "" for none
	What            string // "sandboxes"
}
