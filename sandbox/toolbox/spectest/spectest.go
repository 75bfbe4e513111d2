// Package spectest checks answers of the toolbox against its specification,
// where that lies beside the repository.
package spectest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
)

type schema struct {
	Ref        string             `json:"$ref"`
	Type       string             `json:"type"`
	Required   []string           `json:"required"`
	Enum       []any              `json:"enum"`
	Properties map[string]*schema `json:"properties"`
	Items      *schema            `json:"items"`
	AllOf      []*schema          `json:"allOf"`
}

type spec struct {
	Definitions map[string]*schema `json:"definitions"`
}

// Check fails t when body is not JSON of the type that the specification defines
// under that name; "[]Name" is an array of it.
func Check(t testing.TB, definition string, body []byte) {
	t.Helper()
	s := load(t)
	if s == nil {
		return
	}
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		t.Errorf("the answer is not JSON: %v\n%s", err, body)
		return
	}
	want := &schema{Ref: "#/definitions/" + definition}
	if definition[0] == '[' {
		want = &schema{Type: "array", Items: &schema{Ref: "#/definitions/" + definition[2:]}}
	}
	if err := s.check(want, v, "$"); err != nil {
		t.Errorf("not a %s: %v\n%s", definition, err, body)
	}
}

// load returns nil where the specification is not.
func load(t testing.TB) *spec {
	_, here, _, _ := runtime.Caller(0)
	data, err := os.ReadFile(filepath.Join(filepath.Dir(here), "../../../../shared/spec/toolbox.json"))
	if err != nil {
		return nil
	}
	var s spec
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	return &s
}

func (s *spec) check(want *schema, v any, at string) error {
	if name := filepath.Base(want.Ref); want.Ref != "" {
		if s.Definitions[name] == nil {
			return fmt.Errorf("%s: the specification has no %s", at, name)
		}
		want = s.Definitions[name]
	}
	for _, part := range want.AllOf {
		if err := s.check(part, v, at); err != nil {
			return err
		}
	}
	if want.Enum != nil && !slices.Contains(want.Enum, v) {
		return fmt.Errorf("%s: %v is not one of %v", at, v, want.Enum)
	}
	return s.checkType(want, v, at)
}

func (s *spec) checkType(want *schema, v any, at string) error {
	ok := true
	switch want.Type {
	case "string":
		_, ok = v.(string)
	case "boolean":
		_, ok = v.(bool)
	case "integer":
		var f float64
		f, ok = v.(float64)
		ok = ok && f == float64(int64(f))
	case "array":
		return s.checkArray(want, v, at)
	case "object":
		return s.checkObject(want, v, at)
	}
	if !ok {
		return fmt.Errorf("%s: %v is not of type %s", at, v, want.Type)
	}
	return nil
}

func (s *spec) checkArray(want *schema, v any, at string) error {
	list, ok := v.([]any)
	if !ok {
		return fmt.Errorf("%s: %v is not an array", at, v)
	}
	for i, item := range list {
		if err := s.check(want.Items, item, fmt.Sprintf("%s[%d]", at, i)); err != nil {
			return err
		}
	}
	return nil
}

func (s *spec) checkObject(want *schema, v any, at string) error {
	object, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("%s: %v is not an object", at, v)
	}
	for _, key := range want.Required {
		if object[key] == nil {
			return fmt.Errorf("%s: %s is missing", at, key)
		}
	}
	for key, value := range object {
		if want.Properties == nil {
			break
		}
		if value == nil {
			continue // it is not required, or was found missing
		}
		field := want.Properties[key]
		if field == nil {
			return fmt.Errorf("%s: %s is not in the specification", at, key)
		}
		if err := s.check(field, value, at+"."+key); err != nil {
			return err
		}
	}
	return nil
}
