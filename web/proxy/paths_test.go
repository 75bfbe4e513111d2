package proxy_test

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"sandpiper/sandbox"
	"sandpiper/web/proxy"
)

// enterByPath leads a signed-in browser to a path of the previews' own listener
// and returns the address it comes to, which lets it in.
func (s *site) enterByPath(path string) string {
	s.t.Helper()
	res, _ := do(s.t, "GET", s.paths.URL+"/p/"+id+"/3000"+path, nil, browser...)
	ask, err := url.Parse(res.Header.Get("Location"))
	if err != nil || ask.Path != "/preview/authorize" {
		s.t.Fatalf("a browser is not asked who it is: %s %v", res.Status, res.Header)
	}
	res, body := s.get(ask.Host, ask.RequestURI(), with(browser, "Cookie", "sandpiper="+session)...)
	location := res.Header.Get("Location")
	if res.StatusCode != 303 || !strings.HasPrefix(location, s.paths.URL+"/p/"+id+".") || !strings.HasSuffix(location, "/3000"+path) {
		s.t.Fatalf("%s %v %s", res.Status, res.Header, body)
	}
	return location
}

func TestAPathThatLetsInIsNarrowAndEnds(t *testing.T) {
	s := newSite(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "inside") })
	s.fake.servers[3001] = s.fake.servers[3000]
	path := s.enterByPath("/a?b=c")
	pass, _, _ := strings.Cut(strings.TrimPrefix(path, s.paths.URL+"/p/"+id+"."), "/")
	end, rest, _ := strings.Cut(pass, ".")
	_, mac, _ := strings.Cut(rest, ".")
	at := func(pass string, port int) string {
		return fmt.Sprintf("%s/p/%s.%s/%d/", s.paths.URL, id, pass, port)
	}
	for _, tt := range []struct {
		name, address string
		want          int
	}{
		{"as it was given", path, 200},
		{"another page of it", at(pass, 3000) + "x", 200},
		{"another port", at(pass, 3001), 401},
		{"the toolbox", at(pass, 2280), 401},
		{"without its session", at(end+".."+mac, 3000), 401},
		{"for longer", at("9"+pass, 3000), 401},
		{"cut", at(pass[:len(pass)-1], 3000), 401},
		{"empty parts", at("..", 3000), 401},
		{"on the app", strings.Replace(path, s.paths.URL, s.app.URL, 1), 200}, // which knows no such path
	} {
		res, body := do(t, "GET", tt.address, nil)
		if res.StatusCode != tt.want || tt.want == 200 != (body == "inside" || body == "the app") {
			t.Errorf("%s: %s %s", tt.name, res.Status, body)
		}
	}
	s.fake.box.Incarnation++
	if res, _ := do(t, "GET", path, nil); res.StatusCode != 401 {
		t.Errorf("the path outlives the run: %s", res.Status)
	}
	s.fake.box.Incarnation--
	sum := sha256.Sum256([]byte(session))
	if err := s.store.DeleteSession(t.Context(), sum[:]); err != nil {
		t.Fatal(err)
	}
	if res, _ := do(t, "GET", path, nil); res.StatusCode != 401 {
		t.Errorf("the path outlives the session: %s", res.Status)
	}
	res, _ := do(t, "GET", path, nil, browser...)
	ask, err := url.Parse(res.Header.Get("Location"))
	if err != nil || ask.Path != "/preview/authorize" {
		t.Fatalf("a browser that signed out is not asked again: %s %v", res.Status, res.Header)
	}
	if res, _ = s.get(ask.Host, ask.RequestURI(), with(browser, "Cookie", "sandpiper="+session)...); !strings.HasPrefix(res.Header.Get("Location"), "/signin") {
		t.Errorf("a browser that signed out is let in: %s %v", res.Status, res.Header)
	}
}

