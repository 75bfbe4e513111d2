package piston_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"sandpiper/sandbox"
	"sandpiper/sandbox/scheduler"
	"sandpiper/web"
	"sandpiper/web/run"
	"sandpiper/web/run/piston"
	"sandpiper/web/run/runtest"
)

func newServer(t *testing.T, o runtest.Options) *runtest.Server {
	t.Helper()
	o.Routes = func(desk run.Desk) web.Routes { return piston.New(desk, sandbox.Limits{}) }
	return runtest.New(t, o)
}

// job returns the body of a job for the scripted language, with more fields.
func job(program string, fields ...string) string {
	return `{"language":"script","version":"*","files":[{"content":` + runtest.Quote(program) + `}]` +
		strings.Join(append([]string{""}, fields...), ",") + `}`
}

func TestRuntimes(t *testing.T) {
	s := newServer(t, runtest.Options{})
	for _, prefix := range []string{"/api/v2", "/api/v2/piston"} {
		res, body := s.Do(t, "GET", prefix+"/runtimes", "")
		want := `[{"language":"script","version":"1.2.3","aliases":["scr"]},{"language":"python","version":"3.12.0","aliases":["py","python3"]}]`
		if res.StatusCode != 200 || strings.TrimSpace(body) != want {
			t.Errorf("%s: got %d %s", prefix, res.StatusCode, body)
		}
	}
	s.Runner.SetState("python", sandbox.LanguageFailed, "broken")
	if _, body := s.Do(t, "GET", "/api/v2/runtimes", ""); strings.Contains(body, "python") {
		t.Errorf("a language that cannot run is listed: %s", body)
	}
}

func TestExecuteHasExactlyPistonsFields(t *testing.T) {
	s := newServer(t, runtest.Options{})
	for _, prefix := range []string{"/api/v2", "/api/v2/piston"} {
		res, body := s.Do(t, "POST", prefix+"/execute", job("print one\neprint two\nprint three"))
		if res.StatusCode != 200 {
			t.Fatalf("got %d %s", res.StatusCode, body)
		}
		var got map[string]any
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatal(err)
		}
		stage := got["run"].(map[string]any)
		for _, number := range []string{"cpu_time", "wall_time", "memory"} {
			if _, ok := stage[number].(float64); !ok {
				t.Errorf("%s is %v", number, stage[number])
			}
			delete(stage, number)
		}
		want := map[string]any{"language": "script", "version": "1.2.3", "run": map[string]any{
			"stdout": "one\nthree\n", "stderr": "two\n", "output": "one\ntwo\nthree\n",
			"code": 0.0, "signal": nil, "message": nil, "status": nil,
		}}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got  %v\nwant %v", got, want)
		}
	}
}

func TestExecuteStatuses(t *testing.T) {
	s := newServer(t, runtest.Options{})
	tests := []struct {
		name, body   string
		status       string // "" for null
		code, signal any
	}{
		{"well", job("exit 0"), "", 0.0, nil},
		{"an exit code", job("exit 7"), "RE", 7.0, nil},
		{"time", job("loop", `"run_timeout":50`), "TO", nil, "SIGKILL"},
		{"memory", job("memory"), "SG", nil, "SIGKILL"},
		{"too much on stdout", job("flood"), "OL", nil, "SIGKILL"},
		{"too much on stderr", job("echo\neprint more", `"stdin":"`+strings.Repeat("x", 1<<20-1)+`"`), "EL", nil, "SIGKILL"},
		{"our fault", job("panic now"), "XX", 1.0, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, body := s.Do(t, "POST", "/api/v2/execute", tt.body)
			var got struct {
				Run struct {
					Code, Signal, Message, Status any
				}
			}
			if err := json.Unmarshal([]byte(body), &got); err != nil {
				t.Fatalf("%s: %v", body, err)
			}
			if got.Run.Code != tt.code || got.Run.Signal != tt.signal || (got.Run.Status != any(tt.status)) != (tt.status == "") {
				t.Errorf("got %+v", got.Run)
			}
			if (got.Run.Message == nil) != (tt.status == "") || (got.Run.Status == nil) != (tt.status == "") {
				t.Errorf("status %v, message %v", got.Run.Status, got.Run.Message)
			}
		})
	}
}

