package dashboard

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"sandpiper/components"
	"sandpiper/sandbox"
	"sandpiper/web/dashboard/view"
	"sandpiper/web/live"
)

// rowsPerPage is how many sandboxes a page of the list has.
const rowsPerPage = 50

// stateGroups are the entries of the filter by state.
var stateGroups = []struct {
	value, label string
	states       []sandbox.State
}{
	{"started", "Started", []sandbox.State{sandbox.StateStarted}},
	{"stopped", "Stopped", []sandbox.State{sandbox.StateStopped}},
	{"paused", "Paused", []sandbox.State{sandbox.StatePaused}},
	{"archived", "Archived", []sandbox.State{sandbox.StateArchived}},
	{"busy", "Changing", []sandbox.State{
		sandbox.StateCreating, sandbox.StatePulling, sandbox.StatePending, sandbox.StateBuilding, sandbox.StateStarting, sandbox.StateStopping,
		sandbox.StatePausing, sandbox.StateResuming, sandbox.StateArchiving, sandbox.StateRestoring, sandbox.StateResizing, sandbox.StateForking,
		sandbox.StateSnapping, sandbox.StateDestroy,
	}},
	{"error", "With an error", []sandbox.State{sandbox.StateError, sandbox.StateBuildFail, sandbox.StateUnknown}},
}

// columns are what the list can be sorted by, and whether they begin with the
// smallest.
var columns = []struct {
	label     string
	by        sandbox.SandboxSort
	ascending bool
}{
	{"State", sandbox.SortState, true}, {"Name", sandbox.SortName, true}, {"Memory", sandbox.SortMemory, false},
	{"Last used", sandbox.SortActivity, false}, {"Age", sandbox.SortCreated, false},
}

func (h *Handler) registerSandboxes(mux *http.ServeMux) {
	h.pages.Handle(mux, "GET /sandboxes", h.getSandboxes)
	h.pages.Handle(mux, "GET /sandboxes/events", h.getSandboxesEvents)
	h.pages.Handle(mux, "GET /sandboxes/new", h.getNew)
	h.pages.Handle(mux, "POST /sandboxes/new", h.postNew)
	h.pages.Handle(mux, "POST /sandboxes/new/code", h.postCode)
}

// filter reads which part of the list an address means. What makes no sense is
// an error that names the field.
func (h *Handler) filter(q url.Values) (sandbox.SandboxFilter, error) {
	f := sandbox.SandboxFilter{
		Organization: h.org.ID, Text: strings.TrimSpace(q.Get("q")), Limit: rowsPerPage, Page: 1, IncludeErroredDestroyed: true,
		Sort: sandbox.SandboxSort(cmp.Or(q.Get("sort"), string(sandbox.SortCreated))), Ascending: q.Get("order") == "asc",
	}
	if p := q.Get("page"); p != "" {
		n, err := strconv.Atoi(p)
		if err != nil || n < 1 || n > 1_000_000 {
			return f, sandbox.FieldErrorf("page", "there is no page %.20q; pages are counted from 1", p)
		}
		f.Page = n
	}
	if state := q.Get("state"); state != "" {
		i := slices.IndexFunc(stateGroups, func(g struct {
			value, label string
			states       []sandbox.State
		}) bool {
			return g.value == state
		})
		if i < 0 {
			return f, sandbox.FieldErrorf("state", "there is no state %.40q to filter by", state)
		}
		f.States = stateGroups[i].states
	}
	if engine := q.Get("engine"); engine != "" {
		f.Engines = []sandbox.EngineName{sandbox.EngineName(engine)}
	}
	if snapshot := q.Get("snapshot"); snapshot != "" {
		f.Snapshots = []string{snapshot}
	}
	if label := strings.TrimSpace(q.Get("label")); label != "" {
		k, v, _ := strings.Cut(label, "=")
		f.Labels = map[string]string{strings.TrimSpace(k): strings.TrimSpace(v)}
	}
	return f, f.Validate()
}

