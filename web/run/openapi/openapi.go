// Package openapi writes an OpenAPI 3.1 document from Go wire types, so that
// the document says what the code does.
package openapi

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// Info names the API.
type Info struct {
	Title       string `json:"title"`
	Version     string `json:"version"`
	Description string `json:"description,omitempty"`
	Server      Server `json:"-"` // the zero value is the one that the document is from
}

// Server says what the paths of a document begin with.
type Server struct {
	URL       string              `json:"url"`
	Variables map[string]Variable `json:"variables,omitempty"` // of the parts of URL in braces
}

// Variable is a part of the URL of a server that its client fills in.
type Variable struct {
	Default     string `json:"default"`
	Description string `json:"description"`
}

// Operation is one method of one path.
type Operation struct {
	Method, Path string
	ID           string // a name for generated clients
	Summary      string
	Description  string
	Public       bool // needs no credential on any server
	Parameters   []Parameter
	Body         *Content // nil for none
	Answers      []Answer // the good ones; errors have one shape for all
}

// Parameter is a parameter of an operation besides those in its path.
type Parameter struct {
	Name, In    string // In is query or header
	Description string
	Type        string // of JSON Schema
	Required    bool
}

// Answer is what a status means.
type Answer struct {
	Status      int
	Description string
	Content     []Content
}

// Content is a body of one media type.
type Content struct {
	Media       string         // "" means application/json
	Value       any            // a value of the Go type, or nil for bytes
	Description string         // of a body that is no single value
	Events      map[string]any // for streams: a value of the type of each event's data
	Open        bool           // of a request: unknown fields are ignored, where else they are refused
}

// Generate returns the document of the operations as JSON. errorBody is a value
// of the type of every error's body. It fails for types that have no schema.
func Generate(info Info, operations []Operation, errorBody any) ([]byte, error) {
	b := builder{schemas: map[string]*schema{}}
	failure := response{Description: "An error; its kind and message say what to do.", Content: b.content([]Content{{Value: errorBody}})}
	paths := map[string]map[string]operation{}
	for _, o := range operations {
		if paths[o.Path] == nil {
			paths[o.Path] = map[string]operation{}
		}
		paths[o.Path][strings.ToLower(o.Method)] = b.operation(o, failure)
	}
	if b.err != nil {
		return nil, b.err
	}
	var servers []Server
	if info.Server.URL != "" {
		servers = []Server{info.Server}
	}
	return json.Marshal(document{
		OpenAPI: "3.1.0",
		Info:    info,
		Servers: servers,
		Paths:   paths,
		Components: components{
			Schemas:         b.schemas,
			SecuritySchemes: map[string]any{"key": map[string]string{"type": "http", "scheme": "bearer"}},
		},
	})
}

type document struct {
	OpenAPI    string                          `json:"openapi"`
	Info       Info                            `json:"info"`
	Servers    []Server                        `json:"servers,omitempty"`
	Paths      map[string]map[string]operation `json:"paths"`
	Components components                      `json:"components"`
}

type components struct {
	Schemas         map[string]*schema `json:"schemas"`
	SecuritySchemes map[string]any     `json:"securitySchemes"`
}

type operation struct {
	OperationID string                `json:"operationId"`
	Summary     string                `json:"summary"`
	Description string                `json:"description,omitempty"`
	Security    []map[string][]string `json:"security"`
	Parameters  []parameter           `json:"parameters,omitempty"`
	RequestBody *requestBody          `json:"requestBody,omitempty"`
	Responses   map[string]response   `json:"responses"`
}

type parameter struct {
	Name        string  `json:"name"`
	In          string  `json:"in"`
	Description string  `json:"description,omitempty"`
	Required    bool    `json:"required,omitempty"`
	Schema      *schema `json:"schema"`
}

type requestBody struct {
	Required bool             `json:"required"`
	Content  map[string]media `json:"content"`
}

type response struct {
	Description string           `json:"description"`
	Content     map[string]media `json:"content,omitempty"`
}

type media struct {
	Schema *schema            `json:"schema"`
	Events map[string]*schema `json:"x-events,omitempty"`
}

// operation describes o.
func (b *builder) operation(o Operation, failure response) operation {
	op := operation{
		OperationID: o.ID,
		Summary:     o.Summary,
		Description: o.Description,
		Security:    []map[string][]string{{"key": {}}, {}}, // {}: a session, or an open server
		Parameters:  pathParameters(o.Path),
		Responses:   map[string]response{"default": failure},
	}
	if o.Public {
		op.Security = []map[string][]string{}
	}
	for _, p := range o.Parameters {
		op.Parameters = append(op.Parameters, parameter{Name: p.Name, In: p.In, Description: p.Description, Required: p.Required, Schema: &schema{Type: p.Type}})
	}
	if o.Body != nil {
		b.closed = !o.Body.Open
		op.RequestBody = &requestBody{Required: true, Content: b.content([]Content{*o.Body})}
		b.closed = false
	}
	for _, a := range o.Answers {
		op.Responses[strconv.Itoa(a.Status)] = response{Description: answerText(a), Content: b.content(a.Content)}
	}
	return op
}

func answerText(a Answer) string {
	if a.Description == "" {
		return http.StatusText(a.Status)
	}
	return a.Description
}

// pathParameters returns the parameters in braces.
func pathParameters(path string) []parameter {
	var ps []parameter
	for part := range strings.SplitSeq(path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			ps = append(ps, parameter{Name: strings.TrimSuffix(name, "}"), In: "path", Required: true, Schema: &schema{Type: "string"}})
		}
	}
	return ps
}

func (b *builder) content(contents []Content) map[string]media {
	byMedia := map[string]media{}
	for _, c := range contents {
		m := media{Schema: &schema{Type: "string", Description: c.Description}}
		if c.Value != nil {
			m.Schema = b.schemaOf(c.Value)
		}
		for name, value := range c.Events {
			if m.Events == nil {
				m.Events = map[string]*schema{}
			}
			m.Events[name] = b.schemaOf(value)
		}
		if c.Media == "" {
			c.Media = "application/json"
		}
		byMedia[c.Media] = m
	}
	return byMedia
}