func TestExecuteTakesWhatPistonTakes(t *testing.T) {
	s := newServer(t, runtest.Options{})
	tests := []struct{ name, body, want string }{
		{"an alias", `{"language":"scr","version":"1.x","files":[{"name":"a.txt","content":"print hi"}]}`, "hi\n"},
		{"input and arguments", job("readline\nargs", `"stdin":"typed"`, `"args":["a","b"]`), "typed\na b\n"},
		{"no input is an empty line", job("readline\nreadline"), "\n"},
		{"fields that we do not know", job("print hi", `"run_as":"root"`, `"compile_timeout":10000`), "hi\n"},
		{"limits of null", job("print hi", `"run_timeout":null`, `"run_memory_limit":null`, `"args":null`, `"stdin":null`), "hi\n"},
		{"limits of -1", job("print hi", `"run_memory_limit":-1`, `"compile_memory_limit":-1`, `"run_timeout":-1`), "hi\n"},
		{"a limit with a fraction", job("print hi", `"run_timeout":3000.0`), "hi\n"},
		{"hex and base64 beside the main file", `{"language":"script","version":"1.2.3","files":[
			{"name":"a","content":"aGk=","encoding":"base64"},{"name":"main","content":"cat a\ncat b","encoding":"utf8"},{"name":"b","content":"0a","encoding":"hex"}]}`, "hi\n"},
		{"an encoding that nobody knows is text", `{"language":"script","version":"*","files":[{"content":"print hi","encoding":"latin1"}]}`, "hi\n"},
		{"names from the root and with dots", `{"language":"script","version":"*","files":[{"name":"./main","content":"cat lib/a"},{"name":"/lib/a","content":"hi\n"}]}`, "hi\n"},
		{"files without names", `{"language":"script","version":"*","files":[{"content":"cat file1.code"},{"content":"hi\n"}]}`, "hi\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res, body := s.Do(t, "POST", "/api/v2/execute", tt.body)
			var got struct{ Run struct{ Output string } }
			if err := json.Unmarshal([]byte(body), &got); err != nil || res.StatusCode != 200 || got.Run.Output != tt.want {
				t.Errorf("got %d %s", res.StatusCode, body)
			}
		})
	}
}

