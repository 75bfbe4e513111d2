package components

import "github.com/a-h/templ"

// Result is a finished run, ready to be read.
type Result struct {
	State    string // the class of the state's colour and shape: "ok", "error", "stopped"
	Summary  string // "Finished, exit 0"
	Figures  string // "42 ms · 9.4 MB"
	Where    string // "WebAssembly · standard library only"
	Stdout   string
	Stderr   string
	Notes    []string // about output that was cut
	Outputs  []Output
	Marks    []Mark
	Files    []LeftFile
	LinkCode bool // the program is on the same page: marks link to it
}

// Output is one rich output; exactly one field is set.
type Output struct {
	Image templ.SafeURL // a data URL
	Alt   string        // beside Image
	Table *Table
	Text  string
}

// Table is a table with typed columns.
type Table struct {
	Columns []Column
	Rows    [][]Cell
}

// Column heads a column of a Table.
type Column struct {
	Name    string
	Numeric bool
}

// Cell is one value of a Table.
type Cell struct {
	Text string
	Null bool
}

// Mark is a diagnostic that points at a line.
type Mark struct {
	Severity string // "error", "warning", "info"
	Place    string // "main.py:3:5"
	Message  string
}

// LeftFile is a file that a program left behind.
type LeftFile struct {
	Name    string
	Size    string // "1.2 kB"
	Preview string // the beginning of a text file; may be empty
	Image   templ.SafeURL
	Data    templ.SafeURL // a data URL to save it with; empty when it is too large for one
}

// class returns the classes of a column's cells.
func (c Column) class() string {
	if c.Numeric {
		return "num"
	}
	return ""
}

// class returns the classes of the cells in column i.
func (t Table) class(i int) string {
	if i < len(t.Columns) {
		return t.Columns[i].class()
	}
	return ""
}
