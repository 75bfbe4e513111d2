package spec_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sandpiper/e2e/spec"
)

const three = `{"openapi":"3.0.0","paths":{"/a/{id}":{"get":{"operationId":"getA","parameters":[],
	"responses":{"200":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/A"}}}},"404":{}}},
	"parameters":[],"delete":{"operationId":"deleteA","responses":{"204":{"description":""},"default":{}}}}},
	"components":{"schemas":{
	"A":{"type":"object","required":["id","state"],"properties":{"id":{"type":"string"},"state":{"allOf":[{"$ref":"#/components/schemas/State"}]},
		"size":{"type":"number","nullable":true},"n":{"type":"integer"},"ok":{"type":"boolean"},"list":{"type":"array","items":{"$ref":"#/components/schemas/A"}},
		"env":{"type":"object","additionalProperties":{"type":"string"}},"any":{"type":"object","additionalProperties":true},"gone":{"$ref":"#/x"}}},
	"State":{"type":"string","enum":["on","off"]}}}}`

const two = `{"swagger":"2.0","paths":{"/b":{"post":{"operationId":"B","responses":{"201":{"schema":{"type":"array","items":{"$ref":"#/definitions/B"}}}}}}},
	"definitions":{"B":{"type":"string"}}}`

func load(t *testing.T, text string) *spec.Document {
	t.Helper()
	path := filepath.Join(t.TempDir(), "spec.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := spec.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestLoad(t *testing.T) {
	d := load(t, three)
	if len(d.Operations) != 2 || d.Operations[0].ID != "getA" || d.Operations[0].Answers[200] == nil || len(d.Operations[0].Answers) != 1 ||
		d.Operations[1].Method != "DELETE" {
		t.Errorf("got %+v", d.Operations)
	}
	if _, known := d.Operations[1].Answers[204]; !known {
		t.Errorf("got %+v", d.Operations[1])
	}
	if d := load(t, two); len(d.Operations) != 1 || d.Operations[0].Path != "/b" || len(d.Check(d.Operations[0].Answers[201], []any{"x", 1.0})) != 1 {
		t.Errorf("got %+v", d.Operations)
	}
}

func TestCheck(t *testing.T) {
	d := load(t, three)
	for text, want := range map[string]string{
		`{"id":"1","state":"on"}`:                              "",
		`{"id":"1","state":"on","size":null,"more":[1]}`:       "",
		`{"id":"1","state":"on","env":{"a":"b"}}`:              "",
		`{"id":"1","state":"on","any":{"a":{"b":1}}}`:          "",
		`{"id":"1","state":"broken"}`:                          "$.state is broken, not one of [on off]",
		`{"id":"1"}`:                                           "$ has no state",
		`{"id":null,"state":"on"}`:                             "$.id is <nil>, not string",
		`{"id":"1","state":"on","n":1.5}`:                      "$.n is float64, not integer",
		`{"id":"1","state":"on","ok":"yes"}`:                   "$.ok is string, not boolean",
		`{"id":"1","state":"on","env":{"a":1}}`:                "$.env.a is float64, not string",
		`{"id":"1","state":"on","list":[{"id":"","state":1}]}`: "$.list[0].state is 1, not one of [on off]\n$.list[0].state is float64, not string",
		`{"id":"1","state":"on","gone":1}`:                     "$.gone has the unknown type #/x",
		`[]`:                                                   "$ is []interface {}, not object",
	} {
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(d.Check(d.Operations[0].Answers[200], v), "\n"); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}
