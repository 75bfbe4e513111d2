package jail

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"strings"
	"sync"

	"sandpiper/sandbox"
)

// DisplayLimits bounds what one run may display. Zero fields take the defaults.
type DisplayLimits struct {
	Bytes int64 // of all lines together, those that are refused included; default 8 MiB
	Count int   // of lines that add something to see; default 256
	Acts  int   // of the others; default 10,000
}

const (
	defaultDisplayBytes = 8 << 20
	defaultDisplayCount = 256
	defaultDisplayActs  = 10_000

	// maxDisplayMeta bounds the MIME types of one bundle, which come back in
	// every event and page.
	maxMIMETypes = 16
	maxMIMEName  = 127
	maxDisplayID = 200 // bytes
)

// Displays receives the rich output of one run, as lines of JSON such as
//
//	{"data":{"image/svg+xml":"<svg …"},"metadata":{}}
//	{"data":{"text/plain":"50 %"},"display_id":"bar","act":"update"}
//	{"act":"clear"}
//
// and hands each to a callback. It is safe for concurrent use if the callbacks
// are.
type Displays struct {
	limits DisplayLimits
	show   func(sandbox.Display)
	refuse func(error)

	mu    sync.Mutex
	bytes int64
	count int
	acts  int
	full  bool // a limit was hit and the program was told
}

// NewDisplays returns a receiver that calls show for each bundle and refuse for
// each line that is none, with an error that is one sentence for people.
func NewDisplays(limits DisplayLimits, show func(sandbox.Display), refuse func(error)) *Displays {
	if limits.Bytes <= 0 {
		limits.Bytes = defaultDisplayBytes
	}
	if limits.Count <= 0 {
		limits.Count = defaultDisplayCount
	}
	if limits.Acts <= 0 {
		limits.Acts = defaultDisplayActs
	}
	return &Displays{limits: limits, show: show, refuse: refuse}
}

// Reset begins to count anew, for the next part of a run that has several.
func (d *Displays) Reset() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.bytes, d.count, d.acts, d.full = 0, 0, 0, false
}

// Line takes one line without its newline; an empty one is ignored. It reports
// whether the run may display more.
func (d *Displays) Line(line []byte) bool { return d.charge(len(line)) && d.line(line) }

// charge counts n bytes as they arrive, so that what waits for its newline is
// bounded by the same limit. It reports whether they fit.
func (d *Displays) charge(n int) bool {
	d.mu.Lock()
	d.bytes += int64(n)
	over := d.bytes > d.limits.Bytes
	d.mu.Unlock()
	if over {
		d.refuseOnce(fmt.Errorf("a run may display %s at most; this output was left out", byteCount(d.limits.Bytes)))
	}
	return !over
}

func (d *Displays) line(line []byte) bool {
	if len(bytes.TrimSpace(line)) == 0 {
		return true
	}
	b, err := ParseDisplay(line)
	if !d.countOne(b.Act) {
		return false
	}
	if err != nil {
		d.refuse(fmt.Errorf("display: %w", err))
		return true
	}
	d.show(b)
	return true
}

// countOne counts a line, and reports whether the run may have it.
func (d *Displays) countOne(act sandbox.DisplayAct) bool {
	d.mu.Lock()
	n, most := &d.count, d.limits.Count
	if act != sandbox.DisplayAdd {
		n, most = &d.acts, d.limits.Acts
	}
	*n++
	over := *n > most
	d.mu.Unlock()
	if over {
		d.refuseOnce(fmt.Errorf("a run may display %d outputs at most; this one was left out", most))
	}
	return !over
}

func (d *Displays) refuseOnce(err error) {
	d.mu.Lock()
	first := !d.full
	d.full = true
	d.mu.Unlock()
	if first {
		d.refuse(err)
	}
}

