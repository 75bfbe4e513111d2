package sessions

import (
	"net/http"

	"sandpiper/web/apitype"
	"sandpiper/web/reply"
	"sandpiper/web/run/openapi"
)

// route is an operation and who serves it.
type route struct {
	openapi.Operation
	pattern string // of the mux, where it is not the path
	handler reply.Handler
}

var (
	events = map[string]any{
		"start": apitype.Start{}, "stdout": apitype.Text{}, "stderr": apitype.Text{},
		"display": apitype.Display{}, "status": apitype.Progress{}, "exit": apitype.CellResult{},
	}
	streams = []openapi.Content{
		{Media: "text/event-stream", Events: events, Description: "One event for everything that happens, its data on one line; the last is exit."},
		{Media: "application/x-ndjson", Events: events, Description: "One object per line: the data of an event with its name as the field type."},
	}
	bytes = openapi.Content{Media: "application/octet-stream", Description: "The content of the file."}

	done = openapi.Answer{Status: http.StatusNoContent, Description: "Done."}
)

func ok(v any) []openapi.Answer { return status(http.StatusOK, v) }

func created(v any) []openapi.Answer { return status(http.StatusCreated, v) }

func status(code int, v any) []openapi.Answer {
	return []openapi.Answer{{Status: code, Content: []openapi.Content{{Value: v}}}}
}

func body(v any) *openapi.Content { return &openapi.Content{Value: v} }

const (
	base = "/v1/sessions"
	one  = base + "/{id}"
	file = one + "/files/{path}"
)

// routes lists everything that the API serves.
func (h *Handler) routes() []route {
	return append(h.sessionRoutes(), append(h.cellRoutes(), h.fileRoutes()...)...)
}

func (h *Handler) sessionRoutes() []route {
	return []route{
		{Operation: openapi.Operation{
			Method: "POST", Path: base, ID: "createSession", Summary: "Start a session",
			Description: "An interpreter that keeps its state from one cell to the next, and a folder of files.",
			Body:        body(apitype.SessionRequest{}), Answers: created(apitype.Session{}),
		}, handler: h.create},
		{Operation: openapi.Operation{
			Method: "GET", Path: base, ID: "sessions", Summary: "List the sessions",
			Description: "The one that was used last first. Needs a key or a signed-in browser.",
			Answers:     ok(apitype.SessionList{}),
		}, handler: h.guard.SignedIn(h.list)},
		{Operation: openapi.Operation{
			Method: "GET", Path: one, ID: "getSession", Summary: "Look at a session", Answers: ok(apitype.Session{}),
		}, handler: h.get},
		{Operation: openapi.Operation{
			Method: "PATCH", Path: one, ID: "changeSession", Summary: "Rename a session",
			Body: body(apitype.SessionChange{}), Answers: ok(apitype.Session{}),
		}, handler: h.change},
		{Operation: openapi.Operation{
			Method: "DELETE", Path: one, ID: "deleteSession", Summary: "Delete a session with its files",
			Description: "The cell that runs is stopped.", Answers: []openapi.Answer{done},
		}, handler: h.delete},
		{Operation: openapi.Operation{
			Method: "POST", Path: one + "/pause", ID: "pauseSession", Summary: "Save a session's state to disk and free its memory",
			Description: "Idle sessions are paused by themselves after a time. Its next cell brings a session back.",
			Answers:     ok(apitype.MovedSession{}),
		}, handler: h.pause},
		{Operation: openapi.Operation{
			Method: "POST", Path: one + "/resume", ID: "resumeSession", Summary: "Bring a paused session back", Answers: ok(apitype.MovedSession{}),
		}, handler: h.resume},
		{Operation: openapi.Operation{
			Method: "POST", Path: one + "/fork", ID: "forkSession", Summary: "Make a second session with the same state and files",
			Description: "The body may be left out.", Body: body(apitype.ForkRequest{}), Answers: created(apitype.MovedSession{}),
		}, handler: h.fork},
		{Operation: openapi.Operation{
			Method: "POST", Path: one + "/restart", ID: "restartSession", Summary: "Give a session a fresh state",
			Description: "The cell that runs is stopped. Files stay.", Answers: ok(apitype.Session{}),
		}, handler: h.restart},
	}
}

