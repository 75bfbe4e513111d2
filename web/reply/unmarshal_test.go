package reply_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"sandpiper/sandbox"
	"sandpiper/web/reply"
)

type nested struct {
	Name string `json:"name"`
	Size int    `json:"size"`
}

type shape struct {
	Text  string            `json:"text"`
	Count *int64            `json:"count"`
	Flag  bool              `json:"flag"`
	List  []nested          `json:"list"`
	Map   map[string]string `json:"map"`
	Any   any               `json:"any"`
}

func TestUnmarshalRefuses(t *testing.T) {
	tests := []struct {
		name    string
		body    string
		kind    sandbox.Kind
		field   string
		message string // a part of it
	}{
		{"empty", "", sandbox.KindInvalid, "", "empty"},
		{"only space", " \n\t", sandbox.KindInvalid, "", "empty"},
		{"not UTF-8", "{\"text\":\"\xff\"}", sandbox.KindInvalid, "", "UTF-8"},
		{"cut short", `{"text":`, sandbox.KindInvalid, "", "line 1"},
		{"comma too many, with its place", "{\n \"text\": \"é\",}", sandbox.KindInvalid, "", "line 2, column 14"},
		{"trailing value", `{} {}`, sandbox.KindInvalid, "", "line 1, column 4"},
		{"unknown field", `{"bogus":1}`, sandbox.KindUnprocessed, "bogus", `"bogus"`},
		{"unknown field inside", `{"list":[{"weight":1}]}`, sandbox.KindUnprocessed, "weight", `"weight"`},
		{"field twice", `{"text":"a","text":"b"}`, sandbox.KindInvalid, "text", "twice"},
		{"field twice after an object", `{"map":{"a":"b"},"text":"","map":{}}`, sandbox.KindInvalid, "map", "twice"},
		{"field twice in a list", `{"list":[{"size":1},{"size":1,"name":"","size":2}]}`, sandbox.KindInvalid, "size", "twice"},
		{"too deep", `{"any":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`, sandbox.KindInvalid, "", "32 levels"},
		{"far too deep", strings.Repeat("[", 20000), sandbox.KindInvalid, "", "not JSON"},
		{"too many values", `{"any":[` + strings.Repeat("0,", 20_000) + `0]}`, sandbox.KindInvalid, "", "too many"},
		{"string for a number", `{"count":"1"}`, sandbox.KindUnprocessed, "count", "count must be a whole number in range, not a string"},
		{"fraction for a whole number", `{"count":1.5}`, sandbox.KindUnprocessed, "count", "not a number"},
		{"number out of range", `{"count":1e300}`, sandbox.KindUnprocessed, "count", "in range"},
		{"object for a string", `{"text":{}}`, sandbox.KindUnprocessed, "text", "not an object"},
		{"number for a list", `{"list":7}`, sandbox.KindUnprocessed, "list", "must be a list"},
		{"list for a whole", `[1]`, sandbox.KindUnprocessed, "", "the body must be an object, not a list"},
		{"string for a flag", `{"flag":"true"}`, sandbox.KindUnprocessed, "flag", "true or false"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := reply.Unmarshal([]byte(tt.body), &shape{})
			var e *sandbox.Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v, want a *sandbox.Error", err)
			}
			if e.Kind != tt.kind || e.Field != tt.field || !strings.Contains(e.Message, tt.message) {
				t.Errorf("got %s, field %q: %s", e.Kind, e.Field, e.Message)
			}
		})
	}
}

func TestUnmarshalAccepts(t *testing.T) {
	tests := []struct{ name, body, want string }{
		{"nothing set", `{}`, `{"text":"","count":null,"flag":false,"list":null,"map":null,"any":null}`},
		{"all set", ` {"text":"<é>","count":9007199254740993,"flag":true,"list":[{"name":"a","size":1},{"name":"b","size":2}],"map":{"k":"v","K":"w"},"any":[{},{"a":[]}]} `,
			`{"text":"<é>","count":9007199254740993,"flag":true,"list":[{"name":"a","size":1},{"name":"b","size":2}],"map":{"K":"w","k":"v"},"any":[{},{"a":[]}]}`},
		{"the same key in two objects", `{"list":[{"name":"a"},{"name":"b"}]}`, `{"text":"","count":null,"flag":false,"list":[{"name":"a","size":0},{"name":"b","size":0}],"map":null,"any":null}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var v shape
			if err := reply.Unmarshal([]byte(tt.body), &v); err != nil {
				t.Fatal(err)
			}
			got, err := reply.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func FuzzUnmarshal(f *testing.F) {
	for _, seed := range []string{`{}`, `{"text":"a","count":1}`, `{"list":[{"name":"x"}],"map":{"a":"b"}}`, `{"any":[[[{}]]]}`, `{"a":1,"a":2}`, `[`, `null`, "\xff", `{"text":1e999}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var v shape
		err := reply.Unmarshal(data, &v)
		if err == nil {
			if !json.Valid(data) {
				t.Fatalf("accepted what is not JSON: %q", data)
			}
			return
		}
		var e *sandbox.Error
		if !errors.As(err, &e) {
			t.Fatalf("%q: %v is not a *sandbox.Error", data, err)
		}
		if e.Kind != sandbox.KindInvalid && e.Kind != sandbox.KindUnprocessed {
			t.Errorf("%q: kind %s", data, e.Kind)
		}
		if !utf8.ValidString(e.Message) || e.Message == "" {
			t.Errorf("%q: message %q", data, e.Message)
		}
	})
}
