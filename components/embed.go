package components

// Embed is a shared program in a frame on somebody else's page.
type Embed struct {
	Title    string
	Styles   []string
	Scripts  []string
	Theme    string // "light", "dark"; empty follows the system
	Language string // "Python 3.12"
	Program  Program
	Output   string // what it printed when it was shared; may be empty
	OpenURL  string // the program in the playground
	HideCode bool
	Column   bool // the panes stand one above the other whatever the width
	Data     any  // what the page's script knows, as JSON
}
