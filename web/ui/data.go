package ui

import (
	"slices"

	"sandpiper/sandbox"
)

// pageData is what the playground's script knows, as PageData in
// static/src/lib/playground.ts has it.
type pageData struct {
	Languages []languageData `json:"languages"`
	Program   programData    `json:"program"`
	Origin    source         `json:"origin"`
	Shared    string         `json:"shared,omitempty"`
	Open      bool           `json:"open"`
	Base      string         `json:"base"`
}

type languageData struct {
	ID        string      `json:"id"`
	Name      string      `json:"name"`
	Label     string      `json:"label"`
	Main      string      `json:"main"`
	Extension string      `json:"extension"`
	Editor    string      `json:"editor"`
	Notebook  bool        `json:"notebook"` // whether it has sessions
	Welcome   programData `json:"welcome"`
}

type programData struct {
	Language string     `json:"language"`
	Title    string     `json:"title"`
	Files    []fileData `json:"files"`
	Stdin    string     `json:"stdin"`
	Args     string     `json:"args"`
}

type fileData struct {
	Name    string `json:"name"`
	Content string `json:"content"`
}

func (h *Handler) pageData(l sandbox.Language, d draft, from source) pageData {
	d.Language = l.ID // the form may have named an alias
	data := pageData{Program: programDataOf(d), Origin: from, Open: h.desk.Guard.Open(), Base: h.public}
	sessions := h.sessions()
	for _, l := range h.languages() {
		known := languageDataOf(l)
		known.Notebook = slices.ContainsFunc(sessions, func(s sandbox.Language) bool { return s.ID == l.ID })
		data.Languages = append(data.Languages, known)
	}
	return data
}

func languageDataOf(l sandbox.Language) languageData {
	return languageData{
		ID:        l.ID,
		Name:      l.Name,
		Label:     label(l),
		Main:      l.Main,
		Extension: l.Extension,
		Editor:    l.Editor,
		Welcome:   programDataOf(welcomeDraft(l)),
	}
}

func programDataOf(d draft) programData {
	p := programData{Language: d.Language, Title: d.Title, Files: []fileData{}, Stdin: d.Stdin, Args: joinArgs(d.Args)}
	for _, f := range d.Files {
		p.Files = append(p.Files, fileData{Name: f.Name, Content: string(f.Content)})
	}
	return p
}