func TestExecuteRefusals(t *testing.T) {
	s := newServer(t, runtest.Options{})
	tests := []struct {
		name, body string
		header     []string
		status     int
		message    string
	}{
		{"not JSON by its type", job(""), []string{"Content-Type", "text/plain"}, 415, "requests must be of type application/json"},
		{"not JSON", `{`, nil, 400, "not JSON"},
		{"no language", `{"version":"*","files":[]}`, nil, 400, "language is required as a string"},
		{"no version", `{"language":"script","files":[]}`, nil, 400, "version is required as a string"},
		{"a version that is a number", `{"language":"script","version":3,"files":[]}`, nil, 400, "version must be a string"},
		{"no files", `{"language":"script","version":"*"}`, nil, 400, "files is required as an array"},
		{"a file without content", `{"language":"script","version":"*","files":[{"content":""},{"name":"a"}]}`, nil, 400, "files[1].content is required as a string"},
		{"an empty list of files", `{"language":"script","version":"*","files":[]}`, nil, 400, "files must include at least one utf8 encoded file"},
		{"only bytes", `{"language":"script","version":"*","files":[{"content":"","encoding":"base64"}]}`, nil, 400, "files must include at least one utf8 encoded file"},
		{"bad base64", `{"language":"script","version":"*","files":[{"content":""},{"content":"?","encoding":"base64"}]}`, nil, 400, "files[1].content is not valid base64"},
		{"unknown language", `{"language":"html","version":"5.0.0","files":[{"content":""}]}`, nil, 400, "html-5.0.0 runtime is unknown"},
		{"unknown version", `{"language":"script","version":"^2","files":[{"content":""}]}`, nil, 400, "script-^2 runtime is unknown"},
		{"too much time", job("", `"run_timeout":60001`), nil, 400, "run_timeout cannot exceed the configured limit of 60000"},
		{"too much CPU time", job("", `"run_cpu_time":60001`), nil, 400, "run_cpu_time cannot exceed the configured limit of 60000"},
		{"too much time for compiling", job("", `"compile_timeout":1e9`), nil, 400, "compile_timeout cannot exceed the configured limit of 60000"},
		{"too much memory", job("", `"run_memory_limit":1073741825`), nil, 400, "run_memory_limit cannot exceed the configured limit of 1073741824"},
		{"negative time", job("", `"run_timeout":-2`), nil, 400, "run_timeout must be non-negative"},
		{"a limit that is no number", job("", `"run_timeout":"3000"`), nil, 400, "run_timeout must be a number"},
		{"a file outside", `{"language":"script","version":"*","files":[{"name":"../x","content":""}]}`, nil, 400, "inside the program's folder"},
		{"wrong key", job(""), []string{"Authorization", "Bearer nope"}, 401, "not known"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res, body := s.Do(t, "POST", "/api/v2/execute", tt.body, tt.header...)
			got := runtest.Decode[struct {
				Message string `json:"message"`
			}](t, body)
			if res.StatusCode != tt.status || !strings.Contains(got.Message, tt.message) {
				t.Errorf("got %d %q", res.StatusCode, got.Message)
			}
		})
	}
	if started := s.Runner.Started(); len(started) != 0 {
		t.Errorf("%d programs were started", len(started))
	}
}

func TestClosedAndBusyServers(t *testing.T) {
	closed := newServer(t, runtest.Options{Closed: true})
	if res, body := closed.Do(t, "POST", "/api/v2/execute", job("print hi")); res.StatusCode != 401 || !strings.HasPrefix(body, `{"message":`) {
		t.Errorf("closed: got %d %s", res.StatusCode, body)
	}
	if res, body := closed.Do(t, "POST", "/api/v2/execute", job("print hi"), "Authorization", "Bearer "+runtest.Key); res.StatusCode != 200 {
		t.Errorf("with a key: got %d %s", res.StatusCode, body)
	}
	busy := newServer(t, runtest.Options{Burst: 1})
	busy.Do(t, "POST", "/api/v2/execute", job("print hi"))
	if res, body := busy.Do(t, "POST", "/api/v2/execute", job("print hi")); res.StatusCode != 429 || res.Header.Get("Retry-After") == "" || !strings.HasPrefix(body, `{"message":`) {
		t.Errorf("busy: got %d %s", res.StatusCode, body)
	}
}

func TestPackages(t *testing.T) {
	s := newServer(t, runtest.Options{})
	for _, method := range []string{"GET", "POST", "DELETE"} {
		res, body := s.Do(t, method, "/api/v2/packages", "")
		if res.StatusCode != 404 || !strings.HasPrefix(body, `{"message":`) {
			t.Errorf("%s: got %d %s", method, res.StatusCode, body)
		}
	}
}

func TestLeavingStopsTheRun(t *testing.T) {
	s := newServer(t, runtest.Options{})
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan struct{})
	go func() {
		defer close(left)
		r, _ := http.NewRequestWithContext(ctx, "POST", s.URL+"/api/v2/execute", strings.NewReader(job("loop")))
		r.Header.Set("Content-Type", "application/json")
		if res, err := s.Client().Do(r); err == nil {
			res.Body.Close()
		}
	}()
	s.WaitRunning(t, 1)
	leave()
	<-left
	s.WaitRunning(t, 0)
}

