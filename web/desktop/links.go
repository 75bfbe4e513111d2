package desktop

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sandpiper/components"
	"sandpiper/sandbox"
	"sandpiper/web/page"
	"sandpiper/web/words"
)

const (
	maxLinks = 20                  // of one sandbox
	maxLife  = 30 * 24 * time.Hour // of a link
	maxForm  = 4 << 10             // bytes
)

// lives are how long a link may be good for.
var lives = []components.DesktopLife{
	{Minutes: "15", Label: "15 minutes"}, {Minutes: "60", Label: "1 hour"}, {Minutes: "480", Label: "8 hours"},
	{Minutes: "1440", Label: "1 day"}, {Minutes: "10080", Label: "7 days"},
}

var (
	errNoLink   = sandbox.Errorf(sandbox.KindNotFound, "this link does not lead to a desktop, or no longer: it may have expired, or whoever made it ended it; ask for a new one")
	errLinkOver = sandbox.Errorf(sandbox.KindForbidden, "this link has expired; ask whoever sent it for a new one")
	errLinkGone = sandbox.Errorf(sandbox.KindForbidden, "this link was ended; ask whoever sent it for a new one")
)

// token is the secret part of a link's address: its ID and a signature that
// changes with the sandbox's signing key.
func token(key string, l sandbox.DesktopLink) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(strings.Join([]string{"v1", "desktop", l.Sandbox, l.ID, strconv.FormatInt(l.ExpiresAt.UnixMilli(), 10), strconv.FormatBool(l.Text)}, ":")))
	return l.ID + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// signed reports whether a token is that of a link, as the keys are now.
func (h *Handler) signed(s sandbox.Sandbox, l sandbox.DesktopLink, t string) bool {
	return l.Sandbox == s.ID && hmac.Equal([]byte(t), []byte(token(h.manager.SigningKey(s), l)))
}

// open finds the link that a request's token is good for, and its sandbox.
func (h *Handler) open(r *http.Request) (sandbox.DesktopLink, sandbox.Sandbox, error) {
	t := r.PathValue("token")
	id, _, _ := strings.Cut(t, ".")
	l, err := h.links.DesktopLink(r.Context(), id)
	if err != nil {
		return l, sandbox.Sandbox{}, unknown(err)
	}
	s, err := h.manager.ByID(r.Context(), l.Sandbox)
	switch {
	case err != nil:
		return l, s, unknown(err)
	case !h.signed(s, l, t), !h.now().Before(l.ExpiresAt):
		return l, s, errNoLink
	}
	return l, s, nil
}

// unknown says of whatever is not there the same.
func unknown(err error) error {
	if sandbox.KindOf(err) == sandbox.KindNotFound {
		return errNoLink
	}
	return err
}

// postLink makes a link.
func (h *Handler) postLink(w http.ResponseWriter, r *http.Request) error {
	s, err := h.writable(r)
	if err != nil {
		return err
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	minutes, err := strconv.Atoi(r.PostFormValue("minutes"))
	if life := time.Duration(minutes) * time.Minute; err != nil || life < time.Minute || life > maxLife {
		return sandbox.FieldErrorf("minutes", "a link is good for 1 to %d minutes", int(maxLife/time.Minute))
	}
	now := h.now().UTC().Truncate(time.Millisecond)
	if _, err := h.links.PruneDesktopLinks(r.Context(), now); err != nil {
		return err
	}
	all, err := h.links.DesktopLinks(r.Context(), s.ID)
	if err != nil {
		return err
	}
	if len(all) >= maxLinks {
		return sandbox.Errorf(sandbox.KindConflict, "this desktop has %d links already; end one first", maxLinks)
	}
	l := sandbox.DesktopLink{
		ID: sandbox.NewID(), Sandbox: s.ID, Text: r.PostFormValue("text") == "on",
		CreatedAt: now, ExpiresAt: now.Add(time.Duration(minutes) * time.Minute),
	}
	if err := h.links.AddDesktopLink(r.Context(), l); err != nil {
		return err
	}
	return h.changed(w, r, s)
}

// deleteLink ends a link, and the connections that it opened.
func (h *Handler) deleteLink(w http.ResponseWriter, r *http.Request) error {
	s, err := h.writable(r)
	if err != nil {
		return err
	}
	l, err := h.links.DesktopLink(r.Context(), r.PathValue("link"))
	if err != nil {
		return err
	}
	if l.Sandbox != s.ID {
		return errNoLink
	}
	if err := h.links.DeleteDesktopLink(r.Context(), l.ID); err != nil {
		return err
	}
	h.rooms.dismiss(s.ID, l.ID, errLinkGone)
	return h.changed(w, r, s)
}

// changed answers with the links as they are now.
func (h *Handler) changed(w http.ResponseWriter, r *http.Request, s sandbox.Sandbox) error {
	if !page.IsFragment(r) {
		http.Redirect(w, r, "/sandboxes/"+s.ID+"/desktop", http.StatusSeeOther)
		return nil
	}
	people, err := h.people(r.Context(), s)
	if err != nil {
		return err
	}
	return page.Fragment(w, r, http.StatusOK, components.DesktopPeople(people))
}

// linkView is a link in the list.
func (h *Handler) linkView(s sandbox.Sandbox, l sandbox.DesktopLink, watching int) components.DesktopLink {
	path := "/sandboxes/" + s.ID + "/desktop/links/" + l.ID
	return components.DesktopLink{
		ID: l.ID, URL: h.public + "/desktop/" + token(h.manager.SigningKey(s), l), Delete: path + "/delete", Watching: watching, Text: l.Text,
		Until: "for " + words.Span(l.ExpiresAt.Sub(h.now()).Round(time.Minute)), Exact: words.Exact(l.ExpiresAt),
	}
}
