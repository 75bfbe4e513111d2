package kernel_test

import (
	"strings"
	"testing"

	"sandpiper/runtimes/wasm/kernel"
)

func TestParseAnswer(t *testing.T) {
	tests := []struct {
		name, json string
		end        kernel.End
		text       string // of the result
		err        string // of the error, "name: value"
		line       int
	}{
		{name: "nothing to show", json: `{}`},
		{name: "null", json: `{"result":null,"error":null}`},
		{name: "result", json: `{"result":{"data":{"text/plain":"1","text/html":"<b>1</b>"},"metadata":{}}}`, text: "1"},
		{name: "result that is none", json: `{"result":{"data":{}}}`, text: `[the result cannot be shown: "data" must have 1 to 16 MIME types]`},
		{name: "result of a wrong type", json: `{"result":7}`, text: "[the result cannot be shown: "},
		{name: "error", json: `{"end":"error","error":{"name":"ValueError","value":"no","traceback":["a","b"],"line":3,"column":5}}`,
			end: kernel.EndError, err: "ValueError: no", line: 3},
		{name: "exit", json: `{"end":"exit","exitCode":259,"error":{"name":"SystemExit","value":"3","traceback":[]}}`, end: kernel.EndExit, err: "SystemExit: 3"},
		{name: "line that is none", json: `{"end":"error","error":{"name":"E","line":-3}}`, end: kernel.EndError, err: "E: "},
		{name: "empty", json: ``, end: kernel.EndError, err: "UnreadableAnswer: the cell gave no answer"},
		{name: "not JSON", json: `{`, end: kernel.EndError, err: "UnreadableAnswer: the answer is not valid JSON: "},
		{name: "unknown end", json: `{"end":"well"}`, end: kernel.EndError, err: "UnreadableAnswer: the answer has the unknown end"},
		{name: "error without one", json: `{"end":"error"}`, end: kernel.EndError, err: "UnreadableAnswer: an answer has an error"},
		{name: "good end with an error", json: `{"error":{"name":"E"}}`, end: kernel.EndError, err: "UnreadableAnswer: an answer has an error"},
		{name: "too large", json: strings.Repeat(" ", kernel.MaxAnswer) + `{}`, end: kernel.EndError, err: "UnreadableAnswer: the answer has more than"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := kernel.ParseAnswer([]byte(tt.json))
			if a.End != tt.end || (a.Error == nil) != (tt.err == "") || (a.Result == nil) != (tt.text == "") {
				t.Fatalf("answer %+v", a)
			}
			if a.Error != nil && !strings.HasPrefix(a.Error.Name+": "+a.Error.Value, tt.err) {
				t.Errorf("error %+v", a.Error)
			}
			if a.Result != nil && !strings.HasPrefix(a.Result.Data["text/plain"].(string), tt.text) {
				t.Errorf("result %+v", a.Result)
			}
			if len(a.Diagnostics) > 0 != (tt.line > 0) || tt.line > 0 && (a.Diagnostics[0].Line != tt.line || a.Diagnostics[0].File != kernel.CellFile) {
				t.Errorf("diagnostics %+v", a.Diagnostics)
			}
		})
	}
	if a := kernel.ParseAnswer([]byte(`{"end":"exit","exitCode":259,"error":{}}`)); a.ExitCode != 3 {
		t.Errorf("exit code %d", a.ExitCode)
	}
}

func FuzzParseAnswer(f *testing.F) {
	f.Add([]byte(`{"end":"error","exitCode":1,"error":{"name":"E","value":"v","traceback":["a"],"line":1,"column":2}}`))
	f.Add([]byte(`{"result":{"data":{"text/plain":"1"}}}`))
	f.Add([]byte(`{"end":"error","error":{"traceback":["` + strings.Repeat(`x","`, 600) + `"]}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		a := kernel.ParseAnswer(b)
		if a.Error != nil && len(a.Error.Traceback) > 501 {
			t.Errorf("%d lines", len(a.Error.Traceback))
		}
		if (a.End == kernel.EndOK) != (a.Error == nil) {
			t.Errorf("answer %+v", a)
		}
		if a.ExitCode < 0 || a.ExitCode > 255 {
			t.Errorf("exit code %d", a.ExitCode)
		}
	})
}
