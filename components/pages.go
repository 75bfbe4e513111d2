package components

// ExampleGroup is a language's examples in the gallery.
type ExampleGroup struct {
	Label    string // "Python 3.12"
	Summary  string // what the language can and cannot do here
	Examples []ExampleLink
}

// ExampleLink opens an example in the playground.
type ExampleLink struct {
	Title string
	URL   string
}

// Trouble is an error page.
type Trouble struct {
	Page    Page
	Heading string // what happened
	Message string // why, and what to do
	Code    string // the request id; empty when it is not needed
	List    string // of the place where it happened; may be empty
	SignIn  string // where signing in would help: the page to come back to; may be empty
}

// SignIn is the page with the sign-in form.
type SignIn struct {
	Page    Page
	Next    string // the path to go to afterwards
	Problem string // why the last try did not work; may be empty
	Closed  bool   // programs run only for those who signed in

	LinkCommand string // makes a sign-in link
}

// RunRow is a run in the list of runs.
type RunRow struct {
	ID       string
	State    string // see Result.State
	Summary  string
	Language string
	Figures  string
	Age      string // "2 min ago"
	Time     string // the exact time
}

// RunList is a page of the list of runs.
type RunList struct {
	Filters  []Field
	Filtered bool // some are left out, or newer ones
	Rows     []RunRow
	Newest   string // where the list begins; "" on that page
	Older    string // where it goes on; "" at the end
	Events   string // the stream that keeps it up to date
}

// RunPage is one finished run.
type RunPage struct {
	Page   Page
	Row    RunRow
	Result Result
}

// Docs is the page on the API.
type Docs struct {
	Page       Page
	Origin     string // "https://run.example.org"
	Open       bool
	Languages  []DocsLanguage
	Examples   []DocsExample
	Embeds     []DocsEmbed
	Operations []DocsOperation // of sandboxes; none on a server without them
	Sessions   DocsSessions
}

// DocsOperation is an operation of the control API. Permission is what a key
// needs for it, or "".
type DocsOperation struct{ Method, Path, Summary, Permission string }

// DocsSessions is what there is to know of sessions. Languages are their names; there
// are none on a server without sessions.
type DocsSessions struct {
	Languages  string
	Examples   []DocsExample
	Operations []DocsOperation
}

// DocsLanguage is a row of the table of languages.
type DocsLanguage struct{ ID, Name, Version, Aliases, Summary string }

// DocsEmbed is a way to put a program on a page of one's own.
type DocsEmbed struct {
	Title, Text, Code string
	Options           []DocsOption
}

// DocsOption is a parameter or an attribute.
type DocsOption struct{ Name, Text string }

// DocsExample is a request that works as it stands.
type DocsExample struct{ Title, Text, Code string }
