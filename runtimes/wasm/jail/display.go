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
	Count int   // of lines; default 256
}

const (
	defaultDisplayBytes = 8 << 20
	defaultDisplayCount = 256

	// maxDisplayMeta bounds the MIME types of one bundle, which come back in
	// every event and page.
	maxMIMETypes = 16
	maxMIMEName  = 127
)

// Displays receives the rich output of one run, as lines of JSON such as
//
//	{"data":{"image/svg+xml":"<svg …"},"metadata":{}}
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
	return &Displays{limits: limits, show: show, refuse: refuse}
}

// Reset begins to count anew, for the next part of a run that has several.
func (d *Displays) Reset() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.bytes, d.count, d.full = 0, 0, false
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
	d.mu.Lock()
	d.count++
	over := d.count > d.limits.Count
	d.mu.Unlock()
	if over {
		d.refuseOnce(fmt.Errorf("a run may display %d outputs at most; this one was left out", d.limits.Count))
		return false
	}
	b, err := ParseDisplay(line)
	if err != nil {
		d.refuse(fmt.Errorf("display: %w", err))
		return true
	}
	d.show(b)
	return true
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
	var in struct {
		Data     map[string]any `json:"data"`
		Metadata map[string]any `json:"metadata"`
	}
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.UseNumber()
	if err := dec.Decode(&in); err != nil {
		return sandbox.Display{}, errors.New(`a line must be a JSON object such as {"data":{"text/plain":"hello"}}`)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return sandbox.Display{}, errors.New("a line must hold one JSON object and nothing after it")
	}
	if len(in.Data) == 0 || len(in.Data) > maxMIMETypes {
		return sandbox.Display{}, fmt.Errorf(`"data" must have 1 to %d MIME types`, maxMIMETypes)
	}
	out := sandbox.Display{Data: make(map[string]any, len(in.Data)+1), Metadata: in.Metadata}
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
