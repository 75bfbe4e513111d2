package run_test

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sandpiper/sandbox"
	"sandpiper/sandbox/scheduler"
	"sandpiper/web/apitype"
	"sandpiper/web/run/runtest"
)

// script returns a request body that runs the commands of a scripted program,
// with more fields after it.
func script(program string, fields ...string) string {
	return `{"language":"script","code":` + runtest.Quote(program) + strings.Join(append([]string{""}, fields...), ",") + `}`
}

func TestResultHasExactlyTheDocumentedFields(t *testing.T) {
	s := runtest.New(t, runtest.Options{})
	res, body := s.Do(t, "POST", "/v1/run", script("print hello"))
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "application/json" || res.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("got %s %v: %s", res.Status, res.Header, body)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	for _, vary := range []string{"id", "wall_ms", "cpu_ms", "memory_bytes"} {
		switch v := got[vary].(type) {
		case string:
			if len(v) != 26 {
				t.Errorf("%s is %q", vary, v)
			}
		case float64:
			if v <= 0 {
				t.Errorf("%s is %v", vary, v)
			}
		default:
			t.Errorf("%s is %T", vary, v)
		}
		delete(got, vary)
	}
	want := map[string]any{
		"language": "script", "version": "1.2.3", "engine": "wasm", "reason": got["reason"],
		"status": "ok", "message": "", "exit_code": 0.0, "signal": "", "stdout": "hello\n", "stderr": "",
		"outputs": []any{}, "diagnostics": []any{}, "files": []any{},
		"truncated": map[string]any{"stdout": false, "stderr": false},
	}
	if !reflect.DeepEqual(got, want) || got["reason"] == "" {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestResultTellsTheWholeStory(t *testing.T) {
	s := runtest.New(t, runtest.Options{})
	program := strings.Join([]string{
		"print hello", "eprint oops", "display image/svg+xml <svg/>", "diag 3 bad thing",
		"file a.txt text", "file sub/b.bin \xff\xfe", "args", "env", "cat data.bin", "readline", "exit 3",
	}, "\n")
	// A program file in base64 keeps bytes that are not UTF-8.
	code := base64.StdEncoding.EncodeToString([]byte(program))
	_, body := s.Do(t, "POST", "/v1/run", `{"language":"SCR","version":"1.2","files":[
		{"name":"main.txt","content":"`+code+`","encoding":"base64"},{"name":"data.bin","content":"data\n"}],
		"stdin":"typed\n","args":["one","two"],"env":{"K":"v"},"timeout_ms":5000,"memory_mb":64,"engine":"wasm"}`)
	got := runtest.Decode[apitype.Result](t, body)
	got.ID, got.WallMS, got.CPUMS = "", 0, 0
	want := apitype.Result{
		Language: "script", Version: "1.2.3", Engine: "wasm", Reason: "asked for by the request",
		Status: "error", Message: "Ended with exit code 3.", ExitCode: 3,
		Stdout: "hello\none two\nK=v\ndata\ntyped\n", Stderr: "oops\n",
		Outputs:     []apitype.Display{{Data: map[string]any{"image/svg+xml": "<svg/>"}, Metadata: map[string]any{}}},
		Diagnostics: []apitype.Diagnostic{{File: "main.txt", Line: 3, Severity: "error", Message: "bad thing"}},
		Files: []apitype.OutputFile{
			{Name: "a.txt", Size: 4, Content: "text"},
			{Name: "sub/b.bin", Size: 2, Content: "//4=", Encoding: "base64"},
		},
		MemoryBytes: 1 << 20,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	limits := s.Runner.Started()[0].Limits
	if limits.Wall.Milliseconds() != 5000 || limits.CPU.Milliseconds() != 5000 || limits.MemoryBytes != 64<<20 {
		t.Errorf("limits %+v", limits)
	}
}

func TestStatuses(t *testing.T) {
	s := runtest.New(t, runtest.Options{})
	tests := []struct {
		name, body     string
		status, signal string
		exitCode       int
		truncated      apitype.Truncated
	}{
		{"ok", script("print hi"), "ok", "", 0, apitype.Truncated{}},
		{"error", script("exit 2"), "error", "", 2, apitype.Truncated{}},
		{"timeout", script("loop", `"timeout_ms":50`), "timeout", "SIGKILL", 137, apitype.Truncated{}},
		{"memory", script("memory"), "memory_limit", "SIGKILL", 137, apitype.Truncated{}},
		{"output", script("flood"), "output_limit", "SIGKILL", 137, apitype.Truncated{Stdout: true}},
		{"internal", script("panic at the disco"), "internal", "", 1, apitype.Truncated{}},
		{"rejected by the engine", script("reject no"), "error", "", 1, apitype.Truncated{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res, body := s.Do(t, "POST", "/v1/run", tt.body)
			if res.StatusCode != 200 {
				t.Fatalf("got %s: %s", res.Status, body)
			}
			got := runtest.Decode[apitype.Result](t, body)
			if got.Status != tt.status || got.Signal != tt.signal || got.ExitCode != tt.exitCode || got.Truncated != tt.truncated {
				t.Errorf("got %s, %q, %d, %+v", got.Status, got.Signal, got.ExitCode, got.Truncated)
			}
			if (got.Message == "") != (tt.status == "ok") {
				t.Errorf("message %q", got.Message)
			}
		})
	}
}

func TestRequestsThatAreRefused(t *testing.T) {
	s := runtest.New(t, runtest.Options{})
	big := strings.Repeat("x", 1<<20+1)
	tests := []struct {
		name, body string
		headers    []string
		status     int
		kind       string
		field      string
	}{
		{"no body", "", nil, 415, "media_type", ""},
		{"no JSON", "{", nil, 400, "invalid", ""},
		{"not declared as JSON", script(""), []string{"Content-Type", "text/plain"}, 415, "media_type", ""},
		{"huge body", `{"code":"` + strings.Repeat("x", 5<<20) + `"}`, nil, 413, "too_large", ""},
		{"unknown field", script("", `"colour":"red"`), nil, 422, "unprocessable", "colour"},
		{"wrong type", script("", `"args":"a"`), nil, 422, "unprocessable", "args"},
		{"no language", `{"code":""}`, nil, 422, "unprocessable", "language"},
		{"unknown language", `{"language":"klingon","code":""}`, nil, 422, "unprocessable", "language"},
		{"version that is not here", script("", `"version":"2"`), nil, 422, "unprocessable", "version"},
		{"neither code nor files", `{"language":"script"}`, nil, 422, "unprocessable", "code"},
		{"code and files", script("", `"files":[]`), nil, 422, "unprocessable", "code"},
		{"no files", `{"language":"script","files":[]}`, nil, 422, "unprocessable", "files"},
		{"file without a name", `{"language":"script","files":[{"name":"","content":""}]}`, nil, 422, "unprocessable", "files[0].name"},
		{"file outside", `{"language":"script","files":[{"name":"../x","content":""}]}`, nil, 422, "unprocessable", "files[0].name"},
		{"unknown encoding", `{"language":"script","files":[{"name":"a","content":"","encoding":"hex"}]}`, nil, 422, "unprocessable", "files[0].encoding"},
		{"bad base64", `{"language":"script","files":[{"name":"a","content":"","encoding":"base64"},{"name":"b","content":"?","encoding":"base64"}]}`, nil, 422, "unprocessable", "files[1].content"},
		{"too much code", script(big), nil, 413, "too_large", "files"},
		{"too much stdin", script("", `"stdin":"`+big+`"`), nil, 413, "too_large", "stdin"},
		{"no time", script("", `"timeout_ms":0`), nil, 422, "unprocessable", "timeout_ms"},
		{"too much time", script("", `"timeout_ms":60001`), nil, 422, "unprocessable", "timeout_ms"},
		{"time that overflows", script("", `"timeout_ms":9223372036854775807`), nil, 422, "unprocessable", "timeout_ms"},
		{"no memory", script("", `"memory_mb":-1`), nil, 422, "unprocessable", "memory_mb"},
		{"too much memory", script("", `"memory_mb":1025`), nil, 422, "unprocessable", "memory_mb"},
		{"no such engine", script("", `"engine":"steam"`), nil, 422, "unprocessable", "engine"},
		{"engine that is not here", script("", `"engine":"container"`), nil, 422, "unprocessable", "engine"},
		{"argument with NUL", script("", `"args":["a\u0000"]`), nil, 422, "unprocessable", "args[0]"},
		{"long idempotency key", script(""), []string{"Idempotency-Key", strings.Repeat("k", 256)}, 422, "unprocessable", "Idempotency-Key"},
		{"wrong key", script(""), []string{"Authorization", "Bearer nope"}, 401, "unauthorized", ""},
		{"other scheme", script(""), []string{"Authorization", "Basic Zm9vOmJhcg=="}, 401, "unauthorized", ""},
		{"takes only pictures", script(""), []string{"Accept", "image/png"}, 406, "invalid", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res, body := s.Do(t, "POST", "/v1/run", tt.body, tt.headers...)
			got := runtest.Decode[apitype.ErrorBody](t, body).Error
			if res.StatusCode != tt.status || got.Kind != tt.kind || got.Field != tt.field {
				t.Errorf("got %d %+v", res.StatusCode, got)
			}
			if got.Message == "" || len(got.Message) > 300 || got.RequestID != res.Header.Get("X-Request-Id") {
				t.Errorf("message %q, request id %q", got.Message, got.RequestID)
			}
		})
	}
	if started := s.Runner.Started(); len(started) != 0 {
		t.Errorf("%d programs were started", len(started))
	}
}

func TestWhoMayRun(t *testing.T) {
	tests := []struct {
		name          string
		closed        bool
		authorization string
		status        int
	}{
		{"open, nobody", false, "", 200},
		{"open, with a key", false, "Bearer " + runtest.Key, 200},
		{"open, with a wrong key", false, "Bearer wrong", 401},
		{"closed, nobody", true, "", 401},
		{"closed, with a key", true, "bearer " + runtest.Key, 200},
		{"closed, with a wrong key", true, "Bearer wrong", 401},
		{"closed, with an empty key", true, "Bearer ", 401},
		{"closed, with a key and no scheme", true, runtest.Key, 401},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := runtest.New(t, runtest.Options{Closed: tt.closed})
			var headers []string
			if tt.authorization != "" {
				headers = []string{"Authorization", tt.authorization}
			}
			res, body := s.Do(t, "POST", "/v1/run", script("print hi"), headers...)
			if res.StatusCode != tt.status {
				t.Errorf("got %d: %s", res.StatusCode, body)
			}
			if challenged := res.Header.Get("WWW-Authenticate") != ""; challenged != (tt.status == 401) {
				t.Errorf("WWW-Authenticate %q", res.Header.Get("WWW-Authenticate"))
			}
		})
	}
}

