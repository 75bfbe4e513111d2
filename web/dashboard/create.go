package dashboard

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"sandpiper/components"
	"sandpiper/sandbox"
	"sandpiper/sandbox/manager"
	"sandpiper/web/apikey"
	"sandpiper/web/auth"
	"sandpiper/web/dashboard/codes"
	"sandpiper/web/dashboard/view"
	"sandpiper/web/page"
	"sandpiper/web/reply"
)

// getNew shows the form for a sandbox. The address may fill it in, so that a
// link can be sent.
func (h *Handler) getNew(w http.ResponseWriter, r *http.Request) error {
	var filled url.Values
	if r.URL.RawQuery != "" {
		filled = r.URL.Query()
	}
	f, err := h.newForm(r.Context(), filled)
	if err != nil {
		return err
	}
	return h.showNew(w, r, http.StatusOK, f, filled)
}

func (h *Handler) showNew(w http.ResponseWriter, r *http.Request, status int, f components.Form, filled url.Values) error {
	request, err := h.createRequest(filled)
	if err != nil {
		request = manager.CreateRequest{} // the form says what is wrong
	}
	return h.frame.Render(w, r, status, components.NewSandboxPage(h.place(r, "New sandbox", "/sandboxes"), f, codes.Create(request, h.public)))
}

// postNew makes the sandbox. It may take a while; the page that follows shows how
// far it is, and can be left.
func (h *Handler) postNew(w http.ResponseWriter, r *http.Request) error {
	if err := auth.CheckPermission(r.Context(), apikey.WriteSandboxes); err != nil {
		return err
	}
	filled, err := values(w, r)
	if err != nil {
		return err
	}
	s, err := h.create(r.Context(), filled)
	if err == nil {
		http.Redirect(w, r, "/sandboxes/"+s.ID+"/activity", http.StatusSeeOther)
		return nil
	}
	if sandbox.KindOf(err) == sandbox.KindInternal {
		return err
	}
	e := reply.Public(err)
	f, err := h.newForm(r.Context(), filled)
	if err != nil {
		return err
	}
	blame(&f, e)
	return h.showNew(w, r, reply.Status(e.Kind), f, filled)
}

func (h *Handler) create(ctx context.Context, filled url.Values) (sandbox.Sandbox, error) {
	request, err := h.createRequest(filled)
	if err != nil {
		return sandbox.Sandbox{}, err
	}
	return h.manager.Create(ctx, request)
}

// postCode writes what the form says as code.
func (h *Handler) postCode(w http.ResponseWriter, r *http.Request) error {
	filled, err := values(w, r)
	if err != nil {
		return err
	}
	request, err := h.createRequest(filled)
	if err != nil {
		return err
	}
	all := components.Codes(codes.Create(request, h.public))
	if page.IsFragment(r) {
		return page.Fragment(w, r, http.StatusOK, all)
	}
	f, err := h.newForm(r.Context(), filled)
	if err != nil {
		return err
	}
	return h.showNew(w, r, http.StatusOK, f, filled)
}

// createRequest reads the form for a sandbox.
func (h *Handler) createRequest(v url.Values) (out manager.CreateRequest, err error) {
	out = manager.CreateRequest{
		Organization: h.org.ID, Name: strings.TrimSpace(v.Get("name")), Snapshot: v.Get("snapshot"), Image: strings.TrimSpace(v.Get("image")),
		User: strings.TrimSpace(v.Get("user")), Target: v.Get("target"), Public: v.Get("public") == "true",
		Network: sandbox.Network{BlockAll: v.Get("block") == "true"},
	}
	if out.Image != "" {
		out.Snapshot = ""
	}
	if out.Resources, err = resources(v); err != nil {
		return out, err
	}
	if out.Env, err = pairs(v, "env"); err != nil {
		return out, err
	}
	if out.Labels, err = pairs(v, "labels"); err != nil {
		return out, err
	}
	if out.Network.Allow, err = sandbox.ParseAllowList(strings.Join(list(v.Get("allow")), ",")); err != nil {
		return out, err
	}
	if out.Network.Domains, err = sandbox.ParseDomains(strings.Join(list(v.Get("domains")), ",")); err != nil {
		return out, err
	}
	return out, createIntervals(v, &out)
}

func createIntervals(v url.Values, out *manager.CreateRequest) error {
	for _, f := range []struct {
		name string
		into **time.Duration
	}{
		{"autoStop", &out.AutoStop}, {"autoPause", &out.AutoPause}, {"autoArchive", &out.AutoArchive}, {"autoDelete", &out.AutoDelete}, {"ttl", &out.TTL},
	} {
		d, err := minutes(v, f.name)
		if err != nil {
			return err
		}
		*f.into = d
	}
	if v.Get("ephemeral") == "true" {
		var atOnce time.Duration
		out.AutoDelete = &atOnce
	}
	return nil
}