func TestAPathLastsWhenItsVisitStartsTheSandbox(t *testing.T) {
	s := newSite(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "inside") })
	path := s.enterByPath("/a?b=c")
	s.fake.mu.Lock()
	s.fake.box.State, s.fake.box.Labels = sandbox.StateStopped, map[string]string{proxy.StartOnVisit: "true"}
	s.fake.start = func(b *sandbox.Sandbox) error {
		b.State, b.StartedAt = sandbox.StateStarted, time.Now()
		b.Incarnation++
		return nil
	}
	s.fake.mu.Unlock()
	res, _ := do(t, "GET", path, nil, browser...)
	next := res.Header.Get("Location")
	if res.StatusCode != 303 || next == path || !strings.HasSuffix(next, "/3000/a?b=c") {
		t.Fatalf("%s %v", res.Status, res.Header)
	}
	if res, body := do(t, "GET", next, nil, browser...); body != "inside" {
		t.Errorf("after the start: %s %v", res.Status, res.Header)
	}
}

// What pages share that are told apart by their paths, a policy takes from them.
func TestAPathWarnsStrangersOfAPublicSandbox(t *testing.T) {
	s := newSite(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "inside") })
	s.fake.box.Public = true
	s.fake.servers[3001] = s.fake.servers[3000]
	path := "/p/" + id + "/3000"
	_, body := do(t, "GET", s.paths.URL+path+"/a", nil, browser...)
	if !strings.Contains(body, "comes from a sandbox") || !strings.Contains(body, `action="`+path+`/.sandpiper/accept"`) || !strings.Contains(body, `value="`+path+`/a"`) {
		t.Fatalf("no warning: %s", body)
	}
	if _, body := do(t, "GET", s.paths.URL+"/p/"+id+".1.x.y/3000/a", nil, browser...); !strings.Contains(body, "comes from a sandbox") {
		t.Errorf("a pass that is not good spares the warning: %s", body)
	}
	form := func(origin string) *http.Response {
		res, _ := do(t, "POST", s.paths.URL+path+"/.sandpiper/accept", strings.NewReader("next="+url.QueryEscape(path+"/a")),
			"Content-Type", "application/x-www-form-urlencoded", "Origin", origin)
		return res
	}
	if res := form("null"); res.StatusCode != 403 || len(res.Cookies()) > 0 {
		t.Errorf("a page below a path accepts the warning: %s", res.Status)
	}
	res := form(s.paths.URL)
	accepted := res.Cookies()
	if len(accepted) != 1 || accepted[0].Path != path+"/" || res.Header.Get("Location") != s.paths.URL+path+"/a" {
		t.Fatalf("%s %v", res.Status, res.Header)
	}
	cookie := accepted[0].Name + "=" + accepted[0].Value
	if _, body := do(t, "GET", s.paths.URL+path+"/a", nil, with(browser, "Cookie", cookie)...); body != "inside" {
		t.Errorf("after the warning: %s", body)
	}
	if _, body := do(t, "GET", s.paths.URL+path+"/a", nil); body != "inside" {
		t.Errorf("a program is warned: %s", body)
	}
}

func TestPagesBelowPathsHaveNoOrigin(t *testing.T) {
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "sandbox allow-same-origin allow-scripts")
		w.Header().Add("Set-Cookie", "sandpiper=planted; Path=/")
		w.Header().Add("Set-Cookie", "own=1; Path=/; Domain=test")
		fmt.Fprint(w, r.Header.Get("Cookie"))
	})
	path := s.enterByPath("/")
	res, body := do(t, "GET", path, nil, with(browser, "Cookie", "sandpiper="+session+"; __Host-sandpiper="+session+"; own=1")...)
	if body != "own=1" {
		t.Errorf("the server inside sees %q", body)
	}
	policies := res.Header.Values("Content-Security-Policy")
	if last := policies[len(policies)-1]; !strings.HasPrefix(last, "sandbox ") || strings.Contains(last, "allow-same-origin") || strings.Contains(last, "allow-top-navigation") {
		t.Errorf("the last policy, which holds beside the others, is %q", last)
	}
	prefix := strings.TrimSuffix(strings.TrimPrefix(path, s.paths.URL), "/")
	if got := res.Header.Values("Set-Cookie"); len(got) != 1 || got[0] != "own=1; Path="+prefix+"/" {
		t.Errorf("cookies: %q", got)
	}
	if res.Header.Get("Referrer-Policy") != "no-referrer" {
		t.Error("the path, which lets in, is told to other sites")
	}
	if res, _ := do(t, "GET", s.paths.URL+"/sandboxes", nil, "Cookie", "sandpiper="+session); res.StatusCode != 404 {
		t.Errorf("the app answers where previews do: %s", res.Status)
	}
}