func TestRateOfAnAddress(t *testing.T) {
	s := runtest.New(t, runtest.Options{Burst: 2})
	for i, want := range []int{200, 200, 429} {
		res, body := s.Do(t, "POST", "/v1/run", script("print hi"))
		if res.StatusCode != want {
			t.Fatalf("run %d: got %d: %s", i, res.StatusCode, body)
		}
		if seconds, err := strconv.Atoi(res.Header.Get("Retry-After")); want == 429 && (err != nil || seconds < 1 || seconds > 60) {
			t.Errorf("Retry-After %q", res.Header.Get("Retry-After"))
		}
	}
	if res, body := s.Do(t, "POST", "/v1/run", script("print hi"), "Authorization", "Bearer "+runtest.Key); res.StatusCode != 200 {
		t.Errorf("with a key: got %d: %s", res.StatusCode, body)
	}
}

func TestFullQueueIsBusy(t *testing.T) {
	s := runtest.New(t, runtest.Options{Scheduler: scheduler.Config{MaxRunning: 1, QueuePerClient: 1}})
	for range 2 {
		res := s.Open(t, t.Context(), "POST", "/v1/run", script("loop"), "Accept", "text/event-stream")
		defer res.Body.Close()
	}
	res, body := s.Do(t, "POST", "/v1/run", script("print hi"))
	if res.StatusCode != 429 || res.Header.Get("Retry-After") == "" {
		t.Errorf("got %d, Retry-After %q: %s", res.StatusCode, res.Header.Get("Retry-After"), body)
	}
}

