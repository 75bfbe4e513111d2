package jupyter

import (
	"net/http"
	"slices"

	"sandpiper/sandbox"
	"sandpiper/web/reply"
)

// specModel describes a kind of kernel.
type specModel struct {
	Name      string   `json:"name"`
	Spec      spec     `json:"spec"`
	Resources struct{} `json:"resources"`
}

type spec struct {
	Argv          []string `json:"argv"` // none: it is not a process of the client's machine
	Env           struct{} `json:"env"`
	DisplayName   string   `json:"display_name"`
	Language      string   `json:"language"`
	InterruptMode string   `json:"interrupt_mode"`
	Metadata      struct{} `json:"metadata"`
}

// specName is the name of a language's kernels. That of Python is what notebooks
// from elsewhere ask for.
func specName(language string) string {
	if language == "python" {
		return "python3"
	}
	return language
}

func specOf(l sandbox.Language) specModel {
	return specModel{Name: specName(l.ID), Spec: spec{
		Argv: []string{}, DisplayName: l.Name + " " + l.Version + " (Sandpiper)", Language: l.ID, InterruptMode: "message",
	}}
}

// languages returns the languages that have kernels, the default first: Python, as
// clients expect it.
func (h *Handler) languages() []sandbox.Language {
	all := slices.Clone(h.keeper.Languages())
	slices.SortStableFunc(all, func(a, b sandbox.Language) int {
		switch {
		case a.ID == "python" && b.ID != "python":
			return -1
		case a.ID != "python" && b.ID == "python":
			return 1
		}
		return 0
	})
	return all
}

// language returns the language that the name of a kernel's kind means. "" is the
// default.
func (h *Handler) language(name string) (sandbox.Language, error) {
	languages := h.languages()
	for _, l := range languages {
		if name == "" || name == specName(l.ID) || l.Is(name) {
			return l, nil
		}
	}
	if len(languages) == 0 {
		return sandbox.Language{}, sandbox.Errorf(sandbox.KindUnavailable, "no language has kernels here")
	}
	return sandbox.Language{}, sandbox.Errorf(sandbox.KindNotFound, "there is no kernel %.40q; see api/kernelspecs", name)
}

func (h *Handler) listSpecs(w http.ResponseWriter, _ *http.Request) error {
	specs, first := map[string]specModel{}, ""
	for _, l := range h.languages() {
		s := specOf(l)
		specs[s.Name] = s
		if first == "" {
			first = s.Name
		}
	}
	return reply.JSON(w, http.StatusOK, map[string]any{"default": first, "kernelspecs": specs})
}

func (h *Handler) getSpec(w http.ResponseWriter, r *http.Request) error {
	l, err := h.language(r.PathValue("name"))
	if err != nil {
		return err
	}
	return reply.JSON(w, http.StatusOK, specOf(l))
}