// newForm is the form for a sandbox, as it was filled in.
func (h *Handler) newForm(ctx context.Context, v url.Values) (components.Form, error) {
	snapshots, err := h.manager.Snapshots(ctx, sandbox.SnapshotFilter{Organization: h.org.ID, Sort: sandbox.SnapshotsByName, Ascending: true, Limit: sandbox.MaxPageSize})
	if err != nil {
		return components.Form{}, err
	}
	chosen := h.manager.DefaultSnapshot()
	if v != nil && v.Get("snapshot") != "" {
		chosen = v.Get("snapshot")
	}
	from := components.Field{Kind: "select", Name: "snapshot", Label: "Start from", Hint: "A snapshot has files, an engine and a usual size."}
	for _, s := range snapshots.Items {
		if s.State == sandbox.SnapshotActive {
			from.Options = append(from.Options, components.Option{Value: s.Name, Label: view.Snapshot(s), Selected: s.Name == chosen})
		}
	}
	text := func(name, label, hint string) components.Field {
		return components.Field{Kind: "text", Name: name, Label: label, Hint: hint, Value: v.Get(name)}
	}
	area := func(name, label, hint string) components.Field {
		return components.Field{Kind: "area", Name: name, Label: label, Hint: hint, Value: v.Get(name)}
	}
	check := func(name, label, hint string) components.Field {
		return components.Field{Kind: "check", Name: name, Label: label, Hint: hint, Checked: v.Get(name) == "true"}
	}
	region := components.Field{Kind: "select", Name: "target", Label: "Region"}
	for _, r := range h.manager.Regions() {
		region.Options = append(region.Options, components.Option{Value: r.Name, Label: r.Name, Selected: v.Get("target") == r.Name})
	}
	size := resourceFields(orEmpty(v), sandbox.Resources{}, h.most(ctx))
	return components.Form{
		Title: "New sandbox", Action: "/sandboxes/new", Submit: "Make the sandbox", Cancel: "/sandboxes",
		Groups: []components.FieldGroup{
			{Fields: []components.Field{from, text("name", "Name", "May stay empty: its ID is its name then.")}},
			{Legend: "Size", Hint: "Empty fields are the snapshot's own.", Fields: size},
			{Legend: "Clocks", Folded: true, Hint: "What happens by itself. Empty fields are the usual ones: stop after 15 idle minutes, archive after 7 days.", Fields: append(createClocks(v), check("ephemeral", "Delete it as soon as it stops", "An ephemeral sandbox keeps nothing."))},
			{Legend: "Environment and labels", Folded: true, Fields: []components.Field{
				area("env", "Environment", "One NAME=value on each line."), area("labels", "Labels", "One name=value on each line; lists can be filtered by them."),
			}},
			{Legend: "Network", Folded: true, Fields: []components.Field{
				check("public", "Public previews", "Whoever has the address of a port sees what it serves."), check("block", "Block all connections out of it", ""),
				area("allow", "Only these networks", "Up to 10, such as 203.0.113.0/24."), area("domains", "Only these names", "Up to 20, such as example.org or *.example.org."),
			}},
			{Legend: "Image, user and region", Folded: true, Fields: []components.Field{
				text("image", "Image instead of a snapshot", "One that the container engine has, with its tag: debian:13."), text("user", "User", "That processes run as; empty for the snapshot's own."), region,
			}},
		},
	}, nil
}

func orEmpty(v url.Values) url.Values {
	if v == nil {
		return url.Values{}
	}
	return v
}

func createClocks(v url.Values) []components.Field {
	fields := intervalFields(orEmpty(v), sandbox.Intervals{})
	for i := range fields {
		if fields[i].Name == "ttl" {
			fields[i].Hint = "Counted from its creation. 0 for never."
		}
	}
	return fields
}

// most is the most that one sandbox may have: the organization's limit, or less
// where no runner has that much.
func (h *Handler) most(ctx context.Context) sandbox.Resources {
	runners, err := h.manager.Runners(ctx)
	if err != nil {
		return h.org.MaxEach
	}
	var each sandbox.Resources
	for _, r := range runners {
		each.CPU = max(each.CPU, r.Print.MaxEach.CPU)
		each.MemoryGiB = max(each.MemoryGiB, r.Print.MaxEach.MemoryGiB)
		each.DiskGiB = max(each.DiskGiB, r.Print.MaxEach.DiskGiB)
	}
	return sandbox.Resources{CPU: least(h.org.MaxEach.CPU, each.CPU), MemoryGiB: least(h.org.MaxEach.MemoryGiB, each.MemoryGiB), DiskGiB: least(h.org.MaxEach.DiskGiB, each.DiskGiB)}
}

// least returns the smaller of two limits, of which 0 is none.
func least(a, b int) int {
	if a == 0 || b == 0 {
		return cmp.Or(a, b)
	}
	return min(a, b)
}
