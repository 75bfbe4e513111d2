package openapi

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// schema is a JSON Schema, as far as wire types need it.
type schema struct {
	Ref                  string             `json:"$ref,omitempty"`
	Type                 string             `json:"type,omitempty"`
	Format               string             `json:"format,omitempty"`
	Description          string             `json:"description,omitempty"`
	Enum                 []string           `json:"enum,omitempty"`
	Default              any                `json:"default,omitempty"`
	Items                *schema            `json:"items,omitempty"`
	Properties           map[string]*schema `json:"properties,omitempty"`
	Required             []string           `json:"required,omitempty"`
	AdditionalProperties any                `json:"additionalProperties,omitempty"` // *schema or false
}

// builder makes schemas and collects those of named structs.
type builder struct {
	schemas map[string]*schema
	closed  bool  // structs that are met allow no other fields
	err     error // of the first type that has no schema
}

// unsupported notes that a type has no schema.
func (b *builder) unsupported(what string) *schema {
	if b.err == nil {
		b.err = fmt.Errorf("no schema for %s", what)
	}
	return &schema{}
}

func (b *builder) schemaOf(v any) *schema { return b.typeSchema(reflect.TypeOf(v)) }

func (b *builder) typeSchema(t reflect.Type) *schema {
	switch t {
	case reflect.TypeFor[time.Time]():
		return &schema{Type: "string", Format: "date-time"}
	case reflect.TypeFor[json.RawMessage]():
		return &schema{} // anything
	case reflect.TypeFor[[]byte]():
		return &schema{Type: "string", Format: "binary"} // a file in a form
	}
	switch t.Kind() {
	case reflect.Pointer:
		return b.typeSchema(t.Elem()) // a field that may be left out
	case reflect.String:
		return &schema{Type: "string"}
	case reflect.Bool:
		return &schema{Type: "boolean"}
	case reflect.Int, reflect.Int64:
		return &schema{Type: "integer"}
	case reflect.Float64:
		return &schema{Type: "number"}
	case reflect.Interface:
		return &schema{}
	case reflect.Slice:
		return &schema{Type: "array", Items: b.typeSchema(t.Elem())}
	case reflect.Map:
		return &schema{Type: "object", AdditionalProperties: b.typeSchema(t.Elem())}
	case reflect.Struct:
		return b.structSchema(t)
	default:
		return b.unsupported(t.String())
	}
}

// structSchema returns a reference to the schema of a struct.
func (b *builder) structSchema(t reflect.Type) *schema {
	s := b.schemas[t.Name()]
	if s == nil || b.closed && s.AdditionalProperties == nil {
		s = &schema{Type: "object", Properties: map[string]*schema{}}
		if b.closed {
			s.AdditionalProperties = false
		}
		b.schemas[t.Name()] = s
		b.addFields(s, t)
	}
	return &schema{Ref: "#/components/schemas/" + t.Name()}
}

// addFields adds the fields of t to s, those of embedded structs as its own.
func (b *builder) addFields(s *schema, t reflect.Type) {
	for f := range t.Fields() {
		if f.Anonymous {
			b.addFields(s, f.Type)
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" {
			b.unsupported(t.String() + "." + f.Name + ", which has no name on the wire")
			continue
		}
		s.Properties[name] = b.fieldSchema(f)
		if !strings.Contains(options, "omitempty") {
			s.Required = append(s.Required, name)
		}
	}
}

// fieldSchema is the schema of a field's type with what its tags add.
func (b *builder) fieldSchema(f reflect.StructField) *schema {
	s := b.typeSchema(f.Type)
	s.Description = f.Tag.Get("doc")
	if enum := f.Tag.Get("enum"); enum != "" {
		s.Enum = strings.Split(enum, ",")
	}
	if def, ok := f.Tag.Lookup("default"); ok {
		s.Default = def
		if n, err := strconv.Atoi(def); err == nil {
			s.Default = n
		}
	}
	return s
}
