package components

import (
	"strconv"
	"strings"
)

// Desktop is the page of a sandbox's desktop.
type Desktop struct {
	Page        SandboxPage
	ID          string
	State       string // of the sandbox, as on the wire
	WebAssembly bool   // the sandbox has no screen
	Create      string // where a sandbox with a desktop is made
	Lives       []DesktopLife
	People      DesktopPeopleList
}

// DesktopLife is how long a link may be good for.
type DesktopLife struct{ Minutes, Label string }

// DesktopPeopleList is who is at a desktop, and the links with which others may
// watch it.
type DesktopPeopleList struct {
	Members  int // connections of members
	Control  int // of them, who used keys or pointer just now
	Watching int // by links
	Links    []DesktopLink
}

// DesktopLink is a link with which others may watch.
type DesktopLink struct {
	ID       string
	URL      string
	Delete   string // where it is ended
	Until    string // "for 8 hours"
	Exact    string // when it ends, for a tooltip
	Watching int
	Text     bool // those who watch get what is copied
}

// SharedDesktop is the page of a link: the picture alone.
type SharedDesktop struct {
	Page  Page
	Until string // RFC 3339
	Text  bool   // what is copied on the desktop comes here, too
}

// RecordingsView is the page of recordings at an address of its own.
type RecordingsView struct {
	Nonce   string
	Toolbox string // where the page reaches the toolbox
}

// summary says in words who is there.
func (p DesktopPeopleList) summary() string {
	watching := counted(p.Watching, "nobody watches by a link", "one person watches by a link", "people watch by links")
	members := counted(p.Members, "no member has it open", "one page of a member has it open", "pages of members have it open")
	hands := counted(p.Control, "", "; somebody uses mouse and keyboard now", "people use mouse and keyboard now")
	if p.Control > 1 {
		hands = "; " + hands
	}
	return strings.ToUpper(watching[:1]) + watching[1:] + "; " + members + hands + "."
}

// facts says in words what a link is good for.
func (l DesktopLink) facts() string {
	text := "Good " + l.Until + "; " + counted(l.Watching, "nobody watches", "one person watches", "people watch")
	if l.Text {
		text += "; with what is copied"
	}
	return text + "."
}

func counted(n int, none, one, many string) string {
	switch n {
	case 0:
		return none
	case 1:
		return one
	}
	return strconv.Itoa(n) + " " + many
}
