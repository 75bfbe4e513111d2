package live

import (
	"strings"

	"sandpiper/sandbox"
)

// The contents of messages that are written in more than one place.
type (
	statusContent struct {
		State string `json:"execution_state"`
	}
	streamContent struct {
		Name string `json:"name"`
		Text string `json:"text"`
	}
	shutdownContent struct {
		Status  string `json:"status"`
		Restart bool   `json:"restart"`
	}
	failureContent struct {
		Status    string   `json:"status,omitempty"`
		Name      string   `json:"ename"`
		Value     string   `json:"evalue"`
		Traceback []string `json:"traceback"`
	}
	okContent struct {
		Status string `json:"status"`
	}
)

var (
	okay    = okContent{"ok"}
	aborted = okContent{"aborted"}
)

// waits are the requests that need the interpreter.
var waits = map[string]bool{"execute_request": true, "complete_request": true, "inspect_request": true, "is_complete_request": true}

// replyType is the type of the answer to a request.
func replyType(request string) string { return strings.TrimSuffix(request, "_request") + "_reply" }

// failure is what is said of a request that failed.
func failure(name, value string) failureContent {
	return failureContent{Status: "error", Name: name, Value: value, Traceback: []string{name + ": " + value}}
}

// failureOf is failure for an error of this server.
func failureOf(err *sandbox.Error) failureContent {
	name := "SessionError"
	switch err.Kind {
	case sandbox.KindBusy:
		name = "Busy"
	case sandbox.KindInternal:
		name = "InternalError"
	}
	return failure(name, err.Message)
}
