package ui

import (
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"sandpiper/sandbox"
	"sandpiper/web/reply"
)

// maxForm bounds the body of a program's form: the largest program, which
// URL encoding can make three times as long.
const maxForm = 3*sandbox.MaxProgramBytes + 256<<10

// readForm reads the form in a request's body.
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if !strings.EqualFold(strings.TrimSpace(media), "application/x-www-form-urlencoded") {
		return nil, sandbox.Errorf(sandbox.KindMediaType, "send the form as application/x-www-form-urlencoded")
	}
	body, err := reply.ReadBody(w, r, maxForm)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, &sandbox.Error{Kind: sandbox.KindInvalid, Message: "the form could not be read", Err: err}
	}
	return form, nil
}

// draft is a program as a page holds it: text files, and arguments as typed.
type draft struct {
	Language string
	Title    string
	Files    []sandbox.File
	Stdin    string
	Args     []string
}

// draftOf reads a program from the fields language, name and content (as often
// as there are files, in their order), stdin and args. It does not validate
// what the scheduler validates.
func draftOf(form url.Values) (draft, error) {
	names, contents := form["name"], form["content"]
	if len(names) != len(contents) {
		return draft{}, sandbox.FieldErrorf("name", "each file needs one name and one content")
	}
	d := draft{
		Language: form.Get("language"),
		Title:    strings.TrimSpace(form.Get("title")),
		Stdin:    unixLines(form.Get("stdin")),
		Args:     splitArgs(form.Get("args")),
	}
	for i, name := range names {
		if !utf8.ValidString(contents[i]) {
			return draft{}, sandbox.FieldErrorf("content", "the code must be UTF-8 text")
		}
		d.Files = append(d.Files, sandbox.File{Name: strings.TrimSpace(name), Content: []byte(unixLines(contents[i]))})
	}
	return d, nil
}

// unixLines undoes what forms do to the ends of lines.
func unixLines(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }

// program returns d as something to run.
func (d draft) program() sandbox.Program {
	p := sandbox.Program{Language: d.Language, Files: d.Files, Args: d.Args}
	if d.Stdin != "" {
		p.Stdin = sandbox.StaticStdin([]byte(d.Stdin))
	}
	return p
}
