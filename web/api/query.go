package api

import (
	"encoding/json"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"sandpiper/sandbox"
)

// query reads the parameters of a query and keeps the first error, which names
// its parameter.
type query struct {
	values url.Values
	err    error
}

func (q *query) fail(name, format string, args ...any) {
	if q.err == nil {
		q.err = sandbox.FieldErrorf(name, format, args...)
	}
}

func (q *query) text(name string) string { return q.values.Get(name) }

// list reads a list as any client writes one: repeated, with [] after the name,
// or separated by commas.
func (q *query) list(name string) []string {
	var all []string
	for _, value := range slices.Concat(q.values[name], q.values[name+"[]"]) {
		for part := range strings.SplitSeq(value, ",") {
			if part = strings.TrimSpace(part); part != "" {
				all = append(all, part)
			}
		}
	}
	return all
}

// number reads a whole number from 0 on; 0 when it is not there.
func (q *query) number(name string) int {
	text := q.values.Get(name)
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > math.MaxInt32 {
		q.fail(name, "%s must be a whole number, not %.40q", name, text)
	}
	return n
}

// positive is number for what is counted from 1 on.
func (q *query) positive(name string) int {
	n := q.number(name)
	if n == 0 && q.values.Get(name) != "" {
		q.fail(name, "%s must be at least 1", name)
	}
	return n
}

// flag reads true or false; nil when it is not there.
func (q *query) flag(name string) *bool {
	text := q.values.Get(name)
	if text == "" {
		return nil
	}
	b, err := strconv.ParseBool(text)
	if err != nil {
		q.fail(name, "%s must be true or false, not %.40q", name, text)
	}
	return &b
}

func (q *query) on(name string) bool {
	b := q.flag(name)
	return b != nil && *b
}

// layouts are the forms of a time that clients send. Fractions of a second may
// be in all of them. The clients of the Python generator write %z, an offset
// without a colon, and nothing for a time that knows no zone: UTC then.
var layouts = []string{time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", time.DateOnly}

// time reads a point in time.
func (q *query) time(name string) time.Time {
	text := q.values.Get(name)
	if text == "" {
		return time.Time{}
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t
		}
	}
	q.fail(name, "%s must be a time like 2024-01-31T12:00:00Z, not %.40q", name, text)
	return time.Time{}
}

// labels reads an object of strings.
func (q *query) labels(name string) map[string]string {
	text := q.values.Get(name)
	if text == "" {
		return nil
	}
	var labels map[string]string
	if err := json.Unmarshal([]byte(text), &labels); err != nil {
		q.fail(name, `%s must be an object of texts like {"name":"value"}`, name)
	}
	return labels
}

// ascending reads the direction of an order.
func (q *query) ascending(name string) bool {
	switch q.values.Get(name) {
	case "", "desc":
		return false
	case "asc":
		return true
	}
	q.fail(name, "%s must be asc or desc, not %.40q", name, q.values.Get(name))
	return false
}
