package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"sandpiper/e2e/spec"
)

// specifications is seen from this package, where they are.
const specifications = "../../../shared/spec/"

func TestTheListIsThatOfTheSpecifications(t *testing.T) {
	listed, err := readOperations(operations)
	if err != nil || len(listed) != 299 {
		t.Fatalf("%d operations, %v", len(listed), err)
	}
	for api, name := range map[string]string{"control": "api.json", "toolbox": "toolbox.json"} {
		d, err := spec.Load(specifications + name)
		if err != nil {
			t.Logf("%s is not there to compare with: %v", name, err)
			continue
		}
		for _, op := range d.Operations {
			if !slices.Contains(listed, operation{api, op.Method, op.Path, op.ID}) {
				t.Errorf("the list lacks %s %s", op.Method, op.Path)
			}
		}
	}
}

func TestStates(t *testing.T) {
	for o, want := range map[outcome]state{
		{good: 2}: implemented, {missing: 1}: absent, {good: 1, missing: 1}: partial, {bad: 1}: partial, {good: 1, bad: 1}: partial, {}: absent,
	} {
		if got := o.state(); got != want {
			t.Errorf("%+v is %s, want %s", o, got, want)
		}
	}
	op := operation{"control", "GET", "/a", "a"}
	both := newTable([]operation{op})
	both.add("one", map[string]outcome{op.key(): {good: 1}})
	both.add("two", map[string]outcome{op.key(): {missing: 1, note: "no"}})
	var out strings.Builder
	both.print(&out)
	if s, note := both.of(op); s != partial || note != "two: no" || both.err() != nil || !strings.Contains(out.String(), "| all 1 | 0 | 1 | 0 |") {
		t.Errorf("%s %q %v\n%s", s, note, both.err(), out.String())
	}
}

// serve walks a server that answers everything alike.
func serve(t *testing.T, status int, body any) *table {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(body)
	}))
	t.Cleanup(srv.Close)
	ops, err := readOperations(operations)
	if err != nil {
		t.Fatal(err)
	}
	w := newWalk(srv.URL, "key", "wasm", ops, nil)
	w.all(t.Context())
	table := newTable(ops)
	table.add("wasm", w.outcomes)
	return table
}

func TestWhatTheWalkSees(t *testing.T) {
	none := serve(t, 501, map[string]any{"statusCode": 501, "message": "not here"})
	var out strings.Builder
	none.print(&out)
	if none.err() != nil || !strings.Contains(out.String(), "| all 299 | 0 | 0 | 299 |") {
		t.Errorf("a server without anything: %v\n%.300s", none.err(), out.String())
	}
	for name, c := range map[string]struct {
		status int
		body   any
		says   string
	}{
		"an answer in another shape": {404, "nothing", "in another shape"},
		"a failure":                  {500, map[string]any{"statusCode": 500, "message": "oh"}, "oh"},
		"no such method":             {405, map[string]any{"statusCode": 405, "message": "no"}, "not routed"},
	} {
		if err := serve(t, c.status, c.body).err(); err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), fmt.Sprint(299)) {
			t.Errorf("%s: %.200v", name, err)
		}
	}
}

func TestFind(t *testing.T) {
	v := parse([]byte(`{"a":[{"b":"c"}],"n":1}`))
	for where, want := range map[string]string{"a.0.b": "c", "a.1.b": "", "n": "", "x.y": "", "n.z": "", "a.-1": ""} {
		if got := find(v, where); got != want {
			t.Errorf("%s: %q, want %q", where, got, want)
		}
	}
}
