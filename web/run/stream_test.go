package run_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/sandboxtest"
	"sandpiper/sandbox/scheduler"
	"sandpiper/web/apitype"
	"sandpiper/web/run"
	"sandpiper/web/run/runtest"
)

func TestAcceptChoosesTheShape(t *testing.T) {
	s := runtest.New(t, runtest.Options{})
	tests := []struct{ name, accept, want string }{
		{"none", "", "application/json"},
		{"anything", "*/*", "application/json"},
		{"JSON", "application/json", "application/json"},
		{"any application", "application/*", "application/json"},
		{"any text", "text/*", "text/event-stream"},
		{"events", "text/event-stream", "text/event-stream"},
		{"events, in capitals with a parameter", "Text/Event-Stream;charset=utf-8", "text/event-stream"},
		{"lines", "application/x-ndjson", "application/x-ndjson"},
		{"lines by the other name", "application/ndjson", "application/x-ndjson"},
		{"a browser", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/json"},
		{"weights", "application/json;q=0.5, text/event-stream;q=0.9", "text/event-stream"},
		{"equal weights", "text/event-stream, application/json", "application/json"},
		{"JSON ruled out", "application/json;q=0, */*", "text/event-stream"},
		{"specific beats wide", "*/*, application/json;q=0.1, text/event-stream;q=0.2", "application/x-ndjson"},
		{"unknown ones are skipped", "image/png, application/x-ndjson;q=0.1", "application/x-ndjson"},
		{"only unknown", "image/png, text/html", ""},
		{"all ruled out", "*/*;q=0", ""},
		{"weight that is none", "application/json;q=high", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res, body := s.Do(t, "POST", "/v1/run", script("print hi"), "Accept", tt.accept)
			if tt.want == "" {
				if res.StatusCode != 406 || !strings.Contains(body, "text/event-stream") {
					t.Errorf("got %d: %s", res.StatusCode, body)
				}
				return
			}
			if got := res.Header.Get("Content-Type"); res.StatusCode != 200 || got != tt.want {
				t.Errorf("got %d %s", res.StatusCode, got)
			}
			if !strings.Contains(body, "hi\\n") {
				t.Errorf("body %q", body)
			}
		})
	}
}

func TestServerSentEvents(t *testing.T) {
	s := runtest.New(t, runtest.Options{})
	res := s.Open(t, t.Context(), "POST", "/v1/run", script("print one\neprint two\ndisplay text/html <b>\nprint three\nexit 4"), "Accept", "text/event-stream")
	defer res.Body.Close()
	if res.Header.Get("X-Accel-Buffering") != "no" || res.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", res.Header)
	}
	events := newSSEReader(res.Body).all(t)
	var names []string
	for _, e := range events {
		if e.name != "status" {
			names = append(names, e.name)
		}
	}
	if want := []string{"start", "stdout", "stderr", "display", "stdout", "exit"}; !slices.Equal(names, want) {
		t.Fatalf("got %v", names)
	}
	start := runtest.Decode[apitype.Start](t, events[0].data)
	if len(start.ID) != 26 || start.Language != "script" || start.Version != "1.2.3" || start.Engine != "wasm" || start.Reason == "" {
		t.Errorf("start %+v", start)
	}
	exit := runtest.Decode[apitype.Result](t, events[len(events)-1].data)
	if exit.ID != start.ID || exit.ExitCode != 4 || exit.Stdout != text(t, events, "stdout") || exit.Stdout != "one\nthree\n" {
		t.Errorf("exit %+v", exit)
	}
}

// TestOutputComesAsItIsWritten reads what a program says while it still runs.
func TestOutputComesAsItIsWritten(t *testing.T) {
	s := runtest.New(t, runtest.Options{})
	res := s.Open(t, t.Context(), "POST", "/v1/run", script("print first\nreadline", `"stdin_live":true`), "Accept", "text/event-stream")
	defer res.Body.Close()
	events := newSSEReader(res.Body)
	id := runtest.Decode[apitype.Start](t, events.until(t, "start").data).ID
	if got := events.until(t, "stdout").data; got != `{"text":"first\n"}` {
		t.Fatalf("got %s", got)
	}
	if res, body := s.Do(t, "POST", "/v1/runs/"+id+"/stdin", "second\n", "Content-Type", "text/plain"); res.StatusCode != 204 {
		t.Fatalf("stdin: %s %s", res.Status, body)
	}
	if got := events.until(t, "stdout").data; got != `{"text":"second\n"}` {
		t.Errorf("got %s", got)
	}
	if got := runtest.Decode[apitype.Result](t, events.until(t, "exit").data); got.Status != "ok" {
		t.Errorf("exit %+v", got)
	}
}

