package api

import (
	"net/http"

	"sandpiper/web/api/wire"
	"sandpiper/web/auth"
	"sandpiper/web/reply"
	"sandpiper/web/run/openapi"
)

// document returns the OpenAPI document of the routes, which does not change.
func (h *Handler) document() ([]byte, error) {
	var operations []openapi.Operation
	for _, r := range h.routes() {
		operations = append(operations, r.Operation)
	}
	return openapi.Generate(openapi.Info{
		Title: "Sandpiper control API", Version: h.version,
		Description: "Sandboxes, snapshots, warm pools and keys. The toolbox of a started sandbox answers below its toolboxProxyUrl, a slash and its id; " + toolboxDocument + " describes it.",
	}, operations, wire.Error{})
}

// toolboxDocument is where the document of the toolbox is. It is one of its own,
// as clients of a toolbox are: each sandbox is a server for them.
const toolboxDocument = "/api/toolbox-openapi.json"

// Toolbox is what the toolboxes of sandboxes serve, as their handlers describe it.
type Toolbox struct {
	Operations []openapi.Operation
	Failure    any // a value of the type of every error's body
}

// document returns the OpenAPI document of toolboxes.
func (t Toolbox) document(version string) ([]byte, error) {
	return openapi.Generate(openapi.Info{
		Title: "Sandpiper toolbox API", Version: version,
		Description: "Files, processes, terminals, git, language servers and the desktop of a started sandbox. The server is the sandbox's toolboxProxyUrl, a slash and its id.",
		Server: openapi.Server{
			URL: "/toolbox/{sandboxId}", Variables: map[string]openapi.Variable{"sandboxId": {Default: "sandbox", Description: "The id or the name of the sandbox."}},
		},
	}, t.Operations, t.Failure)
}

// served answers with a document.
func served(document func() ([]byte, error)) reply.Handler {
	return func(w http.ResponseWriter, _ *http.Request) error {
		data, err := document()
		if err != nil {
			return err
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "public, max-age=300")
		_, err = w.Write(data)
		return err
	}
}

// Operation is what people want to know of an operation.
type Operation struct{ Method, Path, Summary, Permission string }

// Operations lists what the API and toolboxes serve, for the page about it.
func (h *Handler) Operations() []Operation {
	var all []Operation
	for _, r := range h.routes() {
		if r.Answers[0].Status != http.StatusNotImplemented {
			all = append(all, Operation{r.Method, r.Path, r.Summary, r.permission})
		}
	}
	for _, o := range h.tools {
		all = append(all, Operation{o.Method, "/toolbox/{sandboxId}" + o.Path, o.Summary, auth.WriteSandboxes})
	}
	return all
}
