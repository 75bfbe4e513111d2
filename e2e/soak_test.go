package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sandpiper/e2e/testserver"
)

// soakTime is how long TestSoak lasts; SANDPIPER_SOAK sets another duration, such
// as 10m.
const soakTime = 30 * time.Second

// soak is a server under good and hostile load.
type soak struct {
	*testing.T
	srv *testserver.Server

	mu    sync.Mutex
	done  map[string]int
	hello []time.Duration // of JavaScript runs that are measured
	pages []time.Duration
}

// TestSoak has clients that do good and bad things for a while, all at once. Good
// runs give what they should, sessions keep their state, and at the end the
// server is as fast and as small as it was early on.
func TestSoak(t *testing.T) {
	last := soakTime
	if v := os.Getenv("SANDPIPER_SOAK"); v != "" {
		var err error
		if last, err = time.ParseDuration(v); err != nil {
			t.Fatal(err)
		}
	}
	s := &soak{T: t, srv: startServer(t, dataDir(t)), done: map[string]int{}}
	waitForLanguages(t, s.srv)

	// A third of the time is for what grows once: caches, pools, the heap.
	s.load(last / 3)
	early := s.look("early")
	s.load(last / 3)
	s.look("in the middle")
	s.load(last - 2*last/3)
	problems := s.look("late").since(early)
	for try := 0; len(problems) > 0 && try < 4; try++ { // what else the machine does may be in the way
		problems = s.look("later").since(early)
	}

	for kind, n := range s.done {
		t.Logf("%-28s %d", kind, n)
	}
	for _, p := range problems {
		t.Error(p)
	}
}

// sight is what the server is like at a moment without load.
type sight struct {
	tree  testserver.Tree
	hello time.Duration // median of a run
}

// since says what has become larger or slower than it should.
func (late sight) since(early sight) (problems []string) {
	note := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if most := early.tree.MemoryBytes*13/10 + 64<<20; late.tree.MemoryBytes > most {
		note("memory grew from %d to %d MB", early.tree.MemoryBytes>>20, late.tree.MemoryBytes>>20)
	}
	if late.tree.Files > early.tree.Files+20 {
		note("open files grew from %d to %d", early.tree.Files, late.tree.Files)
	}
	if late.tree.Processes > early.tree.Processes+4 {
		note("processes grew from %d to %d", early.tree.Processes, late.tree.Processes)
	}
	if late.hello > 3*early.hello+20*time.Millisecond {
		note("a hello took %v early and takes %v late", early.hello, late.hello)
	}
	return problems
}

// look measures the server while nothing else happens.
func (s *soak) look(when string) sight {
	s.Helper()
	var now sight
	var took []time.Duration
	for range 20 {
		began := time.Now()
		if r := mustRun(s.T, s.srv, "javascript", "console.log(42)"); r.Stdout != "42\n" {
			s.Errorf("%s: %+v", when, r)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	now.hello = took[len(took)/2]
	// What a run leaves is cleared away behind its answer.
	var err error
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(250 * time.Millisecond) {
		var tree testserver.Tree
		if tree, err = s.srv.Tree(); err != nil {
			s.Fatal(err)
		}
		if now.tree.Processes == tree.Processes && now.tree.Files == tree.Files || time.Now().After(end) {
			now.tree = tree
			break
		}
		now.tree = tree
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(s.hello)
	slices.Sort(s.pages)
	s.Logf("%s: hello %v; under load hello p50 %v p99 %v, page p50 %v p99 %v; %d processes, %d MB, %d files", when,
		now.hello, nearest(s.hello, 50), nearest(s.hello, 99), nearest(s.pages, 50), nearest(s.pages, 99),
		now.tree.Processes, now.tree.MemoryBytes>>20, now.tree.Files)
	s.hello, s.pages = nil, nil
	return now
}

func nearest(sorted []time.Duration, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)*p/100, len(sorted)-1)].Round(100 * time.Microsecond)
}