// getSandboxes shows the list.
func (h *Handler) getSandboxes(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	f, err := h.filter(q)
	if err != nil {
		return err
	}
	rows, pager, err := h.rows(r.Context(), f, q)
	if err != nil {
		return err
	}
	filters, err := h.filters(r.Context(), q)
	if err != nil {
		return err
	}
	usage, err := h.usageLine(r.Context())
	if err != nil {
		return err
	}
	gone := q.Get("gone")
	q.Del("gone")
	return h.pages.Render(w, r, components.SandboxListPage(components.SandboxList{
		Page: h.place(r, "Sandboxes", "/sandboxes"), Usage: usage, Filters: filters, Search: q.Get("q"), Sort: q.Get("sort"), Order: q.Get("order"), Active: filtered(f),
		Rows: rows, Pager: pager, Events: "/sandboxes/events?" + q.Encode(), Gone: gone, Columns: sortColumns(f, q),
	}))
}

func filtered(f sandbox.SandboxFilter) bool {
	return f.Text != "" || len(f.States)+len(f.Engines)+len(f.Snapshots)+len(f.Labels) > 0
}

// getSandboxesEvents keeps the list up to date.
func (h *Handler) getSandboxesEvents(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	f, err := h.filter(q)
	if err != nil {
		return err
	}
	return h.pages.Stream(w, r, func(ctx context.Context) (live.Scene, error) {
		rows, pager, err := h.rows(ctx, f, q)
		if err != nil {
			return live.Scene{}, err
		}
		usage, err := h.usageLine(ctx)
		if err != nil {
			return live.Scene{}, err
		}
		items := make([]live.Part, 0, len(rows.Rows))
		for _, row := range rows.Rows {
			items = append(items, live.Part{ID: "row-" + row.ID, View: components.SandboxRowView(row)})
		}
		return live.Scene{Parts: []live.Part{
			{ID: "rows", View: components.SandboxRowsView(rows), Items: items},
			{ID: "pager", View: components.PagerView(pager)},
			{ID: "usage", View: components.UsageLine(usage)},
		}}, nil
	})
}

// rows reads a page of the list.
func (h *Handler) rows(ctx context.Context, f sandbox.SandboxFilter, q url.Values) (components.SandboxRows, components.Pager, error) {
	found, err := h.manager.List(ctx, f)
	if err != nil {
		return components.SandboxRows{}, components.Pager{}, err
	}
	powers := h.pages.AllPowers(ctx)
	out := components.SandboxRows{Filtered: filtered(f) || f.Page > 1, Command: h.firstCommand()}
	for _, s := range found.Items {
		out.Rows = append(out.Rows, h.row(s, powers(s)))
	}
	pager := components.Pager{What: "sandboxes", Total: found.Total, From: (f.Page-1)*f.Limit + 1, To: (f.Page-1)*f.Limit + len(found.Items)}
	if f.Page > 1 {
		pager.Previous = listURL(q, "page", strconv.Itoa(f.Page-1))
	}
	if pager.To < found.Total && len(found.Items) > 0 {
		pager.Next = listURL(q, "page", strconv.Itoa(f.Page+1))
	}
	if len(found.Items) == 0 {
		pager.Total = 0
	}
	return out, pager, nil
}

// firstCommand makes a sandbox from a terminal.
func (h *Handler) firstCommand() string {
	return "curl -X POST " + h.public + "/api/sandbox \\\n  -H \"Authorization: Bearer $DAYTONA_API_KEY\" \\\n  -H 'Content-Type: application/json' -d '{}'"
}

