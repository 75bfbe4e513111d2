package notebook_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"sandpiper/sandbox"
	"sandpiper/sandbox/sandboxtest"
	"sandpiper/static"
	"sandpiper/web/notebook"
	"sandpiper/web/page"
	"sandpiper/web/run/runtest"
)

var languages = []sandbox.Language{
	{ID: "python", Name: "Python", Version: "3.12.0", Editor: "python", State: sandbox.LanguageReady},
	{ID: "ruby", Name: "Ruby", Version: "4.0.1", Editor: "ruby", State: sandbox.LanguagePreparing, Stage: "compiling"},
}

// server returns the pages of a server on which everybody may run, or only those
// who signed in.
func server(t *testing.T, open bool, languages []sandbox.Language) http.Handler {
	t.Helper()
	desk := runtest.NewDesk(t, sandboxtest.NewRunner(languages...), runtest.Options{Closed: !open})
	assets, err := static.New(fstest.MapFS{})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	notebook.New(notebook.Config{
		Frame: page.New(assets, desk.Guard, slog.New(slog.DiscardHandler)), Guard: desk.Guard, Languages: func() []sandbox.Language { return languages },
	}).Register(mux)
	return mux
}

func get(h http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

func TestPages(t *testing.T) {
	tests := []struct {
		name, path string
		status     int
		has        []string
	}{
		{"the list", "/notebook", 200, []string{`href="/notebook/new?language=python"`, "Python 3.12", "Ruby 4", `href="/notebook/new?example=python-charts"`, "Notebooks need scripts"}},
		{"a new notebook", "/notebook/new?language=python", 200, []string{`id="cells"`, `"id":"python"`, "Notebooks need scripts"}},
		{"a kept notebook", "/notebook/abcdefgh12345678", 200, []string{`id="cells"`}},
		{"an id that is none", "/notebook/a.b", 404, []string{"There is no notebook"}},
		{"an id that is too short", "/notebook/abc", 404, nil},
		{"an example that is none", "/notebook/examples/nope.ipynb", 404, nil},
		{"a path out of the examples", "/notebook/examples/..%2fexamples.go", 404, nil},
	}
	h := server(t, true, languages)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := get(h, tt.path)
			if w.Code != tt.status {
				t.Errorf("status %d, want %d", w.Code, tt.status)
			}
			for _, want := range tt.has {
				if !strings.Contains(w.Body.String(), want) {
					t.Errorf("%q is not on the page:\n%s", want, w.Body)
				}
			}
			if tt.status == 200 && !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'none'") {
				t.Errorf("policy %q", w.Header().Get("Content-Security-Policy"))
			}
		})
	}
}

func TestExamplesAreInLanguagesThatAreHere(t *testing.T) {
	body := get(server(t, true, languages), "/notebook").Body.String()
	if strings.Contains(body, "javascript-tour") {
		t.Error("an example in a language that has no sessions is offered")
	}
	if body := get(server(t, true, nil), "/notebook").Body.String(); !strings.Contains(body, "no language with sessions") {
		t.Errorf("the list does not say why it is empty:\n%s", body)
	}
}

func TestEveryExampleIsAFile(t *testing.T) {
	all := []sandbox.Language{languages[0], languages[1], {ID: "javascript", Name: "JavaScript"}}
	h := server(t, true, all)
	body := get(h, "/notebook").Body.String()
	found := strings.Split(body, "/notebook/new?example=")[1:]
	if len(found) < 5 {
		t.Fatalf("%d examples are offered", len(found))
	}
	for _, rest := range found {
		id, _, _ := strings.Cut(rest, `"`)
		w := get(h, "/notebook/examples/"+id+".ipynb")
		var file struct {
			Format int               `json:"nbformat"`
			Cells  []json.RawMessage `json:"cells"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &file); err != nil || file.Format != 4 || len(file.Cells) < 3 {
			t.Errorf("%s: format %d with %d cells, %v", id, file.Format, len(file.Cells), err)
		}
		if got := w.Header().Get("Content-Type"); got != "application/x-ipynb+json" {
			t.Errorf("%s has the type %q", id, got)
		}
	}
}

func TestStrangersAreShownTheWayIn(t *testing.T) {
	h := server(t, false, languages)
	for _, path := range []string{"/notebook", "/notebook/new?language=python", "/notebook/abcdefgh12345678"} {
		w := get(h, path)
		if to := w.Header().Get("Location"); w.Code != http.StatusSeeOther || !strings.HasPrefix(to, "/signin?next=") {
			t.Errorf("%s: status %d, to %q", path, w.Code, to)
		}
	}
}
