package codapi_test

import (
	"regexp"
	"strings"
	"testing"

	"sandpiper/sandbox"
	"sandpiper/web"
	"sandpiper/web/run"
	"sandpiper/web/run/codapi"
	"sandpiper/web/run/runtest"
)

// execution is codapi's answer.
type execution struct {
	ID       string `json:"id"`
	OK       bool   `json:"ok"`
	Duration int64  `json:"duration"`
	Stdout   string `json:"stdout"`
	Stderr   string `json:"stderr"`
}

func newServer(t *testing.T, o runtest.Options) *runtest.Server {
	t.Helper()
	o.Routes = func(desk run.Desk) web.Routes { return codapi.New(desk) }
	return runtest.New(t, o)
}

func TestExec(t *testing.T) {
	s := newServer(t, runtest.Options{})
	tests := []struct {
		name, body string
		want       execution
	}{
		{"well", `{"sandbox":"script","command":"run","files":{"":"print hi"}}`, execution{OK: true, Stdout: "hi\n"}},
		{"an alias and a version", `{"sandbox":"scr","version":"1.2","command":"run","files":{"":"print hi"}}`, execution{OK: true, Stdout: "hi\n"}},
		{"fields that we do not know", `{"id":"x","sandbox":"script","command":"run","files":{"":"print hi"},"stdin":""}`, execution{OK: true, Stdout: "hi\n"}},
		{"a failure", `{"sandbox":"script","command":"run","files":{"":"print hi\neprint oops\nexit 1"}}`, execution{Stdout: "hi\n", Stderr: "oops\n"}},
		{"the main file by no name", `{"sandbox":"script","command":"run","files":{"a.txt":"hi\n","":"cat a.txt\ncat z.txt","z.txt":"ho\n"}}`, execution{OK: true, Stdout: "hi\nho\n"}},
		{"the main file by its name", `{"sandbox":"script","command":"run","files":{"a.txt":"hi\n","main.txt":"cat a.txt"}}`, execution{OK: true, Stdout: "hi\n"}},
		{"the only file", `{"sandbox":"script","command":"run","files":{"other.txt":"cat other.txt"}}`, execution{OK: true, Stdout: "cat other.txt"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res, body := s.Do(t, "POST", "/v1/exec", tt.body)
			got := runtest.Decode[execution](t, body)
			if !regexp.MustCompile(`^script_run_[a-z0-9]{26}$`).MatchString(got.ID) || got.Duration < 0 {
				t.Errorf("got %+v", got)
			}
			got.ID, got.Duration = "", 0
			if res.StatusCode != 200 || got != tt.want {
				t.Errorf("got %d %+v", res.StatusCode, got)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	s := newServer(t, runtest.Options{})
	tests := []struct {
		name, method, body string
		status             int
		stderr             string
	}{
		{"another method", "GET", ``, 405, "unsupported method: GET"},
		{"no JSON", "POST", `{`, 400, "not JSON"},
		{"no body", "POST", ``, 400, "Content-Type"},
		{"unknown sandbox", "POST", `{"sandbox":"cobol","command":"run","files":{"":"x"}}`, 404, "unknown sandbox"},
		{"unknown command", "POST", `{"sandbox":"script","command":"test","files":{"":"x"}}`, 404, "unknown command"},
		{"no files", "POST", `{"sandbox":"script","command":"run"}`, 400, "empty request"},
		{"an empty file", "POST", `{"sandbox":"script","command":"run","files":{"":""}}`, 400, "empty request"},
		{"no main file", "POST", `{"sandbox":"script","command":"run","files":{"a":"x","b":"y"}}`, 400, "main.txt"},
		{"the main file twice", "POST", `{"sandbox":"script","command":"run","files":{"":"x","main.txt":"y"}}`, 400, "two files"},
		{"a file outside", "POST", `{"sandbox":"script","command":"run","files":{"../a":"x"}}`, 400, "folder"},
		{"a version that is not here", "POST", `{"sandbox":"script","version":"9","command":"run","files":{"":"x"}}`, 400, "1.2.3"},
		{"too large", "POST", `{"sandbox":"script","command":"run","files":{"":"` + strings.Repeat("x", 5<<20) + `"}}`, 413, "at most"},
		{"our fault", "POST", `{"sandbox":"script","command":"run","files":{"":"panic now"}}`, 500, "not the program's fault"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res, body := s.Do(t, tt.method, "/v1/exec", tt.body, "Origin", "https://blog.example")
			got := runtest.Decode[execution](t, body)
			if res.StatusCode != tt.status || got.OK || got.ID != "-" || !strings.Contains(got.Stderr, tt.stderr) {
				t.Errorf("got %d %+v", res.StatusCode, got)
			}
			if res.Header.Get("Access-Control-Allow-Origin") != "*" {
				t.Error("a page cannot read the error")
			}
		})
	}
}

func TestClosedAndBusyServers(t *testing.T) {
	const request = `{"sandbox":"script","command":"run","files":{"":"print hi"}}`
	closed := newServer(t, runtest.Options{Closed: true})
	if res, body := closed.Do(t, "POST", "/v1/exec", request); res.StatusCode != 401 || runtest.Decode[execution](t, body).Stderr == "" {
		t.Errorf("closed: got %d %s", res.StatusCode, body)
	}
	busy := newServer(t, runtest.Options{Burst: 1})
	busy.Do(t, "POST", "/v1/exec", request)
	if res, body := busy.Do(t, "POST", "/v1/exec", request); res.StatusCode != 429 || runtest.Decode[execution](t, body).Stderr == "" {
		t.Errorf("busy: got %d %s", res.StatusCode, body)
	}
}

func TestPreflight(t *testing.T) {
	s := newServer(t, runtest.Options{})
	res, _ := s.Do(t, "OPTIONS", "/v1/exec", "", "Origin", "https://blog.example",
		"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,content-type")
	allowed := strings.ToLower(res.Header.Get("Access-Control-Allow-Headers"))
	if res.StatusCode != 204 || res.Header.Get("Access-Control-Allow-Origin") != "*" ||
		!strings.Contains(allowed, "authorization") || !strings.Contains(allowed, "content-type") {
		t.Errorf("got %d %v", res.StatusCode, res.Header)
	}
}

// TestTimeLimit checks that a run ends before the element stops waiting for it.
func TestTimeLimit(t *testing.T) {
	s := newServer(t, runtest.Options{})
	s.Do(t, "POST", "/v1/exec", `{"sandbox":"script","command":"run","files":{"":"print hi"}}`)
	if got := s.Runner.Started()[0].Limits; got != (sandbox.Limits{Wall: 9e9}) {
		t.Errorf("limits %+v", got)
	}
}
