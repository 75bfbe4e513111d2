package dashboard

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"sandpiper/components"
	"sandpiper/sandbox"
	"sandpiper/sandbox/manager"
	"sandpiper/web/apikey"
	"sandpiper/web/auth"
	"sandpiper/web/dashboard/view"
	"sandpiper/web/live"
	"sandpiper/web/page"
	"sandpiper/web/reply"
	"sandpiper/web/words"
)

// maxUsers is how many sandboxes are counted to say where a snapshot is used.
const maxUsers = 10_000

func (h *Handler) registerSnapshots(mux *http.ServeMux) {
	h.pages.Handle(mux, "GET /snapshots", h.getSnapshots)
	h.pages.Handle(mux, "GET /snapshots/events", h.getSnapshotsEvents)
	h.formRoutes(mux, "/snapshots/new", apikey.WriteSnapshots, h.snapshotFormOf, h.postSnapshot)
	h.formRoutes(mux, "/snapshots/{id}/remove", apikey.DeleteSnapshots, h.removeSnapshotForm, h.removeSnapshot)
	h.formRoutes(mux, "/snapshots/{id}/pool", apikey.WriteSandboxes, h.poolForm, h.setPool)
	h.formRoutes(mux, "/snapshots/{id}/activate", apikey.WriteSnapshots, nil, h.activate(true))
	h.formRoutes(mux, "/snapshots/{id}/deactivate", apikey.WriteSnapshots, nil, h.activate(false))
}

// formRoutes adds a form and what it does, for callers with a permission. Without
// a form it is done at once.
func (h *Handler) formRoutes(mux *http.ServeMux, path, permission string, form func(r *http.Request, v url.Values) (components.Form, error), do func(r *http.Request, v url.Values) (done, error)) {
	show := func(w http.ResponseWriter, r *http.Request, status int, f components.Form) error {
		f.Action = r.URL.Path
		if page.IsFragment(r) {
			return page.Fragment(w, r, status, components.FormDialog(f))
		}
		place, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		f.Cancel = "/" + place
		return h.frame.Render(w, r, status, components.FormPage(h.place(r, f.Title, "/"+place), f))
	}
	if form != nil {
		h.pages.Handle(mux, "GET "+path, func(w http.ResponseWriter, r *http.Request) error {
			if err := auth.CheckPermission(r.Context(), permission); err != nil {
				return err
			}
			f, err := form(r, nil)
			if err != nil {
				return err
			}
			return show(w, r, http.StatusOK, f)
		})
	}
	h.pages.Handle(mux, "POST "+path, func(w http.ResponseWriter, r *http.Request) error {
		if err := auth.CheckPermission(r.Context(), permission); err != nil {
			return err
		}
		filled, err := values(w, r)
		if err != nil {
			return err
		}
		result, err := do(r, filled)
		h.pages.Wake()
		if err == nil {
			return h.tell(w, r, result)
		}
		if form == nil || sandbox.KindOf(err) == sandbox.KindInternal {
			return err
		}
		e := reply.Public(err)
		f, err := form(r, filled)
		if err != nil {
			return err
		}
		blame(&f, e)
		return show(w, r, reply.Status(e.Kind), f)
	})
}

func (h *Handler) getSnapshots(w http.ResponseWriter, r *http.Request) error {
	number, err := pageNumber(r.URL.Query())
	if err != nil {
		return err
	}
	rows, pager, err := h.snapshotRows(r.Context(), number)
	if err != nil {
		return err
	}
	return h.pages.Render(w, r, components.SnapshotsPage(components.Snapshots{
		Page: h.place(r, "Snapshots", "/snapshots"), Rows: rows, Pager: pager, Events: "/snapshots/events?page=" + strconv.Itoa(number),
	}))
}

func (h *Handler) getSnapshotsEvents(w http.ResponseWriter, r *http.Request) error {
	number, err := pageNumber(r.URL.Query())
	if err != nil {
		return err
	}
	return h.pages.Stream(w, r, func(ctx context.Context) (live.Scene, error) {
		rows, pager, err := h.snapshotRows(ctx, number)
		if err != nil {
			return live.Scene{}, err
		}
		return live.Scene{Parts: []live.Part{{ID: "rows", View: components.SnapshotRows(rows)}, {ID: "pager", View: components.PagerView(pager)}}}, nil
	})
}

