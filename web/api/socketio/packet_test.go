package socketio

import (
	"encoding/json"
	"testing"
)

func TestParse(t *testing.T) {
	for message, want := range map[string]packet{
		"":                            {},
		"x":                           {},
		"1":                           {kind: kindClose},
		"3":                           {kind: kindPong},
		"4":                           {},
		"40":                          {kind: kindConnect},
		"41":                          {kind: kindDisconnect},
		`42["event"]`:                 {},
		`40{"token":"a"}`:             {kind: kindConnect, data: json.RawMessage(`{"token":"a"}`)},
		`40{"token"`:                  {kind: kindConnect},
		`40/,{}`:                      {kind: kindConnect, data: json.RawMessage(`{}`)},
		`40/admin,{}`:                 {kind: kindConnect, namespace: "/admin", data: json.RawMessage(`{}`)},
		`40/admin?token=1234,{"a":1}`: {kind: kindConnect, namespace: "/admin", data: json.RawMessage(`{"a":1}`)},
		`40/admin`:                    {kind: kindConnect, namespace: "/admin"},
	} {
		got := parse([]byte(message))
		if got.kind != want.kind || got.namespace != want.namespace || string(got.data) != string(want.data) {
			t.Errorf("%s: got %+v, want %+v", message, got, want)
		}
	}
	if got := parse([]byte("2probe")); got.kind != kindPing || string(got.probe) != "probe" {
		t.Errorf("got %+v", got)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "0", "1", "2probe", "3", "4", "40", `40{"token":"x"}`, `40/a,{}`, "41", `42["a"]`, `451-["a",{"_placeholder":true}]`, "b4AQ==", "40/?,"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		p := parse(message)
		if p.data != nil && !json.Valid(p.data) {
			t.Errorf("%q: data %q is not JSON", message, p.data)
		}
		if p.kind != kindConnect && p.kind != kindDisconnect && p.namespace != "" {
			t.Errorf("%q: a namespace for what has none", message)
		}
	})
}
