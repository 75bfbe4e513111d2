package ui

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"sandpiper/components"
	"sandpiper/sandbox"
	"sandpiper/web/auth"
	"sandpiper/web/live"
	"sandpiper/web/words"
)

// runsPerPage is how many runs a page of the list has.
const runsPerPage = 50

// endings are the entries of the filter by how a run ended.
var endings = []struct {
	status sandbox.Status
	label  string
}{
	{sandbox.StatusOK, "Finished"}, {sandbox.StatusError, "Failed"}, {sandbox.StatusCancelled, "Stopped"}, {sandbox.StatusTimeout, "Out of time"},
	{sandbox.StatusMemoryLimit, "Out of memory"}, {sandbox.StatusOutputLimit, "Too much output"}, {sandbox.StatusInternal, "The server failed"},
}

// runFilter reads which part of the list of somebody who signed in an address
// means. An address of a network may stand for many people, so it has no list.
func (h *Handler) runFilter(r *http.Request) (sandbox.RunFilter, error) {
	if err := auth.CheckSignedIn(r.Context()); err != nil {
		return sandbox.RunFilter{}, sandbox.Errorf(sandbox.KindUnauthorized, "sign in to see the list of your runs; without it nobody knows which are yours")
	}
	q := r.URL.Query()
	f := sandbox.RunFilter{Client: auth.From(r.Context()).ID, Language: q.Get("language"), Status: sandbox.Status(q.Get("status")), Before: q.Get("before")}
	for _, e := range endings {
		if f.Status == "" || f.Status == e.status {
			return f, nil
		}
	}
	return f, sandbox.FieldErrorf("status", "there is no status %.40q to filter by", f.Status)
}

// getRuns lists recent runs.
func (h *Handler) getRuns(w http.ResponseWriter, r *http.Request) error {
	f, err := h.runFilter(r)
	if err != nil {
		return err
	}
	l, err := h.runs(r.Context(), f)
	if err != nil {
		return err
	}
	l.Filters, l.Events = h.runFields(f), "/runs/events?"+r.URL.Query().Encode()
	return h.frame.Render(w, r, http.StatusOK, components.RunsPage(h.frame.PageWith(r, "Runs", "dashboard.js"), l))
}

// getRunsEvents keeps the list up to date, until the client is gone or signed out,
// or the server shuts down.
func (h *Handler) getRunsEvents(w http.ResponseWriter, r *http.Request) error {
	f, err := h.runFilter(r)
	if err != nil {
		return err
	}
	ctx, release := auth.Lasting(r.Context())
	defer release()
	ctx, cancel := h.streams.Attach(ctx)
	defer cancel()
	return live.Serve(ctx, w, live.Stream{Look: func(ctx context.Context) (live.Scene, error) {
		l, err := h.runs(ctx, f)
		items := make([]live.Part, 0, len(l.Rows))
		for _, row := range l.Rows {
			items = append(items, live.Part{ID: "run-" + row.ID, View: components.RunRowView(row)})
		}
		return live.Scene{Parts: []live.Part{
			{ID: "rows", View: components.RunRowsView(l), Items: items},
			{ID: "pager", View: components.RunPager(l)},
		}}, err
	}})
}

// runs reads a page of the list, and one run more to know whether it goes on.
func (h *Handler) runs(ctx context.Context, f sandbox.RunFilter) (components.RunList, error) {
	f.Limit = runsPerPage + 1
	records, err := h.desk.Scheduler.Recent(ctx, f)
	if err != nil && f.Before != "" && sandbox.KindOf(err) == sandbox.KindNotFound {
		return components.RunList{}, sandbox.Errorf(sandbox.KindNotFound, "the run behind which this page begins is kept no longer; begin again at the newest runs")
	}
	if err != nil {
		return components.RunList{}, err
	}
	l := components.RunList{Filtered: f.Language != "" || f.Status != "" || f.Before != ""}
	if f.Before != "" {
		l.Newest = runsURL(f, "")
	}
	if len(records) > runsPerPage {
		records = records[:runsPerPage]
		l.Older = runsURL(f, records[runsPerPage-1].Result.ID)
	}
	for _, record := range records {
		l.Rows = append(l.Rows, h.runRow(record.Result, record.FinishedAt))
	}
	return l, nil
}

// runsURL is the address of the list behind a run; "" for its beginning.
func runsURL(f sandbox.RunFilter, before string) string {
	q := url.Values{}
	for name, value := range map[string]string{"language": f.Language, "status": string(f.Status), "before": before} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if len(q) == 0 {
		return "/runs"
	}
	return "/runs?" + q.Encode()
}

// runFields are the fields above the list.
func (h *Handler) runFields(f sandbox.RunFilter) []components.Field {
	language := components.Field{Kind: "select", Name: "language", Label: "Language", Options: []components.Option{{Label: "Any"}}}
	for _, l := range h.desk.Scheduler.Languages() {
		language.Options = append(language.Options, components.Option{Value: l.ID, Label: l.Name, Selected: f.Language == l.ID})
	}
	ended := components.Field{Kind: "select", Name: "status", Label: "Ended", Options: []components.Option{{Label: "Any"}}}
	for _, e := range endings {
		ended.Options = append(ended.Options, components.Option{Value: string(e.status), Label: e.label, Selected: f.Status == e.status})
	}
	return []components.Field{language, ended}
}

func (h *Handler) runRow(result sandbox.Result, finished time.Time) components.RunRow {
	state, summary := ending(result)
	row := components.RunRow{ID: result.ID, State: state, Summary: summary, Language: h.languageLabel(result), Figures: figures(result)}
	if !finished.IsZero() {
		row.Age, row.Time = words.Ago(finished, h.now()), words.Exact(finished)
	}
	return row
}

// languageLabel names the language of a run, also one that is gone by now.
func (h *Handler) languageLabel(r sandbox.Result) string {
	if l, ok := h.desk.Language(r.Language); ok {
		l.Version = r.Version
		return label(l)
	}
	return r.Language
}

// getRun shows one of the caller's own finished runs.
func (h *Handler) getRun(w http.ResponseWriter, r *http.Request) error {
	job, err := h.desk.Scheduler.Lookup(r.Context(), auth.From(r.Context()).ID, r.PathValue("id"))
	if err != nil {
		return err
	}
	result, err := job.Wait(r.Context())
	if err != nil {
		return err
	}
	row := h.runRow(result, time.Time{})
	p := h.frame.Page(r, row.Language+" run")
	p.Place = "/runs"
	return h.frame.Render(w, r, http.StatusOK, components.RunView(components.RunPage{Page: p, Row: row, Result: resultView(result)}))
}