func (h *Handler) row(s sandbox.Sandbox, p sandbox.Powers) components.SandboxRow {
	row := components.SandboxRow{
		ID: s.ID, Name: s.Name, State: view.State(s, h.queuePosition(s)), Engine: view.EngineName(s.Engine), Costs: view.Resources(s.Resources),
		Snapshot: s.Snapshot, Labels: view.Labels(s.Labels), Public: s.Public, Age: h.age(s.CreatedAt),
	}
	if clocks := view.Clocks(s, h.now()); len(clocks) > 0 {
		row.Clock = &clocks[0]
		row.Clock.Why = ""
	}
	row.Problem = h.undeleted(s.ID)
	if row.Problem == "" && (s.State.Failed() || s.State == sandbox.StateUnknown) {
		row.Problem = view.Problem(s)
	}
	row.First, row.Rest = h.pages.ActionsWith(s, p)
	row.Undo, _ = h.undo(s.ID)
	return row
}

// queuePosition asks the queue only for those that can be in it.
func (h *Handler) queuePosition(s sandbox.Sandbox) int {
	if !s.State.Transient() {
		return 0
	}
	return h.manager.QueuePosition(s.ID)
}

// usageLine says what is used of what there is.
func (h *Handler) usageLine(ctx context.Context) (string, error) {
	u, err := h.manager.Usage(ctx, h.org.ID)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d of %d started, using %s", u.Started, u.Sandboxes, view.Resources(u.Used)), nil
}

// filters are the fields above the list, as the address has them.
func (h *Handler) filters(ctx context.Context, q url.Values) ([]components.Field, error) {
	state := components.Field{Kind: "select", Name: "state", Label: "State", Options: []components.Option{{Label: "Any"}}}
	for _, g := range stateGroups {
		state.Options = append(state.Options, components.Option{Value: g.value, Label: g.label, Selected: q.Get("state") == g.value})
	}
	engine := components.Field{Kind: "select", Name: "engine", Label: "Engine", Options: []components.Option{{Label: "Any"}}}
	for _, e := range []sandbox.EngineName{sandbox.EngineWasm, sandbox.EngineContainer} {
		engine.Options = append(engine.Options, components.Option{Value: string(e), Label: view.EngineName(e), Selected: q.Get("engine") == string(e)})
	}
	snapshots, err := h.manager.Snapshots(ctx, sandbox.SnapshotFilter{Organization: h.org.ID, Sort: sandbox.SnapshotsByName, Ascending: true, Limit: sandbox.MaxPageSize})
	if err != nil {
		return nil, err
	}
	from := components.Field{Kind: "select", Name: "snapshot", Label: "Snapshot", Options: []components.Option{{Label: "Any"}}}
	for _, s := range snapshots.Items {
		from.Options = append(from.Options, components.Option{Value: s.Name, Label: s.Name, Selected: q.Get("snapshot") == s.Name})
	}
	label := components.Field{Kind: "text", Name: "label", Label: "Label (name=value)", Value: q.Get("label")}
	return []components.Field{state, engine, from, label}, nil
}

// sortColumns are the headings of the list.
func sortColumns(f sandbox.SandboxFilter, q url.Values) []components.SortColumn {
	var out []components.SortColumn
	for _, c := range columns {
		current := f.Sort == c.by
		ascending := c.ascending
		if current {
			ascending = !f.Ascending
		}
		order := "desc"
		if ascending {
			order = "asc"
		}
		out = append(out, components.SortColumn{
			Label: c.label, URL: listURL(q, "sort", string(c.by), "order", order, "page", ""), Current: current, Ascending: f.Ascending,
		})
	}
	return out
}

// listURL is the address of the list with some parameters changed; "" leaves one
// out.
func listURL(q url.Values, pairs ...string) string {
	out := url.Values{}
	for name, values := range q {
		if len(values) > 0 && values[0] != "" {
			out.Set(name, values[0])
		}
	}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			out.Del(pairs[i])
		} else {
			out.Set(pairs[i], pairs[i+1])
		}
	}
	if len(out) == 0 {
		return "/sandboxes"
	}
	return "/sandboxes?" + out.Encode()
}