// load keeps everybody busy for d.
func (s *soak) load(d time.Duration) {
	ctx, cancel := context.WithTimeout(s.Context(), d)
	defer cancel()
	var all sync.WaitGroup
	for _, client := range []func(ctx context.Context, end func() bool){s.good, s.good, s.bad, s.bad, s.rude, s.sessions, s.sessions, s.measure} {
		all.Go(func() { client(s.Context(), func() bool { return ctx.Err() != nil }) })
	}
	all.Wait()
}

func (s *soak) count(kind string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done[kind]++
}

// ask posts JSON and reads the answer into out.
func (s *soak) ask(ctx context.Context, method, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := s.srv.Request(ctx, method, path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, b)
	}
	if out == nil || len(b) == 0 {
		return nil
	}
	return json.Unmarshal(b, out)
}

type runRequest struct {
	Language  string `json:"language"`
	Code      string `json:"code"`
	TimeoutMS int    `json:"timeout_ms,omitempty"`
	MemoryMB  int    `json:"memory_mb,omitempty"`
}

// goodPrograms print what the %d in them says.
var goodPrograms = map[string]string{
	"python":     "import json, hashlib\nprint(json.loads('%d'))",
	"javascript": "console.log(JSON.parse('%d'))",
	"typescript": "const n: number = %d; console.log(n)",
	"ruby":       "puts [%d].sum",
	"lua":        "print(math.floor(%d))",
	"sql":        "select %d;",
}

// good runs programs and looks at what they print.
func (s *soak) good(ctx context.Context, end func() bool) {
	for !end() {
		for language, code := range goodPrograms {
			n := rand.IntN(1_000_000)
			var r result
			err := s.ask(ctx, http.MethodPost, "/v1/run", runRequest{Language: language, Code: fmt.Sprintf(code, n)}, &r)
			if err != nil || r.Status != "ok" || !strings.Contains(r.Stdout, fmt.Sprint(n)) {
				s.Errorf("a good %s program: %+v, %v", language, r, err)
			}
			s.count("good " + language)
		}
	}
}

// badPrograms do harm; each ends with the status that is its own.
var badPrograms = []struct{ name, language, code, status string }{
	{"endless loop", "python", "while True: pass", "timeout"},
	{"endless loop that catches all", "python", "while True:\n  try:\n    while True: pass\n  except BaseException: pass", "timeout"},
	{"endless loop", "javascript", "for (;;) {}", "timeout"},
	{"endless loop", "ruby", "loop {}", "timeout"},
	{"memory", "python", "x = []\nwhile True: x.append(bytearray(1 << 20))", ""},
	{"memory", "javascript", "const x = []; for (;;) x.push(new Uint8Array(1 << 20).fill(1))", ""},
	{"flood", "python", "while True: print('x' * 1000)", "output_limit"},
	{"flood", "ruby", "loop { puts 'x' * 1000 }", "output_limit"},
	{"recursion", "python", "import sys\nsys.setrecursionlimit(10**7)\ndef f(): f()\nf()", "error"},
	{"recursion", "javascript", "function f() { f(); } f()", "error"},
	{"files", "python", "for i in range(10**6): open(f'f{i}', 'w').write('x' * 1000)", "error"},
	{"open files", "python", "x = [open('f', 'w') for i in range(10**5)]", "error"},
	{"nothing to parse", "python", "print(", "error"},
}

// bad runs programs that do harm, with tight limits.
func (s *soak) bad(ctx context.Context, end func() bool) {
	for !end() {
		p := badPrograms[rand.IntN(len(badPrograms))]
		var r result
		err := s.ask(ctx, http.MethodPost, "/v1/run", runRequest{Language: p.language, Code: p.code, TimeoutMS: 700, MemoryMB: 96}, &r)
		if err != nil || r.Status == "ok" || r.Status == "internal" || p.status != "" && r.Status != p.status && r.Status != "timeout" {
			s.Errorf("%s in %s: %s %s, %v", p.name, p.language, r.Status, r.Message, err)
		}
		s.count("bad")
	}
}

// rude goes away in the middle.
func (s *soak) rude(ctx context.Context, end func() bool) {
	for !end() {
		leaving, cancel := context.WithTimeout(ctx, time.Duration(rand.IntN(300))*time.Millisecond)
		err := s.ask(leaving, http.MethodPost, "/v1/run", runRequest{Language: "python", Code: "import time\nfor i in range(200): print(i); time.sleep(0.05)"}, nil)
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			s.Error(err)
		}
		cancel()
		s.count("rude")
	}
}

