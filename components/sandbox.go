package components

// SandboxPage is what all pages of one sandbox share: its frame.
type SandboxPage struct {
	Page   Page
	Head   SandboxHead
	Tabs   []SandboxTab
	Events string // where the page hears of changes; "" for those of the header alone
	Fills  bool   // the content fills the window below the tabs, as a terminal does
}

// SandboxTab is one of a sandbox's pages.
type SandboxTab struct {
	Name    string // "Terminal"
	URL     string
	Current bool
}

// SandboxHead is the header of a sandbox's pages. It is sent again whenever it
// changes, so it holds all that changes by itself.
type SandboxHead struct {
	ID, Name string
	State    SandboxState
	Facts    string      // "WebAssembly · 1 core, 1 GiB · local"
	Clocks   []Countdown // what will happen by itself, the soonest first
	Problem  string      // what went wrong, why, and what to do; may be empty
	Undo     Undo
	First    []SandboxAction // buttons
	Rest     []SandboxAction // in the menu
}

// SandboxState is a state as a shape and a word.
type SandboxState struct {
	Look   string // ok, busy, paused, stopped, error: a class of controls.css
	Word   string // "Started"
	Wire   string // "started"
	Detail string // "third in the queue"; may be empty
}

// Countdown is something that will happen by itself.
type Countdown struct {
	Verb  string // "Stops"
	In    string // "12 minutes"
	At    string // RFC 3339, for the page's script
	Exact string // for a tooltip
	Why   string // "unless somebody uses it"
}

// SandboxAction is something that can be done with a thing.
type SandboxAction struct {
	Label  string // "Stop"
	Name   string // for assistive technology, where the label alone does not say of what: "Stop build-7"
	URL    string
	Asks   bool // it opens a form first; else it is done at once
	Danger bool
	Rule   bool // a line above it in menus
}

// Undo offers to take back a deletion that has not begun.
type Undo struct {
	URL  string // "" for none
	Text string // "Will be deleted"
	At   string // RFC 3339, when it begins
	In   string // "8 seconds"
}

// named returns what the action is called for assistive technology.
func (a SandboxAction) named() string {
	if a.Name != "" {
		return a.Name
	}
	return a.Label
}

// eventsURL is where the page hears of changes.
func (p SandboxPage) eventsURL() string {
	if p.Events != "" {
		return p.Events
	}
	return "/sandboxes/" + p.Head.ID + "/events"
}
