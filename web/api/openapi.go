package api

import (
	"net/http"

	"sandpiper/web/api/wire"
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
		Description: "Sandboxes, snapshots, warm pools and keys. The toolbox of a started sandbox answers below its toolboxProxyUrl, a slash and its id.",
	}, operations, wire.Error{})
}

func (h *Handler) getOpenAPI(w http.ResponseWriter, _ *http.Request) error {
	data, err := h.openAPI()
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "public, max-age=300")
	_, err = w.Write(data)
	return err
}

// Operation is what people want to know of an operation.
type Operation struct{ Method, Path, Summary, Permission string }

// Operations lists what the API serves, for the page about it.
func (h *Handler) Operations() []Operation {
	var all []Operation
	for _, r := range h.routes() {
		if r.Answers[0].Status != http.StatusNotImplemented {
			all = append(all, Operation{r.Method, r.Path, r.Summary, r.permission})
		}
	}
	return all
}
