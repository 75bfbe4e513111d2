package process

import (
	"net/url"
	"strconv"
	"strings"
	"testing"
)

func TestResume(t *testing.T) {
	const epoch = "e1"
	for name, c := range map[string]struct {
		query string
		want  resumption
		bad   bool
	}{
		"a new page":             {"client=a", resumption{client: "a", from: 100, fresh: true}, false},
		"where it was":           {"client=a&epoch=e1&offset=150", resumption{client: "a", from: 150}, false},
		"at the end":             {"epoch=e1&offset=200", resumption{from: 200}, false},
		"some are gone":          {"epoch=e1&offset=40", resumption{from: 100, lost: 60}, false},
		"of another terminal":    {"epoch=e0&offset=150", resumption{from: 100, fresh: true}, false},
		"without an epoch":       {"offset=150", resumption{from: 100, fresh: true}, false},
		"beyond the end":         {"epoch=e1&offset=201", resumption{from: 100, fresh: true}, false},
		"below 0":                {"epoch=e1&offset=-1", resumption{}, true},
		"no number":              {"epoch=e1&offset=x", resumption{}, true},
		"too large for a number": {"epoch=e1&offset=99999999999999999999", resumption{}, true},
		"a long name":            {"client=" + strings.Repeat("x", 65), resumption{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			q, err := url.ParseQuery(c.query)
			if err != nil {
				t.Fatal(err)
			}
			got, err := resume(q, epoch, 100, 200)
			if c.bad != (err != nil) || err == nil && got != c.want {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func FuzzResumeQuery(f *testing.F) {
	f.Add("a", "e1", "150", int64(100), int64(200))
	f.Add("", "", "", int64(0), int64(0))
	f.Add("a", "e1", "-9223372036854775808", int64(1), int64(9223372036854775807))
	f.Fuzz(func(t *testing.T, client, epoch, offset string, start, end int64) {
		if start < 0 || end < start {
			return
		}
		r, err := resume(url.Values{"client": {client}, "epoch": {epoch}, "offset": {offset}}, "e1", start, end)
		if err != nil {
			return
		}
		if r.from < start || r.from > end || r.lost < 0 || r.fresh && (r.lost > 0 || r.from != start) {
			t.Errorf("got %+v", r)
		}
		if n, err := strconv.ParseInt(offset, 10, 64); err == nil && !r.fresh && n+r.lost != r.from {
			t.Errorf("from %d, %+v", n, r)
		}
	})
}

func FuzzMessage(f *testing.F) {
	f.Add([]byte(`{"type":"ack","offset":5}`), int64(0), int64(10))
	f.Add([]byte(`{"type":"resize","cols":80,"rows":24}`), int64(0), int64(0))
	f.Add([]byte(`{"type":"ping"}`), int64(0), int64(0))
	f.Fuzz(func(t *testing.T, data []byte, acked, sent int64) {
		m, err := parseMessage(data, acked, sent)
		if err != nil {
			return
		}
		switch {
		case m.Type == "ack" && (m.Offset < acked || m.Offset > sent):
			t.Errorf("an ack of %d", m.Offset)
		case m.Type == "resize" && (m.Cols < 1 || m.Rows < 1 || m.Cols > maxSize || m.Rows > maxSize):
			t.Errorf("a size of %d, %d", m.Cols, m.Rows)
		}
	})
}
