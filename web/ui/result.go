package ui

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"mime"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/a-h/templ"

	"sandpiper/components"
	"sandpiper/sandbox"
	"sandpiper/web/words"
)

// tableType is the MIME type of a table among rich outputs.
const tableType = "application/vnd.sandpiper.table+json"

const (
	maxPreview = 4000    // bytes of a text file that a page shows
	maxDataURL = 4 << 20 // bytes of a file that a page carries itself
)

// resultView returns a finished run as pages without scripts show it.
func resultView(r sandbox.Result) components.Result {
	state, summary := ending(r)
	view := components.Result{
		State:   state,
		Summary: summary,
		Figures: figures(r),
		Where:   words.Joined(engineName(r.Engine), r.Reason),
		Stdout:  r.Stdout,
		Stderr:  r.Stderr,
		Notes:   notes(r),
	}
	for _, d := range r.Outputs {
		if twin, ok := d.Data["text/plain"].(string); ok && printedToo(d) {
			view.Stdout = strings.Replace(view.Stdout, twin, "", 1)
		}
		view.Outputs = append(view.Outputs, outputView(d))
	}
	for _, d := range r.Diagnostics {
		view.Marks = append(view.Marks, markView(d))
	}
	for _, f := range r.Files {
		view.Files = append(view.Files, fileView(f))
	}
	return view
}

// printedToo reports whether the program printed a table as text as well.
func printedToo(d sandbox.Display) bool {
	printed, _ := d.Metadata["stdout"].(bool)
	_, isTable := d.Data[tableType]
	return printed && isTable
}

// ending returns how a run ended as a state's class and in words: the server's own for
// an early end, because they carry the limit.
func ending(r sandbox.Result) (state, summary string) {
	said := strings.TrimSuffix(words.Sentence(r.Message), ".")
	switch r.Status {
	case sandbox.StatusOK:
		return "ok", "Finished, exit 0"
	case sandbox.StatusError:
		if r.Signal != "" {
			return "error", fmt.Sprintf("Ended by %s, exit %d", r.Signal, r.ExitCode)
		}
		return "error", fmt.Sprintf("Failed, exit %d", r.ExitCode)
	case sandbox.StatusCancelled:
		return "stopped", cmp.Or(said, "Stopped")
	case sandbox.StatusInternal:
		return "error", cmp.Or(said, "The server failed")
	default:
		return "error", cmp.Or(said, "Stopped: "+strings.ReplaceAll(string(r.Status), "_", " "))
	}
}

func figures(r sandbox.Result) string {
	memory := ""
	if r.Usage.MemoryBytes > 0 {
		memory = words.Size(r.Usage.MemoryBytes)
	}
	return words.Joined(words.Duration(r.Usage.Wall), memory)
}

func engineName(e sandbox.EngineChoice) string {
	switch e {
	case sandbox.EngineWasm:
		return "WebAssembly"
	case sandbox.EngineContainer:
		return "Container"
	default:
		return string(e)
	}
}

func notes(r sandbox.Result) []string {
	var list []string
	if r.Truncated.Stdout {
		list = append(list, "The end of stdout is missing: the output limit was reached.")
	}
	if r.Truncated.Stderr {
		list = append(list, "The end of stderr is missing: the output limit was reached.")
	}
	return list
}

func markView(d sandbox.Diagnostic) components.Mark {
	place := fmt.Sprintf("%s:%d", d.File, d.Line)
	if d.Column > 0 {
		place += fmt.Sprintf(":%d", d.Column)
	}
	return components.Mark{Severity: string(d.Severity), Place: place, Message: d.Message}
}

// pictures are the MIME types that pages show as images, the best first.
var pictures = []string{"image/svg+xml", "image/png", "image/jpeg", "image/gif", "image/webp"}

