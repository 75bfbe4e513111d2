package preview_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/sandboxtest"
	"sandpiper/web/preview"
)

const (
	id    = "6d4c8f6e-0b1a-4c2d-8e3f-001122334455"
	other = "7d4c8f6e-0b1a-4c2d-8e3f-001122334455"
)

func site(t testing.TB, domain, public string) *preview.Site {
	t.Helper()
	u, err := url.Parse(public)
	if err != nil {
		t.Fatal(err)
	}
	s, err := preview.NewSite(preview.Config{Domain: domain, Public: u, Paths: &url.URL{Scheme: "http", Host: "127.0.0.1:8081"}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestHosts(t *testing.T) {
	s := site(t, "Preview.Example.org.", "https://app.preview.example.org")
	for _, tt := range []struct {
		name, host string
		owns       bool
		want       preview.Address // zero for no preview
	}{
		{"a preview", "3000-" + id + ".preview.example.org", true, preview.Address{Port: 3000, Name: id}},
		{"with a port", "3000-" + id + ".preview.example.org:8080", true, preview.Address{Port: 3000, Name: id}},
		{"in capitals", "3000-" + strings.ToUpper(id) + ".PREVIEW.example.ORG", true, preview.Address{Port: 3000, Name: id}},
		{"with the root's dot", "3000-" + id + ".preview.example.org.", true, preview.Address{Port: 3000, Name: id}},
		{"with the dot and a port", "3000-" + id + ".preview.example.org.:80", true, preview.Address{Port: 3000, Name: id}},
		{"the lowest port", "1-a.preview.example.org", true, preview.Address{Port: 1, Name: "a"}},
		{"the highest port", "65535-a.preview.example.org", true, preview.Address{Port: 65535, Name: "a"}},
		{"the app, below the domain", "app.preview.example.org", false, preview.Address{}},
		{"the app in another spelling", "APP.preview.example.org.:443", false, preview.Address{}},
		{"the domain itself", "preview.example.org", false, preview.Address{}},
		{"another domain", "3000-" + id + ".example.org", false, preview.Address{}},
		{"one that only ends so", "3000-" + id + ".notpreview.example.org", false, preview.Address{}},
		{"an encoded dot", "3000-" + id + "%2epreview.example.org", false, preview.Address{}},
		{"a wide dot", "3000-" + id + "。preview.example.org", false, preview.Address{}},
		{"nothing", "", false, preview.Address{}},
		{"a user", "a@3000-" + id + ".preview.example.org", false, preview.Address{}},
		{"no port", id + ".preview.example.org", true, preview.Address{}},
		{"port 0", "0-" + id + ".preview.example.org", true, preview.Address{}},
		{"a port that is too high", "65536-" + id + ".preview.example.org", true, preview.Address{}},
		{"a port with a zero before", "03000-" + id + ".preview.example.org", true, preview.Address{}},
		{"a port with a sign", "+3000-" + id + ".preview.example.org", true, preview.Address{}},
		{"a label more", "x.3000-" + id + ".preview.example.org", true, preview.Address{}},
		{"no name", "3000-.preview.example.org", true, preview.Address{}},
		{"an underscore", "3000-a_b.preview.example.org", true, preview.Address{}},
		{"letters of another script", "3000-а.preview.example.org", true, preview.Address{}},
		{"a name that is too long", "3000-" + strings.Repeat("a", 58) + ".preview.example.org", true, preview.Address{}},
		{"a port that is no number", "3000-" + id + ".preview.example.org:8x", false, preview.Address{}},
	} {
		got, ok := s.Parse(tt.host)
		if got != tt.want || ok != (tt.want != preview.Address{}) || s.Owns(tt.host) != tt.owns {
			t.Errorf("%s: %+v, %v, owned %v", tt.name, got, ok, s.Owns(tt.host))
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"3000-" + id + ".localhost:8080", "3000-a.localhost.", "[::1]:80", "localhost", ".localhost", "-.localhost", "3000-a.localhost:"} {
		f.Add(seed)
	}
	s := site(f, "localhost", "http://localhost:8080")
	f.Fuzz(func(t *testing.T, host string) {
		a, ok := s.Parse(host)
		if !ok {
			return
		}
		if !s.Owns(host) {
			t.Fatalf("%q is a preview that is not owned", host)
		}
		u, err := url.Parse(s.URL(a))
		if err != nil {
			t.Fatalf("%q: %v", host, err)
		}
		if again, ok := s.Parse(u.Host); !ok || again != a {
			t.Errorf("%q is %+v and then %+v", host, a, again)
		}
	})
}

func TestPaths(t *testing.T) {
	for _, tt := range []struct {
		path string
		want preview.Address
		rest string
		ok   bool
	}{
		{"/p/" + id + "/3000/a%2Fb/../c", preview.Address{Port: 3000, Name: id}, "/a%2Fb/../c", true},
		{"/p/" + id + "/3000/", preview.Address{Port: 3000, Name: id}, "/", true},
		{"/p/" + id + "/3000", preview.Address{Port: 3000, Name: id}, "", true},
		{"/p/" + id + "/3000?a=/b", preview.Address{Port: 3000, Name: id}, "", true},
		{"/p/" + id + "/3000/?a=b", preview.Address{Port: 3000, Name: id}, "/?a=b", true},
		{"/p/" + id + ".12.ab.C-_/3000/x", preview.Address{Port: 3000, Name: id, Pass: "12.ab.C-_"}, "/x", true},
		{"/p/" + id + "./3000/x", preview.Address{}, "", false},
		{"/p/" + id + ".a%2Fb/3000/x", preview.Address{}, "", false},
		{"/p/" + id + "." + strings.Repeat("a", 257) + "/3000/x", preview.Address{}, "", false},
		{"/p/./3000/", preview.Address{}, "", false},
		{"/p//3000/", preview.Address{}, "", false},
		{"/p/" + id, preview.Address{}, "", false},
		{"/p/../3000/", preview.Address{}, "", false},
		{"/p/" + id + "/%33000/", preview.Address{}, "", false},
		{"/p/A/3000/", preview.Address{}, "", false},
		{"/P/a/3000/", preview.Address{}, "", false},
		{"//p/a/3000/", preview.Address{}, "", false},
	} {
		a, rest, ok := preview.ParsePath(tt.path)
		if a != tt.want || rest != tt.rest || ok != tt.ok {
			t.Errorf("%s: %+v, %q, %v", tt.path, a, rest, ok)
		}
	}
}

func FuzzParsePath(f *testing.F) {
	for _, seed := range []string{"/p/" + id + "/3000/x", "/p/a/1", "/p/a/1?b", "/p//", "/p/../1/", "/p/a/1//b", "/p/a.b.C/1/x", "/p/a./1/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		a, rest, ok := preview.ParsePath(path)
		if ok && (!strings.HasPrefix(path, a.Prefix()) || rest != "" && a.Prefix()+rest != path) {
			t.Errorf("%q is %q and %q", path, a.Prefix(), rest)
		}
	})
}

func TestReturn(t *testing.T) {
	s := site(t, "localhost", "http://127.0.0.1:8080")
	token := strings.Repeat("a", 56)
	for _, tt := range []struct{ name, target, base, path string }{
		{"a preview", "http://3000-" + id + ".localhost:8080/a?b=c", "http://3000-" + id + ".localhost:8080", "/a?b=c"},
		{"without a path", "http://3000-" + id + ".localhost:8080", "http://3000-" + id + ".localhost:8080", "/"},
		{"on the other listener", "http://3000-" + id + ".localhost:8081/", "http://3000-" + id + ".localhost:8081", "/"},
		{"on a port that is not ours", "http://3000-" + id + ".localhost:9/", "http://3000-" + id + ".localhost:8080", "/"},
		{"by the other scheme", "https://3000-" + id + ".localhost:8080/", "http://3000-" + id + ".localhost:8080", "/"},
		{"a path", "http://127.0.0.1:8081/p/" + id + "/3000/a", "http://127.0.0.1:8081", "/a"},
		{"a path with a pass", "http://127.0.0.1:8081/p/" + id + ".pass/3000/a", "http://127.0.0.1:8081", "/a"},
		{"elsewhere", "http://evil.test/", "", ""},
		{"elsewhere by a user", "http://3000-" + id + ".localhost:8080@evil.test/", "", ""},
		{"with a user", "http://a@3000-" + id + ".localhost:8080/", "", ""},
		{"the app", "http://127.0.0.1:8080/", "", ""},
		{"a script", "javascript:alert(1)//3000-" + id + ".localhost", "", ""},
		{"no scheme", "//3000-" + id + ".localhost:8080/", "", ""},
		{"signed already", "http://3000-" + token + ".localhost:8080/", "", ""},
		{"a broken address", "http://3000-" + id + ".localhost:8080/%zz", "", ""},
		{"a backslash", `http://3000-` + id + `.localhost:8080\@evil.test/`, "", ""},
	} {
		a, base, path, ok := s.Return(tt.target)
		if a.Pass != "" {
			t.Errorf("%s: a pass comes back", tt.name)
		}
		if ok != (tt.base != "") || ok && (base != tt.base || path != tt.path) {
			t.Errorf("%s: %q %q %v", tt.name, base, path, ok)
		}
	}
}

func TestAddresses(t *testing.T) {
	s := site(t, "preview.example.org", "https://run.example.org")
	if got := s.URL(preview.Address{Port: 80, Name: id}); got != "https://80-"+id+".preview.example.org" || !s.Secure() {
		t.Error(got)
	}
	if got := s.Template(); got != "https://{{PORT}}-{{sandboxId}}.preview.example.org" {
		t.Error(got)
	}
	if got := site(t, "localhost", "http://0.0.0.0:8080").App(); got != "http://localhost:8080" {
		t.Error(got)
	}
	for _, domain := range []string{"", ".", "a..b", "127.0.0.1", "a b", "-a", "localhost:80", "exa_mple", strings.Repeat("a.", 120) + "a"} {
		if _, err := preview.NewSite(preview.Config{Domain: domain, Public: &url.URL{}}); err == nil {
			t.Errorf("%q is a domain", domain)
		}
	}
}

// boxes are sandboxes by their IDs.
type boxes map[string]*sandbox.Sandbox

func (b boxes) ByID(_ context.Context, id string) (sandbox.Sandbox, error) {
	if b[id] == nil {
		return sandbox.Sandbox{}, sandbox.Errorf(sandbox.KindNotFound, "none")
	}
	return *b[id], nil
}

func (b boxes) PreviewKey(s sandbox.Sandbox) string { return fmt.Sprint(s.ID, s.KeyVersion) }

func TestLinks(t *testing.T) {
	all := boxes{id: {ID: id}, other: {ID: other}}
	store := &sandboxtest.PreviewStore{}
	links, err := preview.NewLinks(t.Context(), all, store)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(s string, port int, life time.Duration) string {
		token, err := links.Sign(*all[s], port, life)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	good := sign(id, 3000, time.Minute)
	ended := sign(id, 3000, time.Hour)
	if !(preview.Address{Port: 1, Name: good}).Signed() || (preview.Address{Port: 1, Name: id}).Signed() {
		t.Error("a token does not look like one")
	}
	if err := links.End(t.Context(), *all[id], 3000, strings.ToUpper(ended)); err != nil {
		t.Fatal(err)
	}
	flipped := []byte(good)
	flipped[len(flipped)-1] ^= 1
	for _, tt := range []struct {
		name, token string
		port        int
		say         string // of the error; "" for none
	}{
		{"good", good, 3000, ""},
		{"in capitals, as hosts may be", strings.ToUpper(good), 3000, ""},
		{"for another port", good, 3001, "not signed"},
		{"expired", sign(id, 3000, -time.Second), 3000, "expired"},
		{"ended", ended, 3000, "not signed"},
		{"forged", string(flipped), 3000, "not signed"},
		{"cut", good[:50], 3000, "not signed"},
		{"empty", "", 3000, "not signed"},
		{"with a line end", good[:20] + "\n" + good[20:], 3000, "not signed"},
		{"with a line end for a letter", good[:20] + "\n" + good[21:], 3000, "not signed"},
		{"with another sandbox's ID", sign(other, 3000, time.Minute)[:26] + good[26:], 3000, "not signed"},
		{"of a sandbox that is gone", strings.Repeat("a", 26) + good[26:], 3000, "not signed"},
	} {
		s, err := links.Open(t.Context(), tt.token, tt.port)
		switch {
		case tt.say == "" && (err != nil || s.ID != id):
			t.Errorf("%s: %v %v", tt.name, s.ID, err)
		case tt.say != "" && (sandbox.KindOf(err) != sandbox.KindUnauthorized || !strings.Contains(err.Error(), tt.say) || s.ID != ""):
			t.Errorf("%s: %v %v", tt.name, s.ID, err)
		}
	}
	for name, err := range map[string]error{
		"of another sandbox":  links.End(t.Context(), *all[other], 3000, good),
		"of another port":     links.End(t.Context(), *all[id], 3001, good),
		"for the second time": links.End(t.Context(), *all[id], 3000, ended),
	} {
		if sandbox.KindOf(err) != sandbox.KindNotFound {
			t.Errorf("the end of a token %s: %v", name, err)
		}
	}
	again, err := preview.NewLinks(t.Context(), all, store) // after a restart
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.Open(t.Context(), ended, 3000); err == nil {
		t.Error("a restart brought an ended token back")
	}
	if _, err := again.Open(t.Context(), good, 3000); err != nil {
		t.Errorf("a restart ended a token: %v", err)
	}
	all[id].KeyVersion++
	if _, err := again.Open(t.Context(), good, 3000); err == nil {
		t.Error("new keys left an old token good")
	}
}

func FuzzOpen(f *testing.F) {
	all := boxes{id: {ID: id, KeyVersion: rand.Int()}} // the processes of a fuzzer share what is signed
	links, err := preview.NewLinks(f.Context(), all, &sandboxtest.PreviewStore{})
	if err != nil {
		f.Fatal(err)
	}
	good, err := links.Sign(*all[id], 3000, time.Hour)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{good, good[1:], "", "a", strings.Repeat("7", 56)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := links.Open(t.Context(), token, 3000); err == nil && !strings.EqualFold(token, good) {
			t.Errorf("%q was never signed", token)
		}
	})
}
