package ui

import (
	"strings"

	"sandpiper/components"
	"sandpiper/sandbox"
	"sandpiper/web/words"
)

// languages returns what the server can run, in the catalogue's order.
func (h *Handler) languages() []sandbox.Language { return h.desk.Scheduler.Languages() }

// language returns the language that name means.
func (h *Handler) language(name string) (sandbox.Language, error) {
	l, ok := h.desk.Language(name)
	if missing := h.desk.Scheduler.Missing(name); !ok && missing != "" {
		return sandbox.Language{}, sandbox.FieldErrorf("language", "%s", missing)
	}
	if !ok {
		return sandbox.Language{}, sandbox.FieldErrorf("language", "this server has no language %q", name)
	}
	return l, nil
}

func option(l sandbox.Language) components.LanguageOption {
	return components.LanguageOption{ID: l.ID, Label: label(l), State: string(l.State), Stage: stage(l)}
}

// label returns "Python 3.12".
func label(l sandbox.Language) string { return words.Language(l.Name, l.Version) }

// stage says in a few words what a language that is not ready does.
func stage(l sandbox.Language) string {
	switch {
	case l.State == sandbox.LanguageFailed && l.Stage == "":
		return l.Name + " could not be prepared"
	case l.State == sandbox.LanguageFailed:
		return l.Name + " could not be prepared: " + l.Stage
	case l.Stage == "":
		return "Preparing " + l.Name
	default:
		return "Preparing " + l.Name + ": " + l.Stage
	}
}

// welcome returns the program that a language opens with.
func welcome(l sandbox.Language) sandbox.Example {
	if len(l.Examples) > 0 {
		return l.Examples[0]
	}
	return sandbox.Example{Files: []sandbox.File{{Name: l.Main, Content: []byte(l.Hello)}}}
}

// example finds an example by "language/id".
func (h *Handler) example(name string) (sandbox.Language, sandbox.Example, error) {
	lang, id, _ := strings.Cut(name, "/")
	l, ok := h.desk.Language(lang)
	if ok {
		for _, e := range l.Examples {
			if e.ID == id {
				return l, e, nil
			}
		}
	}
	return l, sandbox.Example{}, sandbox.Errorf(sandbox.KindNotFound, "there is no example %q here; all of them are at /examples", name)
}
