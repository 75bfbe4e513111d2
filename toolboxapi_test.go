package main

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"sandpiper/web/run/openapi"
)

// shape is a schema of either document, as far as they are compared.
type shape struct {
	Ref        string            `json:"$ref"`
	Type       string            `json:"type"`
	Items      *shape            `json:"items"`
	AllOf      []*shape          `json:"allOf"`
	Properties map[string]*shape `json:"properties"`
	Required   []string          `json:"required"`
}

// description is an OpenAPI document, version 2 or 3.
type description struct {
	Paths       map[string]map[string]described `json:"paths"`
	Definitions map[string]*shape               `json:"definitions"`
	Components  struct {
		Schemas map[string]*shape `json:"schemas"`
	} `json:"components"`
}

type described struct {
	OperationID string      `json:"operationId"`
	Parameters  []parameter `json:"parameters"`
	RequestBody struct {
		Content map[string]struct{ Schema *shape } `json:"content"`
	} `json:"requestBody"`
	Responses map[string]struct {
		Schema  *shape                             `json:"schema"`
		Content map[string]struct{ Schema *shape } `json:"content"`
	} `json:"responses"`
}

type parameter struct {
	Name, In, Type string
	Schema         *shape
}

func read(t *testing.T, data []byte) *description {
	t.Helper()
	var d description
	if err := json.Unmarshal(data, &d); err != nil {
		t.Fatal(err)
	}
	return &d
}

// resolve follows references.
func (d *description) resolve(s *shape) *shape {
	for s != nil && (s.Ref != "" || len(s.AllOf) == 1) {
		name := s.Ref[strings.LastIndex(s.Ref, "/")+1:]
		switch {
		case s.Ref == "":
			s = s.AllOf[0]
		case d.Definitions[name] != nil:
			s = d.Definitions[name]
		default:
			s = d.Components.Schemas[name]
		}
	}
	return s
}

// toolboxDocument returns the document of the toolbox.
func toolboxDocument(t *testing.T) *description {
	t.Helper()
	api := toolboxAPI()
	data, err := openapi.Generate(openapi.Info{Title: "T"}, api.Operations, api.Failure)
	if err != nil {
		t.Fatal(err)
	}
	return read(t, data)
}

// TestToolboxDocument looks at one operation of the document of the toolbox, and
// at the names of all.
func TestToolboxDocument(t *testing.T) {
	d := toolboxDocument(t)
	ids := map[string]bool{}
	for path, methods := range d.Paths {
		for method, o := range methods {
			if o.OperationID == "" || ids[o.OperationID] {
				t.Errorf("%s %s has the name %q, which is none or another's", method, path, o.OperationID)
			}
			ids[o.OperationID] = true
		}
	}
	run := d.Paths["/process/execute"]["post"]
	body, result := d.resolve(run.RequestBody.Content["application/json"].Schema), d.resolve(run.Responses["200"].Content["application/json"].Schema)
	if !slices.Equal(body.Required, []string{"command"}) || body.Properties["envs"].Type != "object" || result.Properties["exitCode"].Type != "integer" {
		t.Errorf("a command takes %+v and gives %+v", body, result)
	}
	if d.Paths["/computeruse/screenshot"]["get"].OperationID != "TakeScreenshot" {
		t.Error("desktops are not described")
	}
}

// TestToolboxDocumentAgrees compares the document with the published specification,
// where that lies beside the repository.
func TestToolboxDocumentAgrees(t *testing.T) {
	data, err := os.ReadFile("../shared/spec/toolbox.json")
	if err != nil {
		return
	}
	ours, theirs := toolboxDocument(t), read(t, data)
	for path, methods := range theirs.Paths {
		for method, want := range methods {
			t.Run(method+path, func(t *testing.T) {
				got := ours.Paths[path][method]
				if got.OperationID != want.OperationID {
					t.Fatalf("its name is %q, want %q", got.OperationID, want.OperationID)
				}
				for _, p := range want.Parameters {
					switch p.In {
					case "body":
						agree(t, ours, got.RequestBody.Content["application/json"].Schema, theirs, p.Schema, "the body")
					case "query":
						if !slices.ContainsFunc(got.Parameters, func(o parameter) bool {
							return o.Name == p.Name && o.In == p.In && o.Schema.Type == p.Type
						}) {
							t.Errorf("there is no parameter %s of type %s", p.Name, p.Type)
						}
					}
				}
				for status, r := range want.Responses {
					if status >= "3" {
						continue
					}
					mine, ok := got.Responses[status]
					if !ok {
						t.Errorf("it does not answer %s", status)
					}
					if s := theirs.resolve(r.Schema); s != nil && (s.Properties != nil || s.Items != nil) {
						agree(t, ours, mine.Content["application/json"].Schema, theirs, r.Schema, "the answer")
					}
				}
			})
		}
	}
}

// agree compares two schemas down to their leaves.
func agree(t *testing.T, ours *description, a *shape, theirs *description, b *shape, at string) {
	t.Helper()
	a, b = ours.resolve(a), theirs.resolve(b)
	if a == nil || b == nil {
		t.Errorf("%s is described by one only", at)
		return
	}
	if a.Type == "" || a.Type == "number" && b.Type == "integer" {
		return // ours takes more: any chart, and half seconds
	}
	if b.Type != "" && a.Type != b.Type {
		t.Errorf("%s is of type %s, want %s", at, a.Type, b.Type)
	}
	for name, want := range b.Properties {
		if mine := a.Properties[name]; mine == nil {
			t.Errorf("%s has no %s", at, name)
		} else if !(name == "children" || name == "root" || name == "matches") { // trees have no end
			agree(t, ours, mine, theirs, want, at+"."+name)
		}
		if slices.Contains(b.Required, name) && !slices.Contains(a.Required, name) {
			t.Errorf("%s.%s is not said to be required", at, name)
		}
	}
	if b.Items != nil {
		agree(t, ours, a.Items, theirs, b.Items, at+"[]")
	}
}
