package notebook

import (
	"embed"
	"net/http"
	"strconv"

	"sandpiper/components"
	"sandpiper/sandbox"
)

//go:embed examples/*.ipynb
var exampleFiles embed.FS

// example is a notebook to begin with: the file examples/<id>.ipynb.
type example struct{ id, language, title string }

var examples = []example{
	{"python-charts", "python", "Charts and tables"},
	{"python-state", "python", "What a session keeps"},
	{"python-input", "python", "Asking for input"},
	{"javascript-tour", "javascript", "A tour of JavaScript"},
	{"ruby-tour", "ruby", "A tour of Ruby"},
}

// exampleLinks returns the examples in languages that are here.
func exampleLinks(languages []sandbox.Language) []components.NotebookExample {
	labels := map[string]string{}
	for _, l := range languages {
		labels[l.ID] = l.Name
	}
	var out []components.NotebookExample
	for _, e := range examples {
		if labels[e.language] != "" {
			out = append(out, components.NotebookExample{Title: e.title, Language: labels[e.language], URL: "/notebook/new?example=" + e.id})
		}
	}
	return out
}

// getExample answers with the file of an example.
func (h *Handler) getExample(w http.ResponseWriter, r *http.Request) error {
	b, err := exampleFiles.ReadFile("examples/" + r.PathValue("file"))
	if err != nil {
		return sandbox.Errorf(sandbox.KindNotFound, "there is no example notebook %q", r.PathValue("file"))
	}
	w.Header().Set("Content-Type", "application/x-ipynb+json")
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, err = w.Write(b)
	return err
}
