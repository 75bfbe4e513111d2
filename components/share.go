package components

// SharePanel is what the author gets after sharing.
type SharePanel struct {
	ID      string
	URL     string
	RawURL  string
	Embed   string // an iframe element
	Script  string // the elements for a page of one's own
	Expires string // "in 7 days"; empty for never
	QR      QR
	Mine    bool   // this browser may delete it
	Delete  string // the command that deletes it, for an author whose browser keeps no secret; may be empty
}

// QR is a square of modules as the path of an SVG.
type QR struct {
	Size int
	Path string
}
