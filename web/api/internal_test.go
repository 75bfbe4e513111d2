package api

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/manager"
)

// fill sets every field of a struct to something that is not zero.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString("x")
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(time.Hour))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		value := reflect.New(v.Type().Elem()).Elem()
		fill(value)
		v.SetMapIndex(reflect.ValueOf("x").Convert(v.Type().Key()), value)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(1e9, 0)))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	}
}

// empty returns the names of zero fields, also of embedded structs.
func empty(v reflect.Value) []string {
	var names []string
	for i := range v.NumField() {
		switch field := v.Type().Field(i); {
		case field.Anonymous:
			names = append(names, empty(v.Field(i))...)
		case v.Field(i).IsZero():
			names = append(names, field.Name)
		}
	}
	return names
}

func TestConversionsLeaveNothingOut(t *testing.T) {
	var s sandbox.Sandbox
	fill(reflect.ValueOf(&s).Elem())
	var snapshot sandbox.Snapshot
	fill(reflect.ValueOf(&snapshot).Elem())
	var runner sandbox.Runner
	fill(reflect.ValueOf(&runner).Elem())
	var pool manager.PoolStatus
	fill(reflect.ValueOf(&pool).Elem())
	h := &Handler{version: "1"}
	for name, c := range map[string]struct {
		got  any
		zero string // fields that have nothing to show
	}{
		"sandbox":   {toSandbox(s, "base"), "BuildInfo"},
		"workspace": {toWorkspace(s, "base"), ""},
		"snapshot":  {toSnapshot(snapshot, sandbox.Region{ID: "x"}), "General BuildInfo"},
		"runner":    {h.toRunner(runner), "Unschedulable"},
		"pool":      {toPool(pool), ""},
	} {
		if got := strings.Join(empty(reflect.ValueOf(c.got)), " "); got != c.zero && !(name == "workspace" && got == "BuildInfo") {
			t.Errorf("%s: nothing in %q, want %q", name, got, c.zero)
		}
	}
}

func TestRouter(t *testing.T) {
	var routes router
	for _, path := range []string{"GET /a/{b}", "GET /a/c", "POST /a/{b}", "GET /a/{b}/full", "GET /a/by/{c}", "GET /{x}/y"} {
		method, path, _ := strings.Cut(path, " ")
		routes.handle(method, path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte(path + " " + r.PathValue("b") + r.PathValue("c") + r.PathValue("x")))
		}))
	}
	for request, want := range map[string]string{
		"GET /a/1": "/a/{b} 1", "HEAD /a/1": "/a/{b} 1", "POST /a/1": "/a/{b} 1", "GET /a/c": "/a/c ", "POST /a/c": "/a/{b} c",
		"GET /a/1/full": "/a/{b}/full 1", "GET /a/by/2": "/a/by/{c} 2", "GET /a/by/full": "/a/by/{c} full", "GET /a/y": "/a/{b} y", "GET /b/y": "/{x}/y b",
		"GET /a/x%2Fy": "/a/{b} x/y", "GET /a/": "", "GET /a": "", "PUT /a/1": "", "GET /a/1/2/3": "", "GET /a/1/": "",
	} {
		method, path, _ := strings.Cut(request, " ")
		r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
		got, w := "", httptest.NewRecorder()
		if h := routes.match(r); h != nil {
			h.ServeHTTP(w, r)
			got = w.Body.String()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", request, got, want)
		}
	}
}

func TestWhereClientsReachUs(t *testing.T) {
	for _, c := range []struct{ public, host, want string }{
		{"http://127.0.0.1:8080", "evil.test", "http://127.0.0.1:8080"},
		{"https://run.example.org/", "evil.test", "https://run.example.org"},
		{"http://0.0.0.0:8080", "box.lan:8080", "http://box.lan:8080"},
		{"http://[::]:8080", "[fd00::1]:8080", "http://[fd00::1]:8080"},
		{"http://[::]:8080", "a/b", "http://[::]:8080"},
		{"http://[::]:8080", "", "http://[::]:8080"},
	} {
		u, err := url.Parse(c.public)
		if err != nil {
			t.Fatal(err)
		}
		h := &Handler{public: u}
		if got := h.base(&http.Request{Host: c.host}); got != c.want {
			t.Errorf("%s with the host %q: %s, want %s", c.public, c.host, got, c.want)
		}
	}
}

