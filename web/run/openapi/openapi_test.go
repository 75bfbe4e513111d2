package openapi_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"sandpiper/web/run/openapi"
)

type Inner struct {
	Word string `json:"word" doc:"A word." enum:"a,b"`
}

type Outer struct {
	Inner
	Count  *int64            `json:"count,omitempty" default:"7"`
	List   []Inner           `json:"list"`
	Map    map[string]string `json:"map"`
	Any    any               `json:"any"`
	Ratio  float64           `json:"ratio"`
	When   time.Time         `json:"when"`
	Raw    json.RawMessage   `json:"raw"`
	File   []byte            `json:"file"`
	Hidden bool              `json:"hidden,omitempty" default:"no"`
}

type Failure struct {
	Message string `json:"message"`
}

func TestGenerate(t *testing.T) {
	doc, err := openapi.Generate(openapi.Info{Title: "T", Version: "1", Server: openapi.Server{URL: "/{x}", Variables: map[string]openapi.Variable{"x": {Default: "1", Description: "An x."}}}}, []openapi.Operation{
		{Method: "POST", Path: "/things/{id}", ID: "make", Summary: "Make", Body: &openapi.Content{Value: Inner{}},
			Parameters: []openapi.Parameter{{Name: "X", In: "header", Type: "string"}, {Name: "q", In: "query", Type: "integer", Required: true}},
			Answers: []openapi.Answer{{Status: 200, Content: []openapi.Content{{Value: Outer{}},
				{Media: "text/event-stream", Description: "Events.", Events: map[string]any{"made": Inner{}}}}}}},
		{Method: "GET", Path: "/things/{id}", ID: "get", Summary: "Get", Public: true, Answers: []openapi.Answer{{Status: 204}}},
	}, Failure{})
	if err != nil {
		t.Fatal(err)
	}
	const inner = `{"word":{"type":"string","description":"A word.","enum":["a","b"]}`
	want := `{"openapi":"3.1.0","info":{"title":"T","version":"1"},"servers":[{"url":"/{x}","variables":{"x":{"default":"1","description":"An x."}}}],
	"paths":{"/things/{id}":{
		"post":{"operationId":"make","summary":"Make","security":[{"key":[]},{}],
			"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"string"}},{"name":"X","in":"header","schema":{"type":"string"}},{"name":"q","in":"query","required":true,"schema":{"type":"integer"}}],
			"requestBody":{"required":true,"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Inner"}}}},
			"responses":{
				"200":{"description":"OK","content":{"application/json":{"schema":{"$ref":"#/components/schemas/Outer"}},
					"text/event-stream":{"schema":{"type":"string","description":"Events."},"x-events":{"made":{"$ref":"#/components/schemas/Inner"}}}}},
				"default":{"description":"An error; its kind and message say what to do.","content":{"application/json":{"schema":{"$ref":"#/components/schemas/Failure"}}}}}},
		"get":{"operationId":"get","summary":"Get","security":[],
			"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"string"}}],
			"responses":{"204":{"description":"No Content"},
				"default":{"description":"An error; its kind and message say what to do.","content":{"application/json":{"schema":{"$ref":"#/components/schemas/Failure"}}}}}}}},
	"components":{"securitySchemes":{"key":{"type":"http","scheme":"bearer"}},"schemas":{
		"Failure":{"type":"object","properties":{"message":{"type":"string"}},"required":["message"]},
		"Inner":{"type":"object","properties":` + inner + `},"required":["word"],"additionalProperties":false},
		"Outer":{"type":"object","properties":` + strings.TrimSuffix(inner, "}") + `},
			"count":{"type":"integer","default":7},"list":{"type":"array","items":{"$ref":"#/components/schemas/Inner"}},
			"map":{"type":"object","additionalProperties":{"type":"string"}},"any":{},"ratio":{"type":"number"},
			"when":{"type":"string","format":"date-time"},"raw":{},"file":{"type":"string","format":"binary"},"hidden":{"type":"boolean","default":"no"}},
			"required":["word","list","map","any","ratio","when","raw","file"]}}}}`
	var got, wanted any
	if err := json.Unmarshal(doc, &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, wanted) {
		t.Errorf("got %s", doc)
	}
}

func TestGenerateRefusesTypesWithoutASchema(t *testing.T) {
	for name, value := range map[string]any{
		"a channel":                make(chan int),
		"a field without a name":   struct{ X int }{},
		"a function deep in there": []map[string][]func(){},
	} {
		_, err := openapi.Generate(openapi.Info{}, []openapi.Operation{{Method: "GET", Path: "/", Answers: []openapi.Answer{{Status: 200, Content: []openapi.Content{{Value: value}}}}}}, Failure{})
		if err == nil || !strings.Contains(err.Error(), "no schema for") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