func TestIdempotencyKey(t *testing.T) {
	s := runtest.New(t, runtest.Options{})
	id := func(body string, headers ...string) string {
		t.Helper()
		res, answer := s.Do(t, "POST", "/v1/run", body, headers...)
		if res.StatusCode != 200 {
			t.Fatalf("got %s: %s", res.Status, answer)
		}
		return runtest.Decode[apitype.Result](t, answer).ID
	}
	first := id(script("print hi"), "Idempotency-Key", "a")
	if again := id(script("print hi"), "Idempotency-Key", "a"); again != first {
		t.Error("the same key ran twice")
	}
	if other := id(script("print hi"), "Idempotency-Key", "b"); other == first {
		t.Error("another key did not run again")
	}
	if other := id(script("print hi"), "Idempotency-Key", "a", "Authorization", "Bearer "+runtest.Key); other == first {
		t.Error("another client got a stranger's run")
	}
	res, body := s.Do(t, "POST", "/v1/run", script("print other"), "Idempotency-Key", "a")
	if got := runtest.Decode[apitype.ErrorBody](t, body); res.StatusCode != 422 || got.Error.Field != "Idempotency-Key" {
		t.Errorf("same key, other program: got %d %+v", res.StatusCode, got)
	}
}

func TestLanguages(t *testing.T) {
	s := runtest.New(t, runtest.Options{})
	s.Runner.SetState("python", sandbox.LanguagePreparing, "compiling")
	_, body := s.Do(t, "GET", "/v1/languages", "")
	if strings.Contains(body, "null") {
		t.Errorf("a list is null: %s", body)
	}
	list := runtest.Decode[apitype.LanguageList](t, body).Languages
	if len(list) != 2 {
		t.Fatalf("got %d languages", len(list))
	}
	want := apitype.Language{
		ID: "script", Name: "Script", Version: "1.2.3", Aliases: []string{"scr"}, Extension: ".txt", Main: "main.txt",
		Engine: "wasm", State: "ready", Summary: "Commands of the tests.", Hello: "print hello\n",
		Examples: []apitype.Example{{ID: "greet", Title: "Greet",
			Files: []apitype.File{{Name: "main.txt", Content: "readline\nargs\n"}}, Stdin: "Ada\n", Args: []string{"one", "two"}}},
	}
	if !reflect.DeepEqual(list[0], want) {
		t.Errorf("got  %+v\nwant %+v", list[0], want)
	}
	if list[1].State != "preparing" || list[1].Stage != "compiling" {
		t.Errorf("python is %q, %q", list[1].State, list[1].Stage)
	}
}

