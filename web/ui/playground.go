package ui

import (
	"net/http"

	"sandpiper/components"
	"sandpiper/sandbox"
	"sandpiper/web/page"
	"sandpiper/web/reply"
	"sandpiper/web/words"
)

// description is what search engines and link previews say of the playground.
const description = "Write code and run it at once, in the browser or over REST. Python, JavaScript, TypeScript, Ruby, Lua and SQL."

// source says where the program on the page came from, for the page's script.
type source string

const (
	fromWelcome source = "welcome"
	fromExample source = "example"
	fromShared  source = "shared"
	fromAnswer  source = "answer" // the visitor sent it, without scripts
)

// getPlayground shows the playground with the welcome program of a language, or
// with an example. Strangers to a closed server are shown the way in.
func (h *Handler) getPlayground(w http.ResponseWriter, r *http.Request) error {
	if h.desk.Guard.CheckRunner(r.Context()) != nil {
		http.Redirect(w, r, page.SignInURL(r.URL.RequestURI()), http.StatusSeeOther)
		return nil
	}
	if name := r.URL.Query().Get("example"); name != "" {
		l, e, err := h.example(name)
		if err != nil {
			return err
		}
		return h.showPlayground(w, r, http.StatusOK, h.playground(r, l, draftOfExample(l, e), fromExample))
	}
	l, err := h.chosenLanguage(r)
	if err != nil {
		return err
	}
	return h.showPlayground(w, r, http.StatusOK, h.playground(r, l, welcomeDraft(l), fromWelcome))
}

// chosenLanguage returns the language that the address names, or the first.
func (h *Handler) chosenLanguage(r *http.Request) (sandbox.Language, error) {
	if name := r.URL.Query().Get("language"); name != "" {
		return h.language(name)
	}
	all := h.languages()
	if len(all) == 0 {
		return sandbox.Language{}, sandbox.Errorf(sandbox.KindUnavailable, "this server has no language yet; its operator can look with: sandpiper doctor")
	}
	return all[0], nil
}

func draftOfExample(l sandbox.Language, e sandbox.Example) draft {
	return draft{Language: l.ID, Title: e.Title, Files: e.Files, Stdin: e.Stdin, Args: e.Args}
}

// welcomeDraft returns what a language opens with. It has no title: what the
// visitor makes of it is something else.
func welcomeDraft(l sandbox.Language) draft {
	d := draftOfExample(l, welcome(l))
	d.Title = ""
	return d
}

// postPlayground is Run without scripts: it runs the program of the form to
// its end and answers with the page.
func (h *Handler) postPlayground(w http.ResponseWriter, r *http.Request) error {
	form, err := readForm(w, r)
	if err != nil {
		return err
	}
	d, err := draftOf(form)
	if err != nil {
		return err
	}
	l, err := h.language(d.Language)
	if err != nil {
		return err
	}
	page := h.playground(r, l, d, fromAnswer)
	result, err := h.runToEnd(r, d)
	if err != nil && reply.Public(err).Kind == sandbox.KindInternal {
		return err
	}
	if err != nil {
		e := reply.Public(err)
		page.Problem = words.Sentence(e.Message)
		return h.showPlayground(w, r, reply.Status(e.Kind), page)
	}
	view := resultView(result)
	view.LinkCode = true
	page.Result = &view
	return h.showPlayground(w, r, http.StatusOK, page)
}

func (h *Handler) runToEnd(r *http.Request, d draft) (sandbox.Result, error) {
	run, err := h.desk.Submit(r.Context(), d.program(), "")
	if err != nil {
		return sandbox.Result{}, err
	}
	defer run.Leave()
	return run.Wait(r.Context())
}

func (h *Handler) showPlayground(w http.ResponseWriter, r *http.Request, status int, p components.Playground) error {
	return h.frame.Render(w, r, status, components.PlaygroundPage(p))
}

// playground returns the page with a program in it.
func (h *Handler) playground(r *http.Request, l sandbox.Language, d draft, from source) components.Playground {
	frame := h.frame.PageWith(r, d.Title, "playground.js")
	frame.Place, frame.Fixed = "/", true
	if from == fromWelcome {
		frame.Description, frame.Indexed = description, true
	}
	p := components.Playground{
		Page:     frame,
		Language: option(l),
		Program:  programView(d),
		Data:     h.pageData(l, d, from),
	}
	for _, other := range h.languages() {
		p.Languages = append(p.Languages, option(other))
	}
	return p
}

func programView(d draft) components.Program {
	p := components.Program{Title: d.Title, Stdin: d.Stdin, Args: joinArgs(d.Args)}
	for _, f := range d.Files {
		p.Files = append(p.Files, components.ProgramFile{Name: f.Name, Content: string(f.Content)})
	}
	return p
}

// getLanguageStatus answers the question of a page whose language is not ready.
func (h *Handler) getLanguageStatus(w http.ResponseWriter, r *http.Request) error {
	l, ok := h.desk.Language(r.PathValue("id"))
	if !ok {
		return sandbox.Errorf(sandbox.KindNotFound, "this server has no language %q", r.PathValue("id"))
	}
	return page.Fragment(w, r, http.StatusOK, components.LanguageStatus(option(l)))
}

// getExamples shows the gallery, as a page or for the dialog.
func (h *Handler) getExamples(w http.ResponseWriter, r *http.Request) error {
	groups := exampleGroups(h.languages())
	if page.IsFragment(r) {
		return page.Fragment(w, r, http.StatusOK, components.ExamplesView(groups))
	}
	p := h.frame.Page(r, "Examples")
	p.Indexed = true
	return h.frame.Render(w, r, http.StatusOK, components.ExamplesPage(p, groups))
}

func exampleGroups(languages []sandbox.Language) []components.ExampleGroup {
	var groups []components.ExampleGroup
	for _, l := range languages {
		g := components.ExampleGroup{Label: label(l), Summary: l.Summary}
		for _, e := range l.Examples {
			g.Examples = append(g.Examples, components.ExampleLink{Title: e.Title, URL: "/?example=" + l.ID + "/" + e.ID})
		}
		if len(g.Examples) > 0 {
			groups = append(groups, g)
		}
	}
	return groups
}