// sessions keeps a counter in a session, and has it paused, forked and stopped.
func (s *soak) sessions(ctx context.Context, end func() bool) {
	for !end() {
		if err := s.session(ctx, end); err != nil {
			s.Error(err)
			return
		}
		s.count("sessions")
	}
}

type soakSession struct{ ID, State string }

// stubborn does not let itself be interrupted once it has changed the state.
const stubborn = `
def spin():
    global n
    while True:
        try:
            n = -1
            10**10**8
        except BaseException:
            pass
spin()
`

func (s *soak) session(ctx context.Context, end func() bool) error {
	var session soakSession
	if err := s.ask(ctx, http.MethodPost, "/v1/sessions", map[string]any{"language": "python"}, &session); err != nil {
		return err
	}
	defer func() {
		if err := s.ask(ctx, http.MethodDelete, "/v1/sessions/"+session.ID, nil, nil); err != nil {
			s.Error(err)
		}
	}()
	if err := s.cell(ctx, session.ID, "n = 0; blob = bytearray(200_000)", ""); err != nil {
		return err
	}
	for n := 1; n < 15 && !end(); n++ {
		path := "/v1/sessions/" + session.ID
		switch rand.IntN(6) {
		case 0:
			if err := s.ask(ctx, http.MethodPost, path+"/pause", nil, nil); err != nil {
				return err
			}
		case 1:
			if err := s.fork(ctx, path, n); err != nil {
				return err
			}
		case 2:
			// Stopped by force: what it did to the state is undone.
			if err := s.ask(ctx, http.MethodPost, path+"/execute", map[string]any{
				"code": stubborn, "limits": map[string]any{"timeout_ms": 300},
			}, nil); err != nil {
				return err
			}
		}
		if err := s.cell(ctx, session.ID, "n += 1; n", fmt.Sprint(n)); err != nil {
			return err
		}
	}
	return nil
}

// fork makes a copy, changes it, and deletes it.
func (s *soak) fork(ctx context.Context, path string, n int) error {
	var copied soakSession
	if err := s.ask(ctx, http.MethodPost, path+"/fork", nil, &copied); err != nil {
		return err
	}
	if err := s.cell(ctx, copied.ID, "n += 1000; n", fmt.Sprint(n-1+1000)); err != nil {
		return err
	}
	return s.ask(ctx, http.MethodDelete, "/v1/sessions/"+copied.ID, nil, nil)
}

// cell executes a cell and looks at its result.
func (s *soak) cell(ctx context.Context, id, code, want string) error {
	var r struct {
		Status, Message, Stderr string
		Result                  *struct{ Data map[string]any }
	}
	if err := s.ask(ctx, http.MethodPost, "/v1/sessions/"+id+"/execute", map[string]any{"code": code}, &r); err != nil {
		return err
	}
	got := ""
	if r.Result != nil {
		got = fmt.Sprint(r.Result.Data["text/plain"])
	}
	if r.Status != "ok" || got != want {
		return fmt.Errorf("the cell %q gave %q, want %q (%+v)", code, got, want, r)
	}
	s.count("cells")
	return nil
}

// measure asks for what should stay quick meanwhile.
func (s *soak) measure(ctx context.Context, end func() bool) {
	for !end() {
		began := time.Now()
		var r result
		if err := s.ask(ctx, http.MethodPost, "/v1/run", runRequest{Language: "javascript", Code: "console.log(1)"}, &r); err != nil || r.Status != "ok" {
			s.Errorf("%+v, %v", r, err)
		}
		hello := time.Since(began)
		began = time.Now()
		if err := s.ask(ctx, http.MethodGet, "/api/health", nil, nil); err != nil {
			s.Error(err)
		}
		s.mu.Lock()
		s.hello, s.pages = append(s.hello, hello), append(s.pages, time.Since(began))
		s.mu.Unlock()
		time.Sleep(20 * time.Millisecond)
	}
}
