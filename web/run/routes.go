package run

import (
	"net/http"
	"slices"

	"sandpiper/web/apitype"
	"sandpiper/web/reply"
	"sandpiper/web/run/openapi"
)

// route is an operation and who serves it. Both the mux and the OpenAPI
// document are made of routes.
type route struct {
	openapi.Operation
	handler reply.Handler
}

var (
	streamEvents = map[string]any{
		"start": apitype.Start{}, "stdout": apitype.Text{}, "stderr": apitype.Text{},
		"display": apitype.Display{}, "status": apitype.Progress{}, "exit": apitype.Result{},
	}
	eventStream = openapi.Content{Media: "text/event-stream", Events: streamEvents,
		Description: "One event for everything that happens, its data on one line; the last is exit."}
	lineStream = openapi.Content{Media: "application/x-ndjson", Events: streamEvents,
		Description: "One object per line: the data of an event with its name as the field type."}

	done = openapi.Answer{Status: http.StatusNoContent, Description: "Done."}
)

// body returns a JSON body with the type of v.
func body(v any) []openapi.Content { return []openapi.Content{{Value: v}} }

// routes lists everything that the API serves.
func (h *Handler) routes() []route {
	runner, signedIn := h.guard.Runner, h.guard.SignedIn
	return []route{
		{openapi.Operation{
			Method: "POST", Path: "/v1/run", ID: "run", Summary: "Run a program",
			Description: "Answers when the run has ended, or streams what happens, as the Accept header likes it. Closing the connection stops the run.",
			Parameters: []openapi.Parameter{{Name: "Idempotency-Key", In: "header", Type: "string",
				Description: "The same key with the same program is the same run, for as long as runs are kept."}},
			Body:    &openapi.Content{Value: apitype.RunRequest{}},
			Answers: []openapi.Answer{{Status: 200, Description: "The run, whether the program did well or not.", Content: append(body(apitype.Result{}), eventStream, lineStream)}},
		}, runner(h.postRun)},
		{openapi.Operation{
			Method: "GET", Path: "/v1/run/connect", ID: "connect", Summary: "Run a program over a WebSocket",
			Description: "The first message is a run request with the field type set to run, and the field authorization with an API key where headers cannot be set. " +
				"Then the client may send {\"type\":\"stdin\",\"data\":…}, {\"type\":\"end\"} and {\"type\":\"signal\",\"signal\":\"SIGINT\"}. " +
				"The server sends the events of the run, each with its name as the field type, and closes with 1000, or with 4000 plus the HTTP status of a refusal.",
			Answers: []openapi.Answer{{Status: http.StatusSwitchingProtocols}},
		}, h.connect},
		{openapi.Operation{
			Method: "GET", Path: "/v1/languages", ID: "languages", Summary: "List the languages", Public: true,
			Answers: []openapi.Answer{{Status: 200, Content: body(apitype.LanguageList{})}},
		}, h.getLanguages},
		{openapi.Operation{
			Method: "GET", Path: "/v1/runs", ID: "runs", Summary: "List your recent runs", Description: "Newest first, without their output. Needs a key or a session.",
			Answers: []openapi.Answer{{Status: 200, Content: body(apitype.RunList{})}},
		}, signedIn(h.getRuns)},
		{openapi.Operation{
			Method: "GET", Path: "/v1/runs/{id}", ID: "getRun", Summary: "Look at one of your runs",
			Answers: []openapi.Answer{{Status: 200, Content: body(apitype.Run{})}},
		}, runner(h.getRun)},
		{openapi.Operation{
			Method: "GET", Path: "/v1/runs/{id}/events", ID: "followRun", Summary: "Follow one of your runs",
			Description: "From its start, or from where a broken connection left off. Closing this connection does not stop the run.",
			Parameters:  []openapi.Parameter{{Name: "Last-Event-ID", In: "header", Type: "string", Description: "The id of the last event that was seen."}},
			Answers:     []openapi.Answer{{Status: 200, Content: []openapi.Content{eventStream}}},
		}, runner(h.getEvents)},
		{openapi.Operation{
			Method: "POST", Path: "/v1/runs/{id}/stdin", ID: "writeStdin", Summary: "Send input to a run that was started with stdin_live",
			Parameters: []openapi.Parameter{{Name: "end", In: "query", Type: "boolean", Description: "Close standard input after this."}},
			Body:       &openapi.Content{Media: "application/octet-stream", Description: "The bytes, at most 1 MiB."},
			Answers:    []openapi.Answer{done},
		}, runner(h.postStdin)},
		{openapi.Operation{
			Method: "POST", Path: "/v1/runs/{id}/signal", ID: "signal", Summary: "Interrupt or kill a run",
			Body:    &openapi.Content{Value: apitype.SignalRequest{}},
			Answers: []openapi.Answer{done},
		}, runner(h.postSignal)},
		{openapi.Operation{
			Method: "GET", Path: "/v1/openapi.json", ID: "openapi", Summary: "This document", Public: true,
			Answers: []openapi.Answer{{Status: 200, Content: body(map[string]any{})}},
		}, h.getOpenAPI},
	}
}

// Register adds the routes.
func (h *Handler) Register(mux *http.ServeMux) {
	for _, r := range h.routes() {
		mux.Handle(r.Method+" "+r.Path, r.handler)
	}
}

// getOpenAPI answers with the document of the routes. It is made anew each
// time, which takes less than it takes to send.
func (h *Handler) getOpenAPI(w http.ResponseWriter, _ *http.Request) error {
	operations := slices.Clone(h.more)
	for _, r := range h.routes() {
		operations = append(operations, r.Operation)
	}
	doc, err := openapi.Generate(openapi.Info{Title: "Sandpiper run API", Version: h.version}, operations, apitype.ErrorBody{})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, err = w.Write(doc)
	return err
}
