package desktop

import (
	"context"
	"net/http"

	"sandpiper/components"
	"sandpiper/sandbox"
	"sandpiper/web/live"
)

// createURL is where a sandbox with a desktop is made.
const createURL = "/sandboxes/new?snapshot=sandpiper-desktop"

// getDesktop is the page of a sandbox's desktop.
func (h *Handler) getDesktop(w http.ResponseWriter, r *http.Request) error {
	s, frame, err := h.pages.Open(r, "desktop", "desktop.js")
	if err != nil {
		return err
	}
	people, err := h.people(r.Context(), s)
	if err != nil {
		return err
	}
	frame.Fills = true
	frame.Page.Styles = append(frame.Page.Styles, h.frame.Paths("desktop.css")...)
	return h.pages.Render(w, r, components.DesktopPage(components.Desktop{
		Page: frame, ID: s.ID, State: string(s.State), People: people, Lives: lives, WebAssembly: s.Engine == sandbox.EngineWasm, Create: createURL,
	}))
}

// getEvents keeps the page's list of people and links up to date.
func (h *Handler) getEvents(w http.ResponseWriter, r *http.Request) error {
	s, err := h.pages.Sandbox(r)
	if err != nil {
		return err
	}
	return h.pages.Stream(w, r, func(ctx context.Context) (live.Scene, error) {
		people, err := h.people(ctx, s)
		return live.Scene{Parts: []live.Part{{ID: "desktop-people", View: components.DesktopPeople(people)}}}, err
	})
}

// people is who is at a desktop now, and the links to it.
func (h *Handler) people(ctx context.Context, s sandbox.Sandbox) (components.DesktopPeopleList, error) {
	now := h.now()
	here := h.rooms.attendance(s.ID, now)
	out := components.DesktopPeopleList{Members: here.members, Control: here.control}
	links, err := h.links.DesktopLinks(ctx, s.ID)
	if err != nil {
		return out, err
	}
	for _, n := range here.watching {
		out.Watching += n
	}
	for _, l := range links {
		if now.Before(l.ExpiresAt) {
			out.Links = append(out.Links, h.linkView(s, l, here.watching[l.ID]))
		}
	}
	return out, nil
}

// getShared is the page of a link: the picture alone.
func (h *Handler) getShared(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("X-Robots-Tag", "noindex, nofollow")
	l, _, err := h.open(r)
	if err != nil {
		return err
	}
	p := h.frame.PageWith(r, "A shared desktop", "shared.js")
	p.Styles = append(p.Styles, h.frame.Paths("desktop.css")...)
	return h.frame.Render(w, r, http.StatusOK, components.DesktopShared(components.SharedDesktop{
		Page: p, Until: l.ExpiresAt.UTC().Format("2006-01-02T15:04:05Z"), Text: l.Text,
	}))
}