func TestLines(t *testing.T) {
	s := runtest.New(t, runtest.Options{})
	_, body := s.Do(t, "POST", "/v1/run", script("print one\neprint two"), "Accept", "application/x-ndjson")
	var types []string
	for line := range strings.Lines(body) {
		var e struct{ Type, Text, Status string }
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		switch {
		case e.Type == "stdout" && e.Text != "one\n", e.Type == "stderr" && e.Text != "two\n", e.Type == "exit" && e.Status != "ok":
			t.Errorf("line %s", line)
		}
		if e.Type != "status" {
			types = append(types, e.Type)
		}
	}
	if want := []string{"start", "stdout", "stderr", "exit"}; !slices.Equal(types, want) {
		t.Errorf("got %v", types)
	}
}

// TestLeavingStopsTheRun closes the connection in each shape, before and after
// the first output.
func TestLeavingStopsTheRun(t *testing.T) {
	for _, accept := range []string{"application/json", "text/event-stream", "application/x-ndjson"} {
		t.Run(accept, func(t *testing.T) {
			s := runtest.New(t, runtest.Options{})
			ctx, leave := context.WithCancel(t.Context())
			defer leave()
			answered := make(chan struct{})
			go func() {
				defer close(answered)
				r, _ := http.NewRequestWithContext(ctx, "POST", s.URL+"/v1/run", strings.NewReader(script("print hi\nloop")))
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("Accept", accept)
				res, err := s.Client().Do(r)
				if err != nil {
					return // the JSON shape never answers
				}
				defer res.Body.Close()
				_, _ = bufio.NewReader(res.Body).ReadString('\n')
				<-ctx.Done()
			}()
			s.WaitRunning(t, 1)
			leave()
			<-answered
			s.WaitRunning(t, 0)
		})
	}
}

// TestARunWithTwoWaitersOutlivesOne checks that one of two requests with the
// same idempotency key may leave without stopping the other's run.
func TestARunWithTwoWaitersOutlivesOne(t *testing.T) {
	s := runtest.New(t, runtest.Options{})
	body := script("readline", `"stdin_live":true`)
	stream := func(ctx context.Context) (*http.Response, string) {
		res := s.Open(t, ctx, "POST", "/v1/run", body, "Accept", "text/event-stream", "Idempotency-Key", "k")
		return res, runtest.Decode[apitype.Start](t, newSSEReader(res.Body).until(t, "start").data).ID
	}
	ctx, leave := context.WithCancel(t.Context())
	first, id := stream(ctx)
	second, again := stream(t.Context())
	defer second.Body.Close()
	if id != again {
		t.Fatal("two runs for one key")
	}
	leave()
	first.Body.Close()
	time.Sleep(20 * time.Millisecond) // for a wrong server to notice
	if res, body := s.Do(t, "POST", "/v1/runs/"+id+"/stdin", "on\n"); res.StatusCode != 204 {
		t.Fatalf("stdin: %s %s", res.Status, body)
	}
	exit := newSSEReader(second.Body).until(t, "exit")
	if got := runtest.Decode[apitype.Result](t, exit.data); got.Status != "ok" || got.Stdout != "on\n" {
		t.Errorf("got %+v", got)
	}
}

// TestASlowReaderHoldsNobody lets a client not read a long output while the
// program ends, and reads it all afterwards.
func TestASlowReaderHoldsNobody(t *testing.T) {
	s := runtest.New(t, runtest.Options{})
	res := s.Open(t, t.Context(), "POST", "/v1/run", script("flood"), "Accept", "text/event-stream")
	defer res.Body.Close()
	s.WaitRunning(t, 0)
	if res, body := s.Do(t, "POST", "/v1/run", script("print hi")); res.StatusCode != 200 {
		t.Errorf("another run: %s %s", res.Status, body)
	}
	events := newSSEReader(res.Body).all(t)
	if got := len(text(t, events, "stdout")); got != 1<<20 {
		t.Errorf("got %d bytes of output", got)
	}
	if got := runtest.Decode[apitype.Result](t, events[len(events)-1].data); got.Status != "output_limit" || !got.Truncated.Stdout {
		t.Errorf("status %s, truncated %+v", got.Status, got.Truncated)
	}
}