func TestEveryRouteIsDocumentedAndServed(t *testing.T) {
	s := runtest.New(t, runtest.Options{})
	_, body := s.Do(t, "GET", "/v1/openapi.json", "")
	var doc struct {
		OpenAPI    string
		Paths      map[string]map[string]json.RawMessage
		Components struct {
			Schemas map[string]struct {
				Properties           map[string]json.RawMessage
				Required             []string
				AdditionalProperties *bool
			}
		}
	}
	if err := json.Unmarshal([]byte(body), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.OpenAPI != "3.1.0" {
		t.Errorf("openapi %q", doc.OpenAPI)
	}
	for path, methods := range doc.Paths {
		for method := range methods {
			res, _ := s.Do(t, strings.ToUpper(method), strings.ReplaceAll(path, "{id}", "x"), "")
			if res.StatusCode == 405 {
				t.Errorf("%s %s is not served", method, path)
			}
		}
	}
	request := doc.Components.Schemas["RunRequest"]
	if want := []string{"language"}; !slices.Equal(request.Required, want) || request.AdditionalProperties == nil || *request.AdditionalProperties {
		t.Errorf("RunRequest requires %v and is closed: %v", request.Required, request.AdditionalProperties)
	}
	result := doc.Components.Schemas["Result"]
	fields := slices.Sorted(maps.Keys(result.Properties))
	if !slices.Equal(fields, slices.Sorted(slices.Values(result.Required))) || result.AdditionalProperties != nil {
		t.Errorf("Result has %v and requires %v", fields, result.Required)
	}
	_, body = s.Do(t, "POST", "/v1/run", script("print hi"))
	var sent map[string]json.RawMessage
	if err := json.Unmarshal([]byte(body), &sent); err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(sent)); !slices.Equal(got, fields) {
		t.Errorf("a result has %v, the document says %v", got, fields)
	}
}
