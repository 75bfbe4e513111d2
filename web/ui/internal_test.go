package ui

import (
	"math"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"sandpiper/components"
	"sandpiper/sandbox"
)

func TestSplitArgs(t *testing.T) {
	tests := []struct {
		name, line string
		want       []string
	}{
		{"nothing", "  ", nil},
		{"words", " a  b\tc ", []string{"a", "b", "c"}},
		{"double quotes", `"a b" c`, []string{"a b", "c"}},
		{"single quotes", `'a\ "b' c`, []string{`a\ "b`, "c"}},
		{"empty", `"" ''`, []string{"", ""}},
		{"inside a word", `--name="two words"`, []string{"--name=two words"}},
		{"escapes", `a\ b \"c\"`, []string{"a b", `"c"`}},
		{"open quote", `"a b`, []string{"a b"}},
		{"last backslash", `a\`, []string{`a\`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := splitArgs(tt.line); !slices.Equal(got, tt.want) {
				t.Errorf("splitArgs(%q) = %q, want %q", tt.line, got, tt.want)
			}
		})
	}
}

func FuzzArgsComeBack(f *testing.F) {
	f.Add("a", "two words", `"quo'ted\`)
	f.Add("", "\t\n", "\\")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		if !utf8.ValidString(a) || !utf8.ValidString(b) || !utf8.ValidString(c) {
			return // arguments are text
		}
		args := []string{a, b, c}
		if got := splitArgs(joinArgs(args)); !slices.Equal(got, args) {
			t.Errorf("%q became %q by %s", args, got, joinArgs(args))
		}
	})
}

func FuzzShareRequest(f *testing.F) {
	f.Add(`{"language":"python","files":[{"name":"main.py","content":"print(1)"}],"expires":"7d"}`, true)
	f.Add(`language=python&name=main.py&content=print(1)%0D%0A&args=%22a+b%22&output=1`, false)
	f.Add(`language=python&name=a&name=b&content=%FF&title=%C3`, false)
	f.Add(`{"files":[{}],"args":[null]}`, true)
	f.Fuzz(func(t *testing.T, body string, asJSON bool) {
		r := httptest.NewRequest("POST", "/share", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if asJSON {
			r.Header.Set("Content-Type", "application/json; charset=utf-8")
		}
		req, err := readShare(httptest.NewRecorder(), r)
		if err != nil {
			if sandbox.KindOf(err) == sandbox.KindInternal {
				t.Fatalf("the sender is not told what is wrong: %v", err)
			}
			return
		}
		d := draft{Language: req.Language, Title: req.Title, Stdin: req.Stdin, Args: req.Args}
		for _, file := range req.Files {
			d.Files = append(d.Files, sandbox.File{Name: file.Name, Content: []byte(file.Content)})
		}
		s, err := newSnippet(d, req.Output, []byte("salt"))
		if err != nil {
			if sandbox.KindOf(err) == sandbox.KindInternal {
				t.Fatalf("the sender is not told what is wrong: %v", err)
			}
			return
		}
		if !snippetID().MatchString(s.ID) || len(s.Output) > maxSharedOutput {
			t.Errorf("kept as %q with %d bytes of output", s.ID, len(s.Output))
		}
	})
}

func FuzzSharedID(f *testing.F) {
	h := &Handler{public: "https://run.example.org"}
	f.Add("https://run.example.org/s/AAAAAAAAAAA")
	f.Add("https://run.example.org/embed/AAAAAAAAAAA/?theme=dark#x")
	f.Add("https://run.example.org@evil.test/s/AAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, link string) {
		id, ok := h.sharedID(link)
		if !ok {
			return
		}
		u, err := url.Parse(link)
		if err != nil || u.Host != "run.example.org" || !snippetID().MatchString(id) {
			t.Errorf("%q is not ours, but gave %q", link, id)
		}
	})
}

func FuzzParseExpiry(f *testing.F) {
	for _, s := range []string{"", "never", "7d", "12h", "0d", "-1d", "366d", "9999999999d", "d", "7"} {
		f.Add(s)
	}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, s string) {
		at, err := parseExpiry(s, now)
		if err == nil && !at.IsZero() && (!at.After(now) || at.After(now.Add(longestExpiry))) {
			t.Errorf("%q gave %v", s, at)
		}
	})
}

func TestIDsAvoidBadEndings(t *testing.T) {
	sum := make([]byte, 32)
	for i := range sum {
		sum[i] = 0xff // "_" over and over
	}
	if id := idOf(sum); !snippetID().MatchString(id) {
		t.Errorf("got %q", id)
	}
	sum[31] = 0
	if id := idOf(sum); !snippetID().MatchString(id) {
		t.Errorf("got %q", id)
	}
}

