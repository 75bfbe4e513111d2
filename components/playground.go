package components

// Playground is the page at / and at /s/<id>.
type Playground struct {
	Page      Page
	Languages []LanguageOption
	Language  LanguageOption // the one that is selected
	Program   Program
	Shared    *Shared // the program came from a link
	Locked    bool    // the visitor may not run it
	Result    *Result // of a run without JavaScript
	Problem   string  // why a run without JavaScript did not start; may be empty
	Data      any     // what the page's script knows, as JSON
}

// LanguageOption is a language in the list.
type LanguageOption struct {
	ID    string
	Label string // "Python 3.12"
	State string // "ready", "preparing", "failed"
	Stage string // what is going on, or what went wrong
}

// Program is what is in the editor.
type Program struct {
	Title string // of an example or of a shared program; may be empty
	Files []ProgramFile
	Stdin string
	Args  string // as one would type them after a command
}

// ProgramFile is a file of a Program.
type ProgramFile struct{ Name, Content string }

// Shared says of a program that it came from a short link.
type Shared struct {
	ID      string
	URL     string
	Age     string // "3 days ago"
	Created string // the exact time
	Expires string // "in 7 days"; empty for never
	Output  string // what it printed when it was shared; may be empty
}

// given says in a few words what a program is given, for the closed panel.
func (p Program) given() string {
	switch {
	case p.Stdin != "" && p.Args != "":
		return "standard input and arguments are set"
	case p.Stdin != "":
		return "standard input is set"
	case p.Args != "":
		return "arguments are set"
	default:
		return ""
	}
}

// heading returns the page's first heading.
func (p Playground) heading() string {
	if p.Program.Title != "" {
		return p.Program.Title
	}
	return "Playground"
}

// view returns the pane that a narrow window shows first.
func (p Playground) view() string {
	if p.Result != nil {
		return "output"
	}
	return "code"
}

// sentence says when the program was shared and for how long it is kept.
func (s Shared) sentence() string {
	if s.Expires == "" {
		return "Shared " + s.Age + "."
	}
	return "Shared " + s.Age + ", kept for " + s.Expires + "."
}
