package page

import (
	"net/http"
	"net/url"
	"strings"

	"sandpiper/components"
	"sandpiper/sandbox"
	"sandpiper/web/reply"
	"sandpiper/web/words"
)

// headings say what happened, by the kind of the error.
var headings = map[sandbox.Kind]string{
	sandbox.KindInvalid:      "That request could not be read",
	sandbox.KindUnauthorized: "Please sign in",
	sandbox.KindForbidden:    "That is not allowed",
	sandbox.KindNotFound:     "Nothing here",
	sandbox.KindConflict:     "That does not go together",
	sandbox.KindTooLarge:     "That is too large",
	sandbox.KindMediaType:    "That request could not be read",
	sandbox.KindUnprocessed:  "That cannot be done",
	sandbox.KindBusy:         "Busy at the moment",
	sandbox.KindUnavailable:  "Not available at the moment",
	sandbox.KindUnsupported:  "That is not possible here",
	sandbox.KindInternal:     "The server failed",
}

// lists are the places that have a list of what there is.
var lists = map[string]bool{"sandboxes": true, "snapshots": true, "keys": true, "runs": true}

// WriteError answers with an error in the shape that the request asks for: a
// piece of HTML for a page's script, JSON for a program, else a page.
func (f *Frame) WriteError(w http.ResponseWriter, r *http.Request, e *sandbox.Error) {
	status := reply.Status(e.Kind)
	var err error
	switch {
	case IsFragment(r):
		err = Fragment(w, r, status, components.Problem(words.Sentence(e.Message)))
	case WantsJSON(r):
		reply.WriteError(w, r, e)
	default:
		err = f.Render(w, r, status, components.TroublePage(f.trouble(r, e)))
	}
	if err != nil {
		f.log.DebugContext(r.Context(), "write error page", "error", err)
	}
}

func (f *Frame) trouble(r *http.Request, e *sandbox.Error) components.Trouble {
	t := components.Trouble{Page: f.Page(r, headings[e.Kind]), Heading: headings[e.Kind], Message: words.Sentence(e.Message)}
	if place, below, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/"); lists[place] && (below != "" || r.URL.RawQuery != "") {
		t.List = "/" + place
	}
	switch e.Kind {
	case sandbox.KindUnauthorized:
		t.List, t.SignIn = "", SignInURL(r.URL.RequestURI())
	case sandbox.KindInternal:
		t.Code = reply.RequestID(r.Context())
	}
	return t
}

// SignInURL returns where the form to sign in is, which leads to next.
func SignInURL(next string) string {
	return "/signin?" + url.Values{"next": {next}}.Encode()
}

// WantsJSON reports whether a program asks, rather than a browser that
// navigates.
func WantsJSON(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	return !strings.Contains(accept, "text/html") && (strings.Contains(accept, "json") || strings.Contains(accept, "event-stream") || IsJSON(r))
}

// IsJSON reports whether the body of a request says that it is JSON.
func IsJSON(r *http.Request) bool {
	media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	return strings.TrimSpace(media) == "application/json"
}