func TestMinutes(t *testing.T) {
	for d, want := range map[time.Duration]int{0: 0, time.Second: 1, -time.Second: -1, time.Minute: 1, 90 * time.Second: 1, -time.Minute: -1, sandbox.MaxAutoArchive: 43200} {
		if got := minutes(d); got != want {
			t.Errorf("%v is %d minutes, want %d", d, got, want)
		}
	}
}

func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"", "limit=5&cursor=x&states=a,b&states[]=c", "labels={}", "createdAtAfter=2024-01-01T00:00:00Z&order=asc", "minCpu=-1&isPublic=1", "%zz"} {
		f.Add(seed)
	}
	h := &Handler{}
	f.Fuzz(func(t *testing.T, text string) {
		values, _ := url.ParseQuery(text)
		q := &query{values: values}
		filter := h.filter(q)
		if q.err == nil && (filter.Limit < 0 || filter.Min.CPU < 0) {
			t.Errorf("%q: %+v", text, filter)
		}
		if q.err != nil && sandbox.KindOf(q.err) != sandbox.KindUnprocessed {
			t.Errorf("%q: %v", text, q.err)
		}
	})
}

// TestRetryAfter holds the headers that clients wait by.
func TestRetryAfter(t *testing.T) {
	busy := sandbox.Errorf(sandbox.KindBusy, "there is no room")
	for _, tt := range []struct {
		method, path string
		err          *sandbox.Error
		header       string // that is there besides Retry-After; "" for none
	}{
		{"POST", "/api/sandbox", busy, "Retry-After-sandbox-create"},
		{"POST", "/api/workspace/", busy, "Retry-After-sandbox-create"},
		{"POST", "/api/sandbox/x/start", busy, "Retry-After-sandbox-lifecycle"},
		{"DELETE", "/api/workspace/x", busy, "Retry-After-sandbox-lifecycle"},
		{"GET", "/api/sandbox/x", busy, "Retry-After-authenticated"},
		{"POST", "/api/snapshots", busy, "Retry-After-authenticated"},
		{"POST", "/api/sandbox", sandbox.Errorf(sandbox.KindUnavailable, "not yet"), ""},
	} {
		w := httptest.NewRecorder()
		w.Header().Set("Retry-After", "7") // package reply sets it
		WriteError(w, httptest.NewRequest(tt.method, tt.path, nil), tt.err)
		var found []string
		for name := range w.Header() {
			if strings.HasPrefix(name, "Retry-After-") {
				found = append(found, name)
			}
		}
		want := []string{}
		if tt.header != "" {
			want = append(want, http.CanonicalHeaderKey(tt.header))
		}
		if len(found) != len(want) || len(want) == 1 && (found[0] != want[0] || w.Header().Get(want[0]) != "7") {
			t.Errorf("%s %s: headers %v, want %v", tt.method, tt.path, found, want)
		}
	}
}

func TestTimes(t *testing.T) {
	noon := time.Date(2024, 1, 31, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"2024-01-31T12:00:00Z":             noon,
		"2024-01-31T14:00:00+02:00":        noon,
		"2024-01-31T12:00:00.000000+0000":  noon, // Python's strftime with %z
		"2024-01-31T06:30:00.250000-0530":  noon.Add(250 * time.Millisecond),
		"2024-01-31T12:00:00.250000":       noon.Add(250 * time.Millisecond), // of a time without a zone
		"2024-01-31":                       noon.Add(-12 * time.Hour),
		"2024-01-31T12:00:00.123456789Z":   noon.Add(123456789),
		"yesterday":                        {},
		"2024-01-31T12:00:00.000000 0000":  {},
		"2024-13-31T12:00:00":              {},
		"2024-01-31T12:00:00+0000 or else": {},
	} {
		q := &query{values: url.Values{"at": {text}}}
		if got := q.time("at"); !got.Equal(want) || (q.err == nil) == want.IsZero() {
			t.Errorf("%q: got %v, %v", text, got, q.err)
		}
	}
}

func FuzzTime(f *testing.F) {
	for _, seed := range []string{"2024-01-31T12:00:00Z", "2024-01-31T12:00:00.000000+0000", "2024-01-31T12:00:00.5", "2024-01-31", "x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q := &query{values: url.Values{"at": {text}}}
		got := q.time("at")
		if q.err != nil {
			if !got.IsZero() {
				t.Errorf("%q is refused and is %v", text, got)
			}
			return
		}
		again := &query{values: url.Values{"at": {got.Format(time.RFC3339Nano)}}}
		if same := again.time("at"); again.err == nil && !same.Equal(got) {
			t.Errorf("%q is %v, and read again %v", text, got, same)
		}
	})
}