func TestEnding(t *testing.T) {
	tests := []struct {
		outcome        sandbox.Outcome
		state, summary string
	}{
		{sandbox.Outcome{Status: sandbox.StatusOK}, "ok", "Finished, exit 0"},
		{sandbox.Outcome{Status: sandbox.StatusError, ExitCode: 3, Message: "Ended with exit code 3."}, "error", "Failed, exit 3"},
		{sandbox.Outcome{Status: sandbox.StatusError, ExitCode: 134, Signal: "SIGABRT"}, "error", "Ended by SIGABRT, exit 134"},
		{sandbox.Outcome{Status: sandbox.StatusTimeout, Message: "stopped after 10 s: the wall time limit."}, "error", "Stopped after 10 s: the wall time limit"},
		{sandbox.Outcome{Status: sandbox.StatusMemoryLimit}, "error", "Stopped: memory limit"},
		{sandbox.Outcome{Status: sandbox.StatusCancelled}, "stopped", "Stopped"},
		{sandbox.Outcome{Status: sandbox.StatusInternal}, "error", "The server failed"},
	}
	for _, tt := range tests {
		t.Run(string(tt.outcome.Status), func(t *testing.T) {
			state, summary := ending(sandbox.Result{Outcome: tt.outcome})
			if state != tt.state || summary != tt.summary {
				t.Errorf("got %s %q, want %s %q", state, summary, tt.state, tt.summary)
			}
		})
	}
}

func TestTablesWithoutScripts(t *testing.T) {
	table := map[string]any{
		"columns": []any{map[string]any{"name": "bird", "type": "text"}, "count"},
		"rows":    []any{[]any{"dunlin", 40.0}, []any{nil}, []any{"curlew", 1e21, "too much"}},
	}
	r := sandbox.Result{
		Stdout: "before\nbird  count\n",
		Outputs: []sandbox.Display{{
			Data:     map[string]any{tableType: table, "text/plain": "bird  count\n"},
			Metadata: map[string]any{"stdout": true},
		}},
	}
	view := resultView(r)
	if view.Stdout != "before\n" {
		t.Errorf("the table is there twice: %q", view.Stdout)
	}
	got := view.Outputs[0].Table
	if got == nil || len(got.Rows) != 3 {
		t.Fatalf("got %+v", view.Outputs[0])
	}
	wantColumns := []components.Column{{Name: "bird"}, {Name: "count", Numeric: true}}
	if !slices.Equal(got.Columns, wantColumns) {
		t.Errorf("columns %+v", got.Columns)
	}
	want := [][]components.Cell{{{Text: "dunlin"}, {Text: "40"}}, {{Null: true}, {Null: true}}, {{Text: "curlew"}, {Text: "1e+21"}}}
	for i, row := range got.Rows {
		if !slices.Equal(row, want[i]) {
			t.Errorf("row %d is %+v, want %+v", i, row, want[i])
		}
	}
}

func TestRicherOutputsWin(t *testing.T) {
	tests := []struct {
		name string
		data map[string]any
		want components.Output
	}{
		{"picture", map[string]any{"image/png": "aGk=", "text/plain": "a plot"}, components.Output{Image: "data:image/png;base64,aGk=", Alt: "a plot"}},
		{"json", map[string]any{"application/json": map[string]any{"a": 1.0}, "text/plain": "x"}, components.Output{Text: "{\n  \"a\": 1\n}"}},
		{"text for html", map[string]any{"text/html": "<b>x</b>", "text/plain": "x"}, components.Output{Text: "x"}},
		{"markdown alone", map[string]any{"text/markdown": "# x"}, components.Output{Text: "# x"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := outputView(sandbox.Display{Data: tt.data}); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

// contrasts are the pairs of tokens that are put on each other, and the least
// that their contrast must be.
var contrasts = []struct {
	over  []string
	names []string
	least float64
}{
	{[]string{"paper", "surface", "sunk"}, []string{"ink", "ink-soft", "accent", "accent-strong", "ok", "busy", "paused", "stopped", "error"}, 4.5},
	{[]string{"surface", "code-line"}, []string{"code-keyword", "code-string", "code-number", "code-comment", "code-name", "code-type"}, 4.5},
	{[]string{"accent-fill", "accent-strong"}, []string{"accent-ink"}, 4.5},
	{[]string{"accent-wash", "warn-wash", "error-wash", "code-select"}, []string{"ink"}, 4.5},
	{[]string{"error-wash"}, []string{"error"}, 4.5},
	{[]string{"accent-wash"}, []string{"accent"}, 4.5},
	{[]string{"paper", "surface"}, []string{"edge"}, 3},
}

func TestColoursHaveContrast(t *testing.T) {
	css, err := os.ReadFile("../../static/src/css/tokens.css")
	if err != nil {
		t.Fatal(err)
	}
	token := regexp.MustCompile(`--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)`)
	colours := map[string][2]float64{}
	for _, m := range token.FindAllStringSubmatch(string(css), -1) {
		colours[m[1]] = [2]float64{luminance(t, m[2]), luminance(t, m[3])}
	}
	for _, c := range contrasts {
		for _, under := range c.over {
			for _, name := range c.names {
				for i, theme := range []string{"light", "dark"} {
					a, okA := colours[name]
					b, okB := colours[under]
					if got := contrast(a[i], b[i]); !okA || !okB || got < c.least {
						t.Errorf("%s: %s on %s has %.2f, wants %.1f", theme, name, under, got, c.least)
					}
				}
			}
		}
	}
}

// luminance is the relative luminance of WCAG.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	n, err := strconv.ParseUint(hex[1:], 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	linear := func(shift uint) float64 {
		c := float64(n>>shift&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(16) + 0.7152*linear(8) + 0.0722*linear(0)
}

func contrast(a, b float64) float64 {
	return (max(a, b) + 0.05) / (min(a, b) + 0.05)
}
