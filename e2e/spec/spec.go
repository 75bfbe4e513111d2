// Package spec reads the published specifications of both APIs, OpenAPI 3 and
// Swagger 2, as far as their answers go, and checks answers against them.
package spec

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Document is a specification.
type Document struct {
	Operations []Operation
	schemas    map[string]*Schema // by reference
}

// Operation is one method of one path.
type Operation struct {
	Method, Path, ID string
	Answers          map[int]*Schema // of each success; nil for one without a JSON body
}

// Schema says what a JSON value must be.
type Schema struct {
	Ref                  string             `json:"$ref"`
	Type                 string             `json:"type"`
	Format               string             `json:"format"`
	Nullable             bool               `json:"nullable"`
	Enum                 []any              `json:"enum"`
	AllOf                []*Schema          `json:"allOf"`
	Items                *Schema            `json:"items"`
	Required             []string           `json:"required"`
	Properties           map[string]*Schema `json:"properties"`
	AdditionalProperties json.RawMessage    `json:"additionalProperties"`
}

// file is what both kinds of specification have of interest.
type file struct {
	Paths       map[string]map[string]json.RawMessage `json:"paths"`
	Definitions map[string]*Schema                    `json:"definitions"`
	Components  struct {
		Schemas map[string]*Schema `json:"schemas"`
	} `json:"components"`
}

type operation struct {
	OperationID string `json:"operationId"`
	Responses   map[string]struct {
		Schema  *Schema `json:"schema"`
		Content map[string]struct {
			Schema *Schema `json:"schema"`
		} `json:"content"`
	} `json:"responses"`
}

var methods = []string{"get", "put", "post", "delete", "patch"}

// Load reads a specification.
func Load(path string) (*Document, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var f file
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	d := &Document{schemas: map[string]*Schema{}}
	for name, s := range f.Definitions {
		d.schemas["#/definitions/"+name] = s
	}
	for name, s := range f.Components.Schemas {
		d.schemas["#/components/schemas/"+name] = s
	}
	for _, path := range slices.Sorted(maps.Keys(f.Paths)) {
		for _, method := range methods {
			if raw, ok := f.Paths[path][method]; ok {
				if err := d.add(strings.ToUpper(method), path, raw); err != nil {
					return nil, err
				}
			}
		}
	}
	return d, nil
}

func (d *Document) add(method, path string, raw json.RawMessage) error {
	var o operation
	if err := json.Unmarshal(raw, &o); err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	op := Operation{Method: method, Path: path, ID: o.OperationID, Answers: map[int]*Schema{}}
	for text, r := range o.Responses {
		status, err := strconv.Atoi(text)
		if err != nil || status >= 400 {
			continue
		}
		s := r.Schema
		if c, ok := r.Content["application/json"]; ok {
			s = c.Schema
		}
		op.Answers[status] = s
	}
	d.Operations = append(d.Operations, op)
	return nil
}

// Check returns what of v is not as s says, each with where it is.
func (d *Document) Check(s *Schema, v any) []string {
	var c checker
	c.check(d, s, v, "$")
	return c.problems
}

// checker collects problems.
type checker struct{ problems []string }

func (c *checker) fail(at, format string, args ...any) {
	c.problems = append(c.problems, at+" "+fmt.Sprintf(format, args...))
}

func (c *checker) check(d *Document, s *Schema, v any, at string) {
	switch {
	case s == nil, v == nil && s.Nullable:
		return
	case s.Ref != "":
		if d.schemas[s.Ref] == nil {
			c.fail(at, "has the unknown type %s", s.Ref)
			return
		}
		c.check(d, d.schemas[s.Ref], v, at)
		return
	}
	for _, part := range s.AllOf {
		c.check(d, part, v, at)
	}
	if s.Enum != nil && !slices.Contains(s.Enum, v) {
		c.fail(at, "is %v, not one of %v", v, s.Enum)
	}
	c.checkType(d, s, v, at)
}

func (c *checker) checkType(d *Document, s *Schema, v any, at string) {
	ok := true
	switch s.Type {
	case "string":
		_, ok = v.(string)
	case "boolean":
		_, ok = v.(bool)
	case "number":
		_, ok = v.(float64)
	case "integer":
		var n float64
		n, ok = v.(float64)
		ok = ok && n == float64(int64(n))
	case "array":
		var list []any
		list, ok = v.([]any)
		for i, item := range list {
			c.check(d, s.Items, item, at+"["+strconv.Itoa(i)+"]")
		}
	case "object":
		var object map[string]any
		if object, ok = v.(map[string]any); ok {
			c.checkObject(d, s, object, at)
		}
	}
	if !ok {
		c.fail(at, "is %T, not %s", v, s.Type)
	}
}

func (c *checker) checkObject(d *Document, s *Schema, object map[string]any, at string) {
	for _, name := range s.Required {
		if _, ok := object[name]; !ok {
			c.fail(at, "has no %s", name)
		}
	}
	var other *Schema // of fields that are not named; nil for whatever
	_ = json.Unmarshal(s.AdditionalProperties, &other)
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if property, ok := s.Properties[name]; ok {
			c.check(d, property, object[name], at+"."+name)
		} else {
			c.check(d, other, object[name], at+"."+name)
		}
	}
}