// talk sends messages over a WebSocket, each once the one that it waits for
// has come, and returns what the server said and how it closed.
func talk(t *testing.T, s *runtest.Server, sends ...[2]string) (said []string, code websocket.StatusCode, reason string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, s.URL+"/api/v2/piston/connect", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	for {
		for len(sends) > 0 && (sends[0][0] == "" || slices.ContainsFunc(said, func(m string) bool { return strings.Contains(m, sends[0][0]) })) {
			if err := conn.Write(ctx, websocket.MessageText, []byte(sends[0][1])); err != nil {
				t.Fatal(err)
			}
			sends = sends[1:]
		}
		_, data, err := conn.Read(ctx)
		var closed websocket.CloseError
		if errors.As(err, &closed) {
			return said, closed.Code, closed.Reason
		}
		if err != nil {
			t.Fatalf("after %v: %v", said, err)
		}
		said = append(said, string(data))
	}
}

const initJob = `{"type":"init","language":"script","version":"*","files":[{"content":"print ready\nreadline\neprint end\nexit 3"}]}`

func TestConnect(t *testing.T) {
	s := newServer(t, runtest.Options{})
	said, code, reason := talk(t, s,
		[2]string{"", initJob},
		[2]string{"ready", `{"type":"data","stream":"stdin","data":"typed\n"}`})
	want := []string{
		`{"type":"runtime","language":"script","version":"1.2.3"}`,
		`{"type":"stage","stage":"run"}`,
		`{"type":"data","stream":"stdout","data":"ready\n"}`,
		`{"type":"data","stream":"stdout","data":"typed\n"}`,
		`{"type":"data","stream":"stderr","data":"end\n"}`,
		`{"type":"exit","stage":"run","code":3,"signal":null}`,
	}
	if !slices.Equal(said, want) || code != 4999 || reason != "Job Completed" {
		t.Errorf("got %q, closed with %d %q", said, code, reason)
	}
}

func TestConnectCloseCodes(t *testing.T) {
	s := newServer(t, runtest.Options{})
	tests := []struct {
		name  string
		sends [][2]string
		code  websocket.StatusCode
		last  string // what the last message contains
	}{
		{"input before init", [][2]string{{"", `{"type":"data","stream":"stdin","data":"x"}`}}, 4003, ""},
		{"init twice", [][2]string{{"", initJob}, {"ready", initJob}}, 4000, "ready"},
		{"bad job", [][2]string{{"", `{"type":"init","language":"html","version":"1","files":[]}`}}, 4002, "html-1 runtime is unknown"},
		{"no JSON", [][2]string{{"", `hello`}}, 4002, `"type":"error"`},
		{"no JSON later", [][2]string{{"", initJob}, {"ready", `hello`}}, 4002, `"type":"error"`},
		{"writing to stdout", [][2]string{{"", initJob}, {"ready", `{"type":"data","stream":"stdout","data":"x"}`}}, 4004, "ready"},
		{"a signal that is none", [][2]string{{"", initJob}, {"ready", `{"type":"signal","signal":"SIGNORE"}`}}, 4005, "ready"},
		{"interrupt", [][2]string{{"", initJob}, {"ready", `{"type":"signal","signal":"SIGINT"}`}}, 4999, `"code":null,"signal":"SIGINT"`},
		{"terminate", [][2]string{{"", initJob}, {"ready", `{"type":"signal","signal":"SIGTERM"}`}}, 4999, `"code":null,"signal":"SIGKILL"`},
		{"types that nobody knows are ignored", [][2]string{{"", initJob}, {"ready", `{"type":"resize"}`}, {"ready", `{"type":"data","stream":"stdin","data":"x\n"}`}}, 4999, `"code":3`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			said, code, _ := talk(t, s, tt.sends...)
			last := ""
			if len(said) > 0 {
				last = said[len(said)-1]
			}
			if code != tt.code || !strings.Contains(last, tt.last) {
				t.Errorf("closed with %d after %q", code, said)
			}
			s.WaitRunning(t, 0)
		})
	}
}

func TestConnectToAClosedServer(t *testing.T) {
	s := newServer(t, runtest.Options{Closed: true, Scheduler: scheduler.Config{}})
	said, code, _ := talk(t, s, [2]string{"", initJob})
	if code != 4002 || len(said) != 1 || !strings.Contains(said[0], "sign in") {
		t.Errorf("closed with %d after %q", code, said)
	}
}