// ParseDisplay reads one bundle. MIME types come back in lower case; numbers
// inside JSON types are json.Number, so that large integers keep their digits;
// text/plain is added where it is missing, and so is metadata.
func ParseDisplay(line []byte) (sandbox.Display, error) {
	var in sandbox.Display
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.UseNumber()
	if err := dec.Decode(&in); err != nil {
		return sandbox.Display{}, errors.New(`a line must be a JSON object such as {"data":{"text/plain":"hello"}}`)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return sandbox.Display{}, errors.New("a line must hold one JSON object and nothing after it")
	}
	switch {
	case in.Act == sandbox.DisplayClear || in.Act == sandbox.DisplayClearNext:
		return sandbox.Display{Act: in.Act}, nil
	case in.Act != sandbox.DisplayAdd && in.Act != sandbox.DisplayUpdate:
		return sandbox.Display{}, fmt.Errorf(`"act" may be "update", "clear" or "clear_next", not %.40q`, in.Act)
	case in.Act == sandbox.DisplayUpdate && in.ID == "":
		return sandbox.Display{}, errors.New("an update needs the display_id of what it takes the place of")
	case len(in.ID) > maxDisplayID:
		return sandbox.Display{}, fmt.Errorf("a display_id has at most %d bytes", maxDisplayID)
	}
	if len(in.Data) == 0 || len(in.Data) > maxMIMETypes {
		return sandbox.Display{}, fmt.Errorf(`"data" must have 1 to %d MIME types`, maxMIMETypes)
	}
	out := sandbox.Display{Data: make(map[string]any, len(in.Data)+1), Metadata: in.Metadata, ID: in.ID, Act: in.Act}
	for name, value := range in.Data {
		typ, clean, err := parseRepresentation(name, value)
		if err != nil {
			return sandbox.Display{}, err
		}
		out.Data[typ] = clean
	}
	return complete(out), nil
}

// parseRepresentation checks one MIME type and its value.
func parseRepresentation(name string, value any) (typ string, clean any, err error) {
	typ, _, err = mime.ParseMediaType(name)
	if err != nil || len(name) > maxMIMEName || strings.Count(typ, "/") != 1 {
		return "", nil, fmt.Errorf("%.40q is not a MIME type", name)
	}
	if isJSONType(typ) {
		return typ, value, nil
	}
	text, ok := joinText(value)
	if !ok {
		return "", nil, fmt.Errorf("the value of %q must be a string", typ)
	}
	if isBinaryType(typ) {
		text = strings.Map(dropSpace, text)
		if _, err := base64.StdEncoding.DecodeString(text); err != nil {
			return "", nil, fmt.Errorf("the value of %q must be base64", typ)
		}
	}
	return typ, text, nil
}

// joinText accepts a string and, as notebooks write it, a list of lines.
func joinText(value any) (string, bool) {
	if s, ok := value.(string); ok {
		return s, true
	}
	lines, ok := value.([]any)
	if !ok {
		return "", false
	}
	var b strings.Builder
	for _, l := range lines {
		s, ok := l.(string)
		if !ok {
			return "", false
		}
		b.WriteString(s)
	}
	return b.String(), true
}

func isJSONType(typ string) bool {
	return strings.HasSuffix(typ, "/json") || strings.HasSuffix(typ, "+json")
}

// isBinaryType reports whether a type's values are base64: media, but for those
// that are XML text, and the catch-all type.
func isBinaryType(typ string) bool {
	major, _, _ := strings.Cut(typ, "/")
	switch major {
	case "image", "audio", "video", "font":
		return !strings.HasSuffix(typ, "+xml")
	}
	return typ == "application/octet-stream" || typ == "application/pdf" || typ == "application/zip"
}

func dropSpace(r rune) rune {
	if r == '\n' || r == '\r' || r == ' ' {
		return -1
	}
	return r
}

// complete adds what every bundle has.
func complete(d sandbox.Display) sandbox.Display {
	if d.Metadata == nil {
		d.Metadata = map[string]any{}
	}
	if _, ok := d.Data["text/plain"]; !ok {
		d.Data["text/plain"] = "[" + firstType(d.Data) + "]"
	}
	return d
}

// firstType picks the name for the placeholder text: the smallest, so that it
// does not depend on the order of a map.
func firstType(data map[string]any) string {
	first := ""
	for typ := range data {
		if first == "" || typ < first {
			first = typ
		}
	}
	return first
}
