package ui

import (
	"encoding/json"
	"net/http"
	"strings"

	"sandpiper/components"
	"sandpiper/sandbox"
)

// getDocs shows the page on the API. Its requests work as they stand.
func (h *Handler) getDocs(w http.ResponseWriter, r *http.Request) error {
	p := h.frame.Page(r, "API")
	p.Indexed = true
	d := components.Docs{Page: p, Origin: h.public, Open: h.desk.Guard.Open(), Operations: h.operations}
	languages := h.languages()
	for _, l := range languages {
		d.Languages = append(d.Languages, components.DocsLanguage{ID: l.ID, Name: l.Name, Version: l.Version, Aliases: strings.Join(l.Aliases, " "), Summary: l.Summary})
	}
	if len(languages) > 0 {
		d.Examples = h.docsExamples(languages[0])
		d.Embeds = h.docsEmbeds(languages[0])
	}
	d.Sessions = h.docsSessions()
	return h.frame.Render(w, r, http.StatusOK, components.DocsPage(d))
}

// docsRequest is a request as the page shows it, in the order in which one
// would explain it.
type docsRequest struct {
	Language  string     `json:"language,omitempty"`
	Code      string     `json:"code,omitempty"`
	Files     []fileData `json:"files,omitempty"`
	Stdin     string     `json:"stdin,omitempty"`
	Args      []string   `json:"args,omitempty"`
	TimeoutMS int        `json:"timeout_ms,omitempty"`
	MemoryMB  int        `json:"memory_mb,omitempty"`
	Expires   string     `json:"expires,omitempty"`
}

func (h *Handler) docsExamples(l sandbox.Language) []components.DocsExample {
	code := strings.TrimRight(l.Hello, "\n")
	files := []fileData{{Name: l.Main, Content: l.Hello}}
	return []components.DocsExample{
		{
			Title: "Run a program",
			Text:  "The answer is JSON: status, exit code, output, pictures and tables, files, diagnostics, time and memory.",
			Code:  h.curl("/v1/run", "", docsRequest{Language: l.ID, Code: code}),
		},
		{
			Title: "Follow it while it runs",
			Text:  "With this header the events start, status, stdout, stderr, display and exit come as they happen, as Server-Sent Events. application/x-ndjson gives one JSON object per line.",
			Code:  h.curl("/v1/run", "text/event-stream", docsRequest{Language: l.ID, Code: code}),
		},
		{
			Title: "Files, input, arguments and limits",
			Text:  "The first file is the one that runs. What the program writes to the folder out/ comes back with the result.",
			Code:  h.curl("/v1/run", "", docsRequest{Language: l.ID, Files: files, Stdin: "1 2 3\n", Args: []string{"--verbose"}, TimeoutMS: 5000, MemoryMB: 128}),
		},
		{
			Title: "Share a program",
			Text:  "The answer has the link, and the secret with which it can be deleted: DELETE the link with the header " + authorHeader + ".",
			Code:  h.curl("/share", "application/json", docsRequest{Language: l.ID, Files: files, Expires: "7d"}),
		},
	}
}

// docsSessions is nothing on a server without sessions.
func (h *Handler) docsSessions() components.DocsSessions {
	languages := h.sessions()
	if len(languages) == 0 {
		return components.DocsSessions{}
	}
	names := make([]string, len(languages))
	for i, l := range languages {
		names[i] = l.Name
	}
	l := languages[0]
	return components.DocsSessions{
		Languages: strings.Join(names, ", "), Operations: h.sessionOperations,
		Examples: []components.DocsExample{
			{Title: "Start one", Text: "The answer has its id.", Code: h.curl("/v1/sessions", "", docsRequest{Language: l.ID})},
			{
				Title: "Execute a cell",
				Text:  "The answer is that of a run, with the last value as result, an exception as error, and the cell's number. With the Accept headers of runs it comes as events. The session is paused when it is idle, and comes back with its next cell.",
				Code:  h.curl("/v1/sessions/$ID/execute", "", docsRequest{Code: strings.TrimRight(l.Hello, "\n")}),
			},
		},
	}
}

func (h *Handler) docsEmbeds(l sandbox.Language) []components.DocsEmbed {
	s := sandbox.Snippet{Title: "Hello", Language: l.ID, Files: []sandbox.File{{Name: l.Main, Content: []byte(l.Hello)}}}
	return []components.DocsEmbed{
		{
			Title: "Embed a shared program",
			Text:  "A frame shows a shared program on any page. It has an origin of its own and no cookies. It tells its height to the page around it in messages: {type: \"sandpiper:resize\", height}.",
			Code:  h.frameHTML(s, h.embedURL("ID")+"?theme=auto&run=click", "100%", "400"),
			Options: []components.DocsOption{
				{Name: "theme", Text: "light, dark, or auto, which follows the reader's system."},
				{Name: "run", Text: "click, or load to run at once."},
				{Name: "file", Text: "The file that is open first."},
				{Name: "stdin", Text: "Standard input, in the place of what was shared."},
				{Name: "layout", Text: "column puts the output below the code whatever the width."},
				{Name: "read-only", Text: "The code cannot be changed. It never can where running needs a key."},
				{Name: "hide-code", Text: "Only the output is shown."},
			},
		},
		{
			Title: "Make a text on your page runnable",
			Text:  "The element works over a pre of your own, which stays readable where scripts or this server are missing. It needs a server on which anybody may run programs.",
			Code:  h.elementHTML(s),
			Options: []components.DocsOption{
				{Name: "language", Text: "The language, as in requests."},
				{Name: "server", Text: "The origin of the server; otherwise the one that the script came from."},
				{Name: "files", Text: "More files, as the text of elements of the page: data.csv:#data util.py:#util."},
				{Name: "main", Text: "The name of the program's own file among them."},
				{Name: "stdin", Text: "Standard input; without it the reader can type while the program runs."},
				{Name: "args", Text: "Arguments, separated by spaces."},
				{Name: "output", Text: "The id of an element with the output to show before the first run."},
				{Name: "run-label", Text: "The word on the button."},
				{Name: "theme", Text: "light, dark or auto."},
				{Name: "read-only", Text: "The code cannot be changed."},
			},
		},
	}
}

// curl returns a command that sends body as JSON.
func (h *Handler) curl(path, accept string, body docsRequest) string {
	lines := []string{"curl -sS " + h.public + path, "-H 'Content-Type: application/json'"}
	if accept != "" {
		lines = append(lines, "-H 'Accept: "+accept+"'")
	}
	if !h.desk.Guard.Open() {
		lines = append(lines, `-H "Authorization: Bearer $SANDPIPER_API_KEY"`)
	}
	lines = append(lines, "--data '"+strings.ReplaceAll(text(body), "'", `'\''`)+"'")
	return strings.Join(lines, " \\\n  ")
}

// text returns a request as JSON: on a line of its own per field when it has
// more than a few.
func text(body docsRequest) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if body.Files != nil {
		enc.SetIndent("  ", "  ")
	}
	if err := enc.Encode(body); err != nil {
		panic(err) // strings and numbers always encode
	}
	return strings.TrimSpace(b.String())
}
