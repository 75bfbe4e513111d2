package ui

import (
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"sandpiper/components"
	"sandpiper/sandbox"
	"sandpiper/web/reply"
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
	sandbox.KindUnprocessed:  "That cannot be run",
	sandbox.KindBusy:         "Busy at the moment",
	sandbox.KindUnavailable:  "Not available at the moment",
	sandbox.KindUnsupported:  "That is not possible here",
	sandbox.KindInternal:     "The server failed",
}

// writeError answers with an error in the shape that the request asks for: a
// piece of HTML for a page's script, JSON for a program, else a page.
func (h *Handler) writeError(w http.ResponseWriter, r *http.Request, e *sandbox.Error) {
	status := reply.Status(e.Kind)
	var err error
	switch {
	case isFragment(r):
		err = fragment(w, r, status, components.ShareProblem(sentence(e.Message)))
	case wantsJSON(r):
		reply.WriteError(w, r, e)
	default:
		err = h.render(w, r, status, components.TroublePage(h.trouble(r, e)))
	}
	if err != nil {
		h.log.DebugContext(r.Context(), "write error page", "error", err)
	}
}

func (h *Handler) trouble(r *http.Request, e *sandbox.Error) components.Trouble {
	t := components.Trouble{Page: h.page(r, headings[e.Kind]), Heading: headings[e.Kind], Message: sentence(e.Message)}
	switch e.Kind {
	case sandbox.KindUnauthorized:
		t.SignIn = signInURL(r.URL.RequestURI())
	case sandbox.KindInternal:
		t.Code = reply.RequestID(r.Context())
	}
	return t
}

func signInURL(next string) string {
	return "/signin?" + url.Values{"next": {next}}.Encode()
}

// wantsJSON reports whether a program asks, rather than a browser that
// navigates.
func wantsJSON(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	return !strings.Contains(accept, "text/html") && (strings.Contains(accept, "json") || strings.Contains(accept, "event-stream") || isJSON(r))
}

func isJSON(r *http.Request) bool {
	media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	return strings.TrimSpace(media) == "application/json"
}

// sentence writes an error's message as a sentence.
func sentence(s string) string {
	first, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return ""
	}
	s = string(unicode.ToUpper(first)) + s[n:]
	if strings.ContainsAny(s[len(s)-1:], ".!?") {
		return s
	}
	return s + "."
}
