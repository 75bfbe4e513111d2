package ui

import (
	"net/http"

	"sandpiper/components"
	"sandpiper/sandbox"
	"sandpiper/web/reply"
	"sandpiper/web/words"
)

// signInPage shows the sign-in form, after a try that did not work with the
// reason.
func (h *Handler) signInPage(w http.ResponseWriter, r *http.Request, next string, problem *sandbox.Error) error {
	s := components.SignIn{Page: h.frame.Page(r, "Sign in"), Next: next, Closed: !h.desk.Guard.Open()}
	s.LinkCommand = "curl -X POST " + h.public + "/api/signin-links \\\n  -H \"Authorization: Bearer $SANDPIPER_API_KEY\""
	status := http.StatusOK
	if problem != nil {
		s.Problem = words.Sentence(problem.Message)
		status = reply.Status(problem.Kind)
	}
	return h.frame.Render(w, r, status, components.SignInPage(s))
}
