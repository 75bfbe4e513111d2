package run

import (
	"bytes"
	"encoding/base64"
	"errors"
	"testing"
	"unicode/utf8"

	"sandpiper/sandbox"
	"sandpiper/sandbox/sandboxtest"
	"sandpiper/sandbox/scheduler"
	"sandpiper/web/apitype"
	"sandpiper/web/reply"
)

// FuzzRequest checks that any body becomes a program that says what the body
// said, or an error that is safe to show.
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{
		`{"language":"python","code":"print(1)"}`,
		`{"language":"script","files":[{"name":"a","content":"aGk=","encoding":"base64"},{"name":"b/c","content":"x"}],"stdin":"i","args":["a"],"env":{"K":"v"}}`,
		`{"language":"x","code":"","timeout_ms":1,"memory_mb":1024,"stdin_live":true,"stdin":"first","engine":"wasm"}`,
		`{"language":"x","code":"","timeout_ms":-1}`, `{"files":[]}`, `{"code":null,"files":null}`, `[]`, `{"language":"a","code":"\ud800"}`,
	} {
		f.Add([]byte(seed))
	}
	sched := scheduler.New(scheduler.Config{Runners: []sandbox.CodeRunner{sandboxtest.NewRunner()}, Store: &sandboxtest.RunStore{}})
	f.Cleanup(func() { _ = sched.Close() })
	h := &Handler{desk: Desk{Scheduler: sched}, ceiling: DefaultCeiling}
	f.Fuzz(func(t *testing.T, body []byte) {
		var req apitype.RunRequest
		err := reply.Unmarshal(body, &req)
		var p sandbox.Program
		if err == nil {
			p, err = h.program(req)
		}
		if err == nil {
			err = p.Validate()
		}
		if err != nil {
			var e *sandbox.Error
			if !errors.As(err, &e) || !utf8.ValidString(e.Message) {
				t.Fatalf("%q: %v", body, err)
			}
			return
		}
		checkProgram(t, req, p)
	})
}

func checkProgram(t *testing.T, req apitype.RunRequest, p sandbox.Program) {
	t.Helper()
	if req.Code != nil && (len(p.Files) != 1 || string(p.Files[0].Content) != *req.Code) {
		t.Errorf("code %q became %+v", *req.Code, p.Files)
	}
	for i, f := range req.Files {
		want := []byte(f.Content)
		if f.Encoding == "base64" {
			want, _ = base64.StdEncoding.DecodeString(f.Content)
		}
		if p.Files[i].Name != f.Name || !bytes.Equal(p.Files[i].Content, want) {
			t.Errorf("file %+v became %+v", f, p.Files[i])
		}
	}
	if waiting, open := p.Stdin.Snapshot(); string(waiting) != req.Stdin || open != req.StdinLive {
		t.Errorf("stdin %q (live: %v) became %q (open: %v)", req.Stdin, req.StdinLive, waiting, open)
	}
	if l := p.Limits; l.Wall < 0 || l.Wall > DefaultCeiling.Wall || l.MemoryBytes < 0 || l.MemoryBytes > DefaultCeiling.MemoryBytes {
		t.Errorf("limits %+v", l)
	}
}

// FuzzNegotiate checks that the choice follows the rules for any header.
func FuzzNegotiate(f *testing.F) {
	for _, seed := range []string{"", "*/*", "application/json;q=0.5, text/event-stream", ";;;,,,", "text/*;q=2", "*/*;q=NaN", "a/b;q=0.1;q=1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		chosen := negotiate([]string{header})
		if again := negotiate([]string{header, ""}); again != chosen {
			t.Errorf("%q: %v, then %v", header, chosen, again)
		}
		if chosen == FormatNone {
			return
		}
		if got := negotiate([]string{"*/*", header}); got == FormatNone {
			t.Errorf("%q is taken alone, but not beside */*", header)
		}
	})
}
