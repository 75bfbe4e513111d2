package components

// Page is what every page has.
type Page struct {
	Title       string // what the page shows, without the product's name; may be empty
	Description string // for search engines and link previews; may be empty
	Place       string // the path of the top bar's entry that is current
	Styles      []string
	Scripts     []string // ES modules
	Preloads    []string // modules that they import
	Account     Account
	Indexed     bool   // search engines may list it
	OEmbed      string // address of the oEmbed description; may be empty
	Fixed       bool   // the page fills the window and its panes scroll
	Unbuilt     bool   // the server was built without its front end
}

// Account says whose page it is.
type Account struct {
	SignedIn bool
	Open     bool // anyone may run programs here
}

// place is an entry of the top bar.
type place struct{ Path, Name string }

var places = []place{
	{"/", "Playground"},
	{"/notebook", "Notebooks"},
	{"/sandboxes", "Sandboxes"},
	{"/snapshots", "Snapshots"},
	{"/runs", "Runs"},
	{"/docs", "API"},
}

// placeName is what the menu of places is called where the bar has no room for
// them: the place that is current, if it is one of them.
func (p Page) placeName() string {
	for _, entry := range places {
		if entry.Path == p.Place {
			return entry.Name
		}
	}
	return "Menu"
}

// accountPlaces are the entries of the menu of somebody who signed in.
var accountPlaces = []place{
	{"/keys", "API keys"},
	{"/settings", "Limits and usage"},
	{"/examples", "Examples"},
}

// title returns the text of the title element.
func (p Page) title() string {
	if p.Title == "" {
		return "Sandpiper: run code in the browser"
	}
	return p.Title + " · Sandpiper"
}

// bodyClass returns the class of the body element.
func (p Page) bodyClass() string {
	if p.Fixed {
		return "fixed"
	}
	return ""
}