// TestEventsResumeExactly reconnects after each event and must get the rest,
// no more and no less.
func TestEventsResumeExactly(t *testing.T) {
	s := runtest.New(t, runtest.Options{})
	_, body := s.Do(t, "POST", "/v1/run", script("print öne\neprint two\nprint three\ndisplay a/b c\nprint four"))
	id := runtest.Decode[apitype.Result](t, body).ID
	follow := func(last string) []sseEvent {
		t.Helper()
		var headers []string
		if last != "" {
			headers = []string{"Last-Event-ID", last}
		}
		res := s.Open(t, t.Context(), "GET", "/v1/runs/"+id+"/events", "", headers...)
		defer res.Body.Close()
		if res.StatusCode != 200 {
			t.Fatalf("got %s", res.Status)
		}
		return newSSEReader(res.Body).all(t)
	}
	all := follow("")
	if len(all) < 7 {
		t.Fatalf("only %d events", len(all))
	}
	for i, e := range all {
		if rest := follow(e.id); !slices.Equal(rest, all[i+1:]) {
			t.Errorf("after %s %s: got %v", e.name, e.id, rest)
		}
	}
	for _, bad := range []string{"x", "-1", "1.5"} {
		if res, _ := s.Do(t, "GET", "/v1/runs/"+id+"/events", "", "Last-Event-ID", bad); res.StatusCode != 400 {
			t.Errorf("Last-Event-ID %s: got %s", bad, res.Status)
		}
	}
}

// TestQueueAndPreparationAreReported follows runs that cannot start at once.
func TestQueueAndPreparationAreReported(t *testing.T) {
	s := runtest.New(t, runtest.Options{Scheduler: scheduler.Config{MaxRunning: 1}})
	open := func(body string) sseReader {
		res := s.Open(t, t.Context(), "POST", "/v1/run", body, "Accept", "text/event-stream")
		t.Cleanup(func() { res.Body.Close() })
		return newSSEReader(res.Body)
	}
	s.Runner.SetState("python", sandbox.LanguagePreparing, "compiling")
	preparing := open(`{"language":"python","code":"print hi"}`)
	if got := runtest.Decode[apitype.Progress](t, preparing.until(t, "status").data); got.State != "preparing" || !strings.Contains(got.Message, "compiling") {
		t.Errorf("got %+v", got)
	}
	first := open(script("readline", `"stdin_live":true`))
	id := runtest.Decode[apitype.Start](t, first.until(t, "start").data).ID
	second := open(script("print hi"))
	secondID := runtest.Decode[apitype.Start](t, second.until(t, "start").data).ID
	if got := runtest.Decode[apitype.Progress](t, second.until(t, "status").data); got.State != "queued" || got.Position != 1 || got.Message == "" {
		t.Errorf("got %+v", got)
	}
	_, body := s.Do(t, "GET", "/v1/runs/"+secondID, "")
	if got := runtest.Decode[apitype.Run](t, body); got.State != "queued" || got.Position != 1 || got.Result != nil {
		t.Errorf("got %+v", got)
	}
	s.Do(t, "POST", "/v1/runs/"+id+"/stdin?end=1", "")
	second.until(t, "exit")
	s.Runner.SetState("python", sandbox.LanguageReady, "")
	if got := runtest.Decode[apitype.Result](t, preparing.until(t, "exit").data); got.Stdout != "hi\n" {
		t.Errorf("got %+v", got)
	}
}

// TestIdleStreamsSayThatTheyAreAlive lets 40 seconds pass without output.
func TestIdleStreamsSayThatTheyAreAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sched := scheduler.New(scheduler.Config{Runners: []sandbox.CodeRunner{sandboxtest.NewRunner()}, Store: &sandboxtest.RunStore{}})
		defer sched.Close()
		p := sandboxtest.Program("sleep 40s", "print done")
		p.Limits.Wall = time.Minute
		running, err := sched.Submit(t.Context(), scheduler.Request{Client: "c", Program: p})
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		if err := run.StreamSSE(w, httptest.NewRequestWithContext(t.Context(), "GET", "/", nil), running, 0); err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(w.Body.String(), "\n\n: keep-alive\n\n"); got != 1 { // the second follows the first
			t.Errorf("stream %q", w.Body)
		}
		if got := strings.Count(w.Body.String(), ": keep-alive\n\n"); got != 2 {
			t.Errorf("%d signs of life in 40 s", got)
		}
	})
}

// brokenWriter fails as the connection of a client does that stopped reading.
type brokenWriter struct{ http.ResponseWriter }

func (brokenWriter) Write([]byte) (int, error) { return 0, context.DeadlineExceeded }

func TestAClientThatDoesNotReadIsGone(t *testing.T) {
	desk := runtest.NewDesk(t, sandboxtest.NewRunner(), runtest.Options{})
	running, err := desk.Scheduler.Submit(t.Context(), scheduler.Request{Client: "c", Program: sandboxtest.Program("loop")})
	if err != nil {
		t.Fatal(err)
	}
	err = run.StreamSSE(brokenWriter{httptest.NewRecorder()}, httptest.NewRequestWithContext(t.Context(), "GET", "/", nil), running, 0)
	if err == nil || !strings.Contains(err.Error(), sandbox.ErrClientGone.Error()) {
		t.Errorf("got %v", err)
	}
}
