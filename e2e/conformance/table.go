package main

import (
	"fmt"
	"io"
	"strings"
)

// state is how well an operation is served.
type state string

const (
	implemented state = "implemented"
	partial     state = "partial"
	absent      state = "absent"
)

// outcome is how an operation's calls on one snapshot went.
type outcome struct {
	good, missing, bad int
	note               string // of the first call that did not go well
	fatal              string // what must not be, whatever is implemented
}

func (o outcome) state() state {
	switch {
	case o.missing == 0 && o.bad == 0 && o.good > 0:
		return implemented
	case o.good == 0 && o.bad == 0:
		return absent
	}
	return partial
}

// table collects the outcomes of all snapshots.
type table struct {
	ops      []operation
	outcomes []map[string]outcome
	names    []string
}

func newTable(ops []operation) *table { return &table{ops: ops} }

func (t *table) add(snapshot string, outcomes map[string]outcome) {
	t.names = append(t.names, snapshot)
	t.outcomes = append(t.outcomes, outcomes)
}

// of returns the state of an operation over all snapshots, and why it is not
// implemented.
func (t *table) of(op operation) (s state, note string) {
	for i, outcomes := range t.outcomes {
		o := outcomes[op.key()]
		switch now := o.state(); {
		case i == 0:
			s = now
		case now != s:
			s = partial
		}
		if o.note != "" && !strings.Contains(note, o.note) {
			note = strings.TrimPrefix(note+"; "+t.names[i]+": "+o.note, "; ")
		}
	}
	return s, note
}

func (o operation) key() string { return o.api + " " + o.id }

// area groups operations in the summary.
func (o operation) area() string {
	first, _, _ := strings.Cut(strings.TrimPrefix(o.path, "/"), "/")
	return o.api + " /" + first
}

// print writes one line for each operation, and a summary in Markdown.
func (t *table) print(out io.Writer) {
	type count struct{ implemented, partial, absent int }
	areas, order := map[string]*count{}, []string{}
	total := count{}
	for _, op := range t.ops {
		s, note := t.of(op)
		fmt.Fprintf(out, "%-12s %-7s %-6s %-70s %s\n", s, op.api, op.method, op.path, note)
		c := areas[op.area()]
		if c == nil {
			c = &count{}
			areas[op.area()] = c
			order = append(order, op.area())
		}
		for _, c := range []*count{c, &total} {
			switch s {
			case implemented:
				c.implemented++
			case partial:
				c.partial++
			default:
				c.absent++
			}
		}
	}
	fmt.Fprintf(out, "\nOn %s:\n\n| Operations | implemented | partial | absent |\n|---|---|---|---|\n", strings.Join(t.names, ", "))
	for _, name := range order {
		c := areas[name]
		fmt.Fprintf(out, "| %s | %d | %d | %d |\n", name, c.implemented, c.partial, c.absent)
	}
	fmt.Fprintf(out, "| all %d | %d | %d | %d |\n", len(t.ops), total.implemented, total.partial, total.absent)
}

// err returns what must not be.
func (t *table) err() error {
	var all []string
	for i, outcomes := range t.outcomes {
		for _, op := range t.ops {
			if o := outcomes[op.key()]; o.fatal != "" {
				all = append(all, fmt.Sprintf("%s %s on %s: %s", op.method, op.path, t.names[i], o.fatal))
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	return fmt.Errorf("%d operations are not as they must be:\n%s", len(all), strings.Join(all, "\n"))
}
