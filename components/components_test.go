package components

import (
	"strings"
	"testing"

	"github.com/a-h/templ"
)

// html renders a component under a nonce.
func html(t *testing.T, c templ.Component) string {
	t.Helper()
	var b strings.Builder
	if err := c.Render(templ.WithNonce(t.Context(), "the-nonce"), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// wants checks that the HTML of a component has texts, and lacks those after "!".
func wants(t *testing.T, body string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		absent, no := strings.CutPrefix(text, "!")
		if no == strings.Contains(body, absent) {
			t.Errorf("%q: present %v, in %s", absent, no, body)
		}
	}
}

func TestLayout(t *testing.T) {
	const hostile = `"><script>alert(1)</script>`
	tests := []struct {
		name  string
		page  Page
		texts []string
	}{
		{"plain", Page{}, []string{"<title>Sandpiper: run code in the browser</title>", `content="noindex"`, ">Sign in</a>", `nonce="the-nonce"`, "!make setup"}},
		{"indexed and described", Page{Indexed: true, Description: "Runs."}, []string{"!noindex", `<meta name="description" content="Runs.">`}},
		{"current place", Page{Place: "/docs"}, []string{`<a href="/docs" aria-current="page">API</a>`, `<a href="/">Playground</a>`}},
		{"signed in", Page{Account: Account{SignedIn: true}}, []string{"Sign out", `action="/signout"`, "!Sign in"}},
		{"files", Page{Styles: []string{"/a.css"}, Scripts: []string{"/a.js"}}, []string{`<link rel="stylesheet" href="/a.css">`, `<script type="module" src="/a.js" nonce="the-nonce">`}},
		{"unbuilt", Page{Unbuilt: true}, []string{"<code>make setup</code>"}},
		{"hostile title", Page{Title: hostile, OEmbed: "https://a.test/?q=" + hostile}, []string{"!<script>alert"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { wants(t, html(t, Layout(tt.page)), tt.texts...) })
	}
}

func TestDocsOfSandboxes(t *testing.T) {
	d := Docs{Origin: "https://run.example.org"}
	wants(t, html(t, DocsPage(d)), "!DAYTONA_API_URL")
	d.Operations = []DocsOperation{{Method: "POST", Path: "/api/sandbox", Summary: "Make a <sandbox>", Permission: "write:sandboxes"}, {Method: "GET", Path: "/api/config"}}
	wants(t, html(t, DocsPage(d)), "DAYTONA_API_URL=https://run.example.org/api\n", `href="/api/openapi.json"`, `href="/api/toolbox-openapi.json"`, "<code>POST /api/sandbox</code>", "Make a &lt;sandbox&gt;", "<code>write:sandboxes</code>")
}

func TestEveryIconIsDrawn(t *testing.T) {
	for _, name := range []string{"run", "stop", "share", "more", "add", "delete", "close", "chevron", "theme", "open", "rename"} {
		wants(t, html(t, Icon(name)), `aria-hidden="true"`, "</svg>")
	}
}

func TestResultTellsErrorsApart(t *testing.T) {
	body := html(t, ResultView(Result{Stdout: "<out>", Stderr: "<err>", Marks: []Mark{{Severity: "error", Place: "a:1", Message: "<m>"}}}))
	wants(t, body, `<pre class="out">&lt;out&gt;</pre>`, `<span class="tag">stderr</span>&lt;err&gt;`, "a:1", "&lt;m&gt;", `!href="#source"`)
	body = html(t, ResultView(Result{LinkCode: true, Marks: []Mark{{Place: "a:1"}}}))
	wants(t, body, `href="#source"`)
}

func TestTableView(t *testing.T) {
	table := Table{Columns: []Column{{Name: "bird"}, {Name: "n", Numeric: true}}, Rows: [][]Cell{{{Text: "<dunlin>"}, {Text: "4"}}, {{Null: true}, {Text: ""}, {Text: "beyond"}}}}
	body := html(t, output(Output{Table: &table}))
	wants(t, body, `<th scope="col" class="num"><span>n</span></th>`, "<td class=\"\">&lt;dunlin&gt;</td>", `<td class="num">4</td>`, `<td class="null">NULL</td>`, "beyond")
}

// A textarea drops the first line break in it, so one is put before the text.
func TestTextareasKeepFirstLines(t *testing.T) {
	wants(t, html(t, sourceFile(ProgramFile{Name: "a", Content: "\nfirst"}, 0)), ">\n\nfirst</textarea>", "File 1")
	wants(t, html(t, sourceFile(ProgramFile{Name: "a", Content: "</textarea><b>"}, 1)), "!<b>", "File 2")
}

func TestSharePanel(t *testing.T) {
	mine := SharePanel{ID: "id", URL: "u", Mine: true, QR: QR{Size: 3, Path: "M0 0h1v1z"}}
	wants(t, html(t, SharePanelView(mine)), `data-mine`, `data-delete="id"`, `viewBox="0 0 3 3"`, "Kept until it is deleted")
	wants(t, html(t, SharePanelView(SharePanel{Expires: "in 2 days"})), "!data-mine", "!<svg", "Deleted in 2 days", "only they can delete it")
	wants(t, html(t, SharePanelView(SharePanel{Delete: "curl -X DELETE"})), "curl -X DELETE", "!only they")
}

func TestGivenSaysWhatIsSet(t *testing.T) {
	for p, want := range map[[2]string]string{
		{"", ""}: "", {"x", ""}: "standard input is set", {"", "x"}: "arguments are set", {"x", "y"}: "standard input and arguments are set",
	} {
		if got := (Program{Stdin: p[0], Args: p[1]}).given(); got != want {
			t.Errorf("with %q: %q, want %q", p, got, want)
		}
	}
}
