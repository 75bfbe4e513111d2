package run_test

import (
	"bufio"
	"io"
	"strings"
	"testing"

	"sandpiper/web/apitype"
	"sandpiper/web/run/runtest"
)

// sseEvent is one Server-Sent Event.
type sseEvent struct{ name, id, data string }

// sseReader reads Server-Sent Events as a browser does.
type sseReader struct{ *bufio.Scanner }

func newSSEReader(r io.Reader) sseReader {
	s := bufio.NewScanner(r)
	s.Buffer(nil, 16<<20)
	return sseReader{s}
}

// next returns the next event, and false at the end of the stream.
func (r sseReader) next(t *testing.T) (e sseEvent, ok bool) {
	t.Helper()
	for r.Scan() {
		name, value, _ := strings.Cut(r.Text(), ": ")
		switch name {
		case "event":
			e.name = value
		case "id":
			e.id = value
		case "data":
			e.data = value
		case "":
			if e.name != "" || e.data != "" {
				return e, true
			}
		default:
			t.Fatalf("line %q is not of an event stream", r.Text())
		}
	}
	return e, false
}

// all returns the rest of the events.
func (r sseReader) all(t *testing.T) []sseEvent {
	t.Helper()
	var all []sseEvent
	for e, ok := r.next(t); ok; e, ok = r.next(t) {
		all = append(all, e)
	}
	return all
}

// until returns the first event with a name.
func (r sseReader) until(t *testing.T, name string) sseEvent {
	t.Helper()
	for e, ok := r.next(t); ok; e, ok = r.next(t) {
		if e.name == name {
			return e
		}
	}
	t.Fatalf("the stream ended without %s", name)
	return sseEvent{}
}

// text joins what the events of one stream say.
func text(t *testing.T, events []sseEvent, name string) string {
	t.Helper()
	var b strings.Builder
	for _, e := range events {
		if e.name == name {
			b.WriteString(runtest.Decode[apitype.Text](t, e.data).Text)
		}
	}
	return b.String()
}
