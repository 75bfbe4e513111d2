package run_test

import (
	"reflect"
	"strconv"
	"strings"
	"testing"

	"sandpiper/web/apitype"
	"sandpiper/web/run/runtest"
)

func TestARunIsItsClientsOwn(t *testing.T) {
	s := runtest.New(t, runtest.Options{Closed: true})
	mine := []string{"Authorization", "Bearer " + runtest.Key}
	other := []string{"Authorization", "Bearer " + runtest.OtherKey}
	res := s.Open(t, t.Context(), "POST", "/v1/run", script("print hi\nreadline", `"stdin_live":true`), append(mine, "Accept", "text/event-stream")...)
	defer res.Body.Close()
	events := newSSEReader(res.Body)
	id := runtest.Decode[apitype.Start](t, events.until(t, "start").data).ID
	events.until(t, "stdout")

	requests := []struct{ method, path, body string }{
		{"GET", "/v1/runs/" + id, ""},
		{"GET", "/v1/runs/" + id + "/events", ""},
		{"POST", "/v1/runs/" + id + "/stdin", "x"},
		{"POST", "/v1/runs/" + id + "/signal", `{"signal":"SIGKILL"}`},
	}
	for _, r := range requests {
		if res, body := s.Do(t, r.method, r.path, r.body, other...); res.StatusCode != 404 {
			t.Errorf("%s %s of a stranger: got %s: %s", r.method, r.path, res.Status, body)
		}
		if res, body := s.Do(t, r.method, r.path, r.body); res.StatusCode != 401 {
			t.Errorf("%s %s of nobody: got %s: %s", r.method, r.path, res.Status, body)
		}
		if res, _ := s.Do(t, r.method, strings.Replace(r.path, id, "nosuchrun", 1), r.body, mine...); res.StatusCode != 404 {
			t.Errorf("%s %s that is not: got %s", r.method, r.path, res.Status)
		}
	}

	_, body := s.Do(t, "GET", "/v1/runs/"+id, "", mine...)
	if got := runtest.Decode[apitype.Run](t, body); got.State != "running" || got.ID != id || got.Language != "script" {
		t.Errorf("live run %+v", got)
	}
	if res, body := s.Do(t, "POST", "/v1/runs/"+id+"/signal", `{"signal":"SIGTERM"}`, mine...); res.StatusCode != 422 {
		t.Errorf("unknown signal: got %s: %s", res.Status, body)
	}
	if res, body := s.Do(t, "POST", "/v1/runs/"+id+"/signal", `{"signal":"SIGINT"}`, mine...); res.StatusCode != 204 {
		t.Errorf("signal: got %s: %s", res.Status, body)
	}
	exit := runtest.Decode[apitype.Result](t, events.until(t, "exit").data)
	if exit.Status != "cancelled" || exit.Signal != "SIGINT" || exit.ExitCode != 130 {
		t.Errorf("exit %+v", exit)
	}

	_, body = s.Do(t, "GET", "/v1/runs/"+id, "", mine...)
	if got := runtest.Decode[apitype.Run](t, body); got.State != "finished" || got.Result == nil || !reflect.DeepEqual(*got.Result, exit) {
		t.Errorf("finished run %+v", got)
	}
	for _, late := range requests[2:] {
		if res, body := s.Do(t, late.method, late.path, late.body, mine...); res.StatusCode != 409 {
			t.Errorf("%s after the end: got %s: %s", late.path, res.Status, body)
		}
	}
}

func TestRecentRuns(t *testing.T) {
	s := runtest.New(t, runtest.Options{})
	mine := []string{"Authorization", "Bearer " + runtest.Key}
	var ids []string
	for i := range 3 {
		_, body := s.Do(t, "POST", "/v1/run", script("print secret\nexit "+strconv.Itoa(i)), mine...)
		ids = append(ids, runtest.Decode[apitype.Result](t, body).ID)
	}
	s.Do(t, "POST", "/v1/run", script("print other"), "Authorization", "Bearer "+runtest.OtherKey)
	_, body := s.Do(t, "GET", "/v1/runs", "", mine...)
	if strings.Contains(body, "secret") {
		t.Error("the list has output")
	}
	list := runtest.Decode[apitype.RunList](t, body).Runs
	if len(list) != 3 || list[0].ID != ids[2] || list[2].ID != ids[0] || list[0].ExitCode != 2 || list[0].Status != "error" || list[0].FinishedAt.IsZero() {
		t.Errorf("got %+v", list)
	}
	_, body = s.Do(t, "GET", "/v1/runs", "", "Authorization", "Bearer "+runtest.OtherKey)
	if got := runtest.Decode[apitype.RunList](t, body).Runs; len(got) != 1 {
		t.Errorf("another client sees %d runs", len(got))
	}
	if res, _ := s.Do(t, "GET", "/v1/runs", ""); res.StatusCode != 401 {
		t.Errorf("an address got a list: %s", res.Status)
	}
}

func TestStdinIsBounded(t *testing.T) {
	s := runtest.New(t, runtest.Options{})
	res := s.Open(t, t.Context(), "POST", "/v1/run", script("sleep 10s", `"stdin_live":true`), "Accept", "text/event-stream")
	defer res.Body.Close()
	id := runtest.Decode[apitype.Start](t, newSSEReader(res.Body).until(t, "start").data).ID
	path := "/v1/runs/" + id + "/stdin"
	if res, body := s.Do(t, "POST", path, strings.Repeat("x", 1<<20+1)); res.StatusCode != 413 {
		t.Errorf("too much at once: got %s: %s", res.Status, body)
	}
	if res, body := s.Do(t, "POST", path, strings.Repeat("x", 1<<20)); res.StatusCode != 204 {
		t.Errorf("as much as fits: got %s: %s", res.Status, body)
	}
	if res, body := s.Do(t, "POST", path, "x"); res.StatusCode != 413 {
		t.Errorf("more than fits: got %s: %s", res.Status, body)
	}
	if res, body := s.Do(t, "POST", path+"?end=1", ""); res.StatusCode != 204 {
		t.Errorf("the end: got %s: %s", res.Status, body)
	}
	if res, body := s.Do(t, "POST", path, "x"); res.StatusCode != 409 {
		t.Errorf("after the end: got %s: %s", res.Status, body)
	}
}
