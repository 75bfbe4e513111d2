package main

import (
	"slices"
	"strings"

	"sandpiper/computeruse"
	"sandpiper/sandbox/toolbox"
	"sandpiper/sandbox/toolbox/answer"
	"sandpiper/web/api"
	"sandpiper/web/run/openapi"
)

// toolboxAPI describes what toolboxes serve, desktops included, by their own routes.
func toolboxAPI() api.Toolbox {
	t := api.Toolbox{Failure: answer.Failure{}}
	for _, r := range slices.Concat(toolbox.Routes(), computeruse.Routes()) {
		t.Operations = append(t.Operations, describe(r))
	}
	return t
}

// describe returns a route of the toolbox as an operation of a document.
func describe(r answer.Route) openapi.Operation {
	method, path, _ := strings.Cut(r.Pattern, " ")
	o := openapi.Operation{Method: method, Path: path, ID: r.ID, Summary: r.Summary}
	for _, p := range r.Query {
		o.Parameters = append(o.Parameters, openapi.Parameter{Name: p.Name, In: "query", Type: p.Type, Required: p.Required})
	}
	if r.Body != nil {
		o.Body = &openapi.Content{Value: r.Body, Open: true}
		if r.Form {
			o.Body.Media = "multipart/form-data"
		}
	}
	var content []openapi.Content
	if r.Answer != nil || r.Media != "" {
		content = []openapi.Content{{Value: r.Answer, Media: r.Media}}
	}
	for _, status := range []int{r.Status, r.Other} {
		if status != 0 {
			o.Answers = append(o.Answers, openapi.Answer{Status: status, Content: content})
		}
	}
	return o
}