func pageNumber(q url.Values) (int, error) {
	text := q.Get("page")
	if text == "" {
		return 1, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 1_000_000 {
		return 0, sandbox.FieldErrorf("page", "there is no page %.20q; pages are counted from 1", text)
	}
	return n, nil
}

// snapshotRows reads a page of snapshots, with their pools and where they are
// used.
func (h *Handler) snapshotRows(ctx context.Context, number int) ([]components.SnapshotRow, components.Pager, error) {
	found, err := h.manager.Snapshots(ctx, sandbox.SnapshotFilter{Organization: h.org.ID, Sort: sandbox.SnapshotsByName, Ascending: true, Page: number, Limit: rowsPerPage})
	if err != nil {
		return nil, components.Pager{}, err
	}
	used, err := h.users(ctx)
	if err != nil {
		return nil, components.Pager{}, err
	}
	pools, err := h.manager.WarmPools(ctx, h.org.ID)
	if err != nil {
		return nil, components.Pager{}, err
	}
	var rows []components.SnapshotRow
	for _, s := range found.Items {
		rows = append(rows, h.snapshotRow(s, used[s.Name], pools))
	}
	pager := components.Pager{What: "snapshots", Total: found.Total, From: (number-1)*rowsPerPage + 1, To: (number-1)*rowsPerPage + len(rows)}
	if number > 1 {
		pager.Previous = "/snapshots?page=" + strconv.Itoa(number-1)
	}
	if pager.To < found.Total {
		pager.Next = "/snapshots?page=" + strconv.Itoa(number+1)
	}
	return rows, pager, nil
}

// users counts the sandboxes of each snapshot.
func (h *Handler) users(ctx context.Context) (map[string]int, error) {
	used := map[string]int{}
	f := sandbox.SandboxFilter{Organization: h.org.ID, Limit: sandbox.MaxPageSize}
	for n := 0; n < maxUsers; {
		found, err := h.manager.List(ctx, f)
		if err != nil {
			return nil, err
		}
		for _, s := range found.Items {
			used[s.Snapshot]++
		}
		n += len(found.Items)
		if f.Cursor = found.NextCursor; f.Cursor == "" {
			break
		}
	}
	return used, nil
}

// snapshotLooks are the classes of states of snapshots; others are busy.
var snapshotLooks = map[sandbox.SnapshotState]string{
	sandbox.SnapshotActive: "ok", sandbox.SnapshotInactive: "stopped", sandbox.SnapshotError: "error", sandbox.SnapshotFailed: "error",
}

func (h *Handler) snapshotRow(s sandbox.Snapshot, used int, pools []manager.PoolStatus) components.SnapshotRow {
	look, ok := snapshotLooks[s.State]
	if !ok {
		look = "busy"
	}
	row := components.SnapshotRow{
		ID: s.ID, Name: s.Name, General: s.Organization == "", Engine: words.Joined(view.EngineName(s.Engine), s.Runtime), Costs: view.Resources(s.Resources),
		State: components.SandboxState{Look: look, Word: view.StateWord(sandbox.State(s.State)), Wire: string(s.State)}, Image: s.Image,
		Used: used, UsedURL: "/sandboxes?" + url.Values{"snapshot": {s.Name}}.Encode(), LastUsed: h.age(s.LastUsedAt), Problem: words.Sentence(s.ErrorReason),
	}
	if s.SizeBytes > 0 {
		row.Size = words.Size(s.SizeBytes)
	}
	for _, p := range pools {
		if p.Snapshot == s.Name {
			row.Pool = said("%d of %d ready", p.Ready, p.Size)
			row.Problem = strings.TrimSpace(row.Problem + " " + words.Sentence(p.ErrorReason))
		}
	}
	at := func(verb, label string, asks bool) components.SandboxAction {
		return components.SandboxAction{Label: label, Name: label + " " + s.Name, URL: "/snapshots/" + s.ID + "/" + verb, Asks: asks}
	}
	if s.State == sandbox.SnapshotActive {
		row.First = append(row.First, components.SandboxAction{Label: "New sandbox", Name: "New sandbox from " + s.Name, URL: "/sandboxes/new?" + url.Values{"snapshot": {s.Name}}.Encode()})
		row.Rest = append(row.Rest, at("pool", "Warm pool…", true))
	}
	if !row.General {
		if s.State == sandbox.SnapshotInactive {
			row.Rest = append(row.Rest, at("activate", "Activate", false))
		} else if s.State == sandbox.SnapshotActive {
			row.Rest = append(row.Rest, at("deactivate", "Deactivate", false))
		}
		remove := at("remove", "Remove…", true)
		remove.Danger, remove.Rule = true, true
		row.Rest = append(row.Rest, remove)
	}
	return row
}

func (h *Handler) snapshotFormOf(_ *http.Request, v url.Values) (components.Form, error) {
	fields := []components.Field{
		{Kind: "text", Name: "name", Label: "Name", Value: v.Get("name"), Required: true},
		{Kind: "text", Name: "image", Label: "Image", Value: v.Get("image"), Required: true, Hint: "One that the container engine has, with its tag: python:3.12-slim. Nothing is downloaded here; docker pull does that. Tags such as latest are refused: they change."},
	}
	return components.Form{
		Title: "New snapshot from an image", Submit: "Make the snapshot",
		Lead:   []string{"Sandboxes start from a snapshot. To make one of a sandbox's files, use that sandbox's menu."},
		Groups: []components.FieldGroup{{Fields: fields}, {Legend: "Usual size", Hint: "Empty fields are 1 core, 1 GiB of memory and 3 GiB of disk.", Fields: resourceFields(orEmpty(v), sandbox.Resources{}, h.org.MaxEach)}},
	}, nil
}

func (h *Handler) postSnapshot(r *http.Request, v url.Values) (done, error) {
	size, err := resources(v)
	if err != nil {
		return done{}, err
	}
	name, image := strings.TrimSpace(v.Get("name")), strings.TrimSpace(v.Get("image"))
	switch {
	case name == "":
		return done{}, sandbox.FieldErrorf("name", "give the snapshot a name")
	case image == "":
		return done{}, sandbox.FieldErrorf("image", "say which image it is made of")
	}
	s, err := h.manager.CreateSnapshot(r.Context(), manager.SnapshotRequest{Organization: h.org.ID, Name: name, Image: image, Resources: size})
	return done{text: said("The snapshot %s is there.", s.Name), next: "/snapshots"}, err
}

func (h *Handler) snapshotOf(r *http.Request) (sandbox.Snapshot, error) {
	return h.manager.SnapshotByNameOrID(r.Context(), h.org.ID, r.PathValue("id"))
}

func (h *Handler) removeSnapshotForm(r *http.Request, _ url.Values) (components.Form, error) {
	s, err := h.snapshotOf(r)
	return components.Form{
		Title: "Remove the snapshot " + s.Name, Submit: "Remove it", Danger: true,
		Lead: []string{"No sandbox can start from it any more, and its warm pools end. Its files are lost unless an image has them. Sandboxes that are there stay."},
	}, err
}

func (h *Handler) removeSnapshot(r *http.Request, _ url.Values) (done, error) {
	s, err := h.manager.RemoveSnapshot(r.Context(), h.org.ID, r.PathValue("id"))
	return done{text: said("The snapshot %s is removed.", s.Name), next: "/snapshots"}, err
}

func (h *Handler) activate(on bool) func(r *http.Request, _ url.Values) (done, error) {
	return func(r *http.Request, _ url.Values) (done, error) {
		if on {
			s, err := h.manager.ActivateSnapshot(r.Context(), h.org.ID, r.PathValue("id"))
			return done{text: said("Sandboxes can start from %s.", s.Name), next: "/snapshots"}, err
		}
		s, err := h.manager.DeactivateSnapshot(r.Context(), h.org.ID, r.PathValue("id"))
		return done{text: said("No new sandbox starts from %s until it is activated.", s.Name), next: "/snapshots"}, err
	}
}

// pool finds the warm pool of a snapshot.
func (h *Handler) pool(r *http.Request, snapshot string) (manager.PoolStatus, bool, error) {
	pools, err := h.manager.WarmPools(r.Context(), h.org.ID)
	for _, p := range pools {
		if p.Snapshot == snapshot {
			return p, true, err
		}
	}
	return manager.PoolStatus{}, false, err
}

func (h *Handler) poolForm(r *http.Request, v url.Values) (components.Form, error) {
	s, err := h.snapshotOf(r)
	if err != nil {
		return components.Form{}, err
	}
	p, _, err := h.pool(r, s.Name)
	return components.Form{
		Title: "Warm pool of " + s.Name, Submit: "Set its size",
		Lead:   []string{"Members of a warm pool are started already, so a new sandbox is there at once. Each counts as " + view.Resources(s.Resources) + " for as long as it waits."},
		Groups: one(components.Field{Kind: "number", Name: "size", Label: "Sandboxes that wait", Min: "0", Value: or(v, "size", strconv.Itoa(p.Size)), Hint: "0 ends the pool."}),
	}, err
}

func (h *Handler) setPool(r *http.Request, v url.Values) (done, error) {
	s, err := h.snapshotOf(r)
	if err != nil {
		return done{}, err
	}
	size, err := number(v, "size")
	if err != nil {
		return done{}, err
	}
	if size < 0 {
		return done{}, sandbox.FieldErrorf("size", "a pool has 0 members or more")
	}
	p, there, err := h.pool(r, s.Name)
	switch {
	case err != nil:
	case there && size == 0:
		err = h.manager.DeleteWarmPool(r.Context(), h.org.ID, p.ID)
	case there:
		_, err = h.manager.ResizeWarmPool(r.Context(), h.org.ID, p.ID, size)
	case size > 0:
		_, err = h.manager.CreateWarmPool(r.Context(), h.org.ID, s.Name, "", size)
	}
	return done{text: said("The warm pool of %s has %d members from now on.", s.Name, size), next: "/snapshots"}, err
}
