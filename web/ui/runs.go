package ui

import (
	"net/http"
	"time"

	"sandpiper/components"
	"sandpiper/sandbox"
	"sandpiper/web/auth"
	"sandpiper/web/words"
)

// maxRuns is how many runs the list has.
const maxRuns = 100

// getRuns lists the recent runs of somebody who signed in. An address may
// stand for many people, so it has no list.
func (h *Handler) getRuns(w http.ResponseWriter, r *http.Request) error {
	if err := auth.CheckSignedIn(r.Context()); err != nil {
		return sandbox.Errorf(sandbox.KindUnauthorized, "sign in to see the list of your runs; without it nobody knows which are yours")
	}
	records, err := h.desk.Scheduler.Recent(r.Context(), auth.From(r.Context()).ID, maxRuns)
	if err != nil {
		return err
	}
	var rows []components.RunRow
	for _, record := range records {
		rows = append(rows, h.runRow(record.Result, record.FinishedAt))
	}
	return h.frame.Render(w, r, http.StatusOK, components.RunsPage(h.frame.Page(r, "Runs"), rows))
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