// outputView shows the richest type of a bundle that needs no script.
func outputView(d sandbox.Display) components.Output {
	if t, ok := tableView(d.Data[tableType]); ok {
		return components.Output{Table: &t}
	}
	text, _ := d.Data["text/plain"].(string)
	for _, media := range pictures {
		if s, ok := d.Data[media].(string); ok {
			return components.Output{Image: imageURL(media, s), Alt: alt(d, text)}
		}
	}
	if v, ok := d.Data["application/json"]; ok {
		if b, err := json.MarshalIndent(v, "", "  "); err == nil {
			text = string(b)
		}
	}
	for _, media := range []string{"text/markdown", "text/html"} {
		if s, ok := d.Data[media].(string); ok && text == "" {
			text = s
		}
	}
	return components.Output{Text: text}
}

// imageURL returns an image as a data URL: binary types are base64 already.
func imageURL(media, s string) templ.SafeURL {
	if media == "image/svg+xml" {
		s = base64.StdEncoding.EncodeToString([]byte(s))
	}
	return templ.SafeURL("data:" + media + ";base64," + s)
}

func alt(d sandbox.Display, text string) string {
	for _, key := range []string{"alt", "title"} {
		if s, ok := d.Metadata[key].(string); ok && s != "" {
			return s
		}
	}
	if text != "" {
		return text
	}
	return "Picture made by the program"
}

// tableView reads a table; false when v is not one.
func tableView(v any) (components.Table, bool) {
	table, _ := v.(map[string]any)
	columns, ok := table["columns"].([]any)
	rows, okRows := table["rows"].([]any)
	if !ok || !okRows {
		return components.Table{}, false
	}
	var t components.Table
	for i, c := range columns {
		t.Columns = append(t.Columns, components.Column{Name: columnName(c), Numeric: isNumeric(rows, i)})
	}
	for _, row := range rows {
		values, _ := row.([]any)
		cells := make([]components.Cell, len(columns))
		for i := range cells {
			cells[i] = cellView(at(values, i))
		}
		t.Rows = append(t.Rows, cells)
	}
	return t, true
}

func columnName(c any) string {
	if m, ok := c.(map[string]any); ok {
		c = m["name"]
	}
	s, _ := c.(string)
	return s
}

func at(values []any, i int) any {
	if i < len(values) {
		return values[i]
	}
	return nil
}

func isNumeric(rows []any, i int) bool {
	found := false
	for _, row := range rows {
		values, _ := row.([]any)
		switch at(values, i).(type) {
		case nil:
		case float64, int, int64, json.Number:
			found = true
		default:
			return false
		}
	}
	return found
}

func cellView(v any) components.Cell {
	switch v := v.(type) {
	case nil:
		return components.Cell{Null: true}
	case string:
		return components.Cell{Text: v}
	}
	b, err := json.Marshal(v)
	if err != nil {
		return components.Cell{Text: fmt.Sprint(v)}
	}
	return components.Cell{Text: string(b)}
}

func fileView(f sandbox.File) components.LeftFile {
	view := components.LeftFile{Name: f.Name, Size: words.Size(int64(len(f.Content)))}
	if len(f.Content) <= maxDataURL {
		view.Data = templ.SafeURL("data:application/octet-stream;base64," + base64.StdEncoding.EncodeToString(f.Content))
	}
	media, _, _ := strings.Cut(mime.TypeByExtension(path.Ext(f.Name)), ";")
	switch {
	case view.Data != "" && isPicture(media):
		view.Image = templ.SafeURL("data:" + media + ";base64," + base64.StdEncoding.EncodeToString(f.Content))
	case utf8.Valid(f.Content):
		view.Preview = preview(string(f.Content))
	}
	return view
}

func isPicture(media string) bool {
	for _, p := range pictures {
		if p == media {
			return true
		}
	}
	return false
}

// preview returns the beginning of a text.
func preview(s string) string {
	if len(s) <= maxPreview {
		return s
	}
	cut := maxPreview
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "\n…"
}