func (h *Handler) cellRoutes() []route {
	return []route{
		{Operation: openapi.Operation{
			Method: "POST", Path: one + "/execute", ID: "execute", Summary: "Execute a cell in a session",
			Description: "Answers when the cell has ended, or streams what happens, as the Accept header likes it. One cell runs at a time: another one is refused with 409. " +
				"Closing the connection does not stop the cell; /last finds it, and /interrupt stops it.",
			Body: body(apitype.ExecuteRequest{}),
			Answers: []openapi.Answer{{Status: http.StatusOK, Description: "The cell, whether it did well or not.",
				Content: append([]openapi.Content{{Value: apitype.CellResult{}}}, streams...)}},
		}, handler: h.execute},
		{Operation: openapi.Operation{
			Method: "GET", Path: one + "/last", ID: "lastCell", Summary: "Look at the cell that runs, or at the last one",
			Description: "With a stream, from its start or from where a broken connection left off. It is there until the next cell begins or the session is paused for being idle.",
			Parameters:  []openapi.Parameter{{Name: "Last-Event-ID", In: "header", Type: "string", Description: "The id of the last event that was seen."}},
			Answers:     []openapi.Answer{{Status: http.StatusOK, Content: append([]openapi.Content{{Value: apitype.LastCell{}}}, streams...)}},
		}, handler: h.last},
		{Operation: openapi.Operation{
			Method: "POST", Path: one + "/interrupt", ID: "interruptSession", Summary: "Interrupt the cell that runs",
			Description: "It ends with the language's exception for that, and the session keeps what it did. Nothing happens when no cell runs.",
			Answers:     []openapi.Answer{done},
		}, handler: h.interrupt},
	}
}

func (h *Handler) fileRoutes() []route {
	const pattern = one + "/files/{path...}"
	return []route{
		{Operation: openapi.Operation{
			Method: "GET", Path: one + "/files", ID: "sessionFiles", Summary: "List a session's files", Answers: ok(apitype.SessionFileList{}),
		}, handler: h.listFiles},
		{Operation: openapi.Operation{
			Method: "GET", Path: file, ID: "getSessionFile", Summary: "Download a file of a session",
			Answers: []openapi.Answer{{Status: http.StatusOK, Content: []openapi.Content{bytes}}},
		}, pattern: pattern, handler: h.getFile},
		{Operation: openapi.Operation{
			Method: "PUT", Path: file, ID: "putSessionFile", Summary: "Write a file of a session",
			Description: "Replaces the one that is there; folders are made as they are needed. At most 32 MiB, and as much as the session's files may have in all.",
			Body:        &bytes, Answers: []openapi.Answer{done},
		}, pattern: pattern, handler: h.putFile},
		{Operation: openapi.Operation{
			Method: "DELETE", Path: file, ID: "deleteSessionFile", Summary: "Delete a file of a session", Answers: []openapi.Answer{done},
		}, pattern: pattern, handler: h.deleteFile},
	}
}

// connectOperation is the WebSocket, which says itself who may use it.
var connectOperation = openapi.Operation{
	Method: "GET", Path: one + "/connect", ID: "connectSession", Summary: "Use a session over a WebSocket",
	Description: "The client sends {\"type\":\"execute\",\"id\":…,\"code\":…}, {\"type\":\"follow\",\"id\":…}, {\"type\":\"stdin\",\"data\":…}, {\"type\":\"end\"} and {\"type\":\"interrupt\"}; " +
		"any of them may have the field authorization with an API key, where headers cannot be set. " +
		"The server sends the events of each cell with their name as the field type and the client's id as the field id, {\"type\":\"input\"} when a cell waits for input, " +
		"{\"type\":\"session\"} with the session after each cell, and {\"type\":\"error\"} for what it could not obey.",
	Answers: []openapi.Answer{{Status: http.StatusSwitchingProtocols}},
}

// Operations lists the operations of the API, for its OpenAPI document.
func (h *Handler) Operations() []openapi.Operation {
	all := []openapi.Operation{connectOperation}
	for _, r := range h.routes() {
		all = append(all, r.Operation)
	}
	return all
}

// Register adds the routes.
func (h *Handler) Register(mux *http.ServeMux) {
	for _, r := range h.routes() {
		pattern := r.pattern
		if pattern == "" {
			pattern = r.Path
		}
		mux.Handle(r.Method+" "+pattern, h.guard.Runner(r.handler))
	}
	mux.Handle(connectOperation.Method+" "+connectOperation.Path, reply.Handler(h.connect))
}
