package components

import "github.com/a-h/templ"

// Form is a form with method post, as a page of its own or in a dialog.
type Form struct {
	Title  string
	Lead   []string // what will happen, one paragraph each
	Action string   // where it is sent to
	Groups []FieldGroup
	Submit string // the word on its button
	Danger bool   // it destroys something
	Cancel string // where to go instead; may be empty
	Error  string // what was wrong with the last try, where no field says it; may be empty
}

// FieldGroup is a part of a form.
type FieldGroup struct {
	Legend string // may be empty
	Hint   string
	Folded bool // it opens on demand
	Fields []Field
}

// Field is one entry of a form.
type Field struct {
	Kind     string // text, number, area, check, select
	Name     string
	Label    string
	Value    string
	Hint     string
	Error    string // what is wrong with the value; may be empty
	Unit     string // behind the field: "minutes"
	Min, Max string
	Options  []Option // of a select
	Checked  bool
	Required bool
}

// Option is one of those of a select.
type Option struct {
	Value, Label string
	Selected     bool
}

// Code is a piece of code to copy.
type Code struct{ ID, Title, Text string }

// described returns the ids of what describes the field.
func (f Field) described() string {
	switch {
	case f.Error != "" && f.Hint != "":
		return "f-" + f.Name + "-error f-" + f.Name + "-hint"
	case f.Error != "":
		return "f-" + f.Name + "-error"
	case f.Hint != "":
		return "f-" + f.Name + "-hint"
	}
	return ""
}

// open reports whether a group shows its fields from the start.
func (g FieldGroup) open() bool {
	for _, f := range g.Fields {
		if f.Error != "" {
			return true
		}
	}
	return !g.Folded
}

// fieldAttributes are those that controls of all kinds have where they are set.
func fieldAttributes(f Field) templ.Attributes {
	out := templ.Attributes{}
	if f.Required {
		out["required"] = true
	}
	if f.Error != "" {
		out["aria-invalid"] = "true"
	}
	if d := f.described(); d != "" {
		out["aria-describedby"] = d
	}
	if f.Kind == "number" && f.Min != "" {
		out["min"] = f.Min
	}
	if f.Kind == "number" && f.Max != "" {
		out["max"] = f.Max
	}
	return out
}
