package auth_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sandpiper/web/auth"
)

func TestOneTimeLink(t *testing.T) {
	g, _ := newGuard(t, nil)
	h := site(g)
	link, expires := g.SignInURL()
	if !strings.HasPrefix(link, "http://sandpiper.test/signin?token=") || time.Until(expires) > 15*time.Minute {
		t.Fatalf("link %s until %v", link, expires)
	}
	if res := serve(h, request(t, "HEAD", link, "")); len(res.Cookies()) != 0 {
		t.Error("a preview of the link signed in")
	}
	res := serve(h, request(t, "GET", link+"&next=/runs", ""))
	if res.StatusCode != 303 || res.Header.Get("Location") != "/runs" || res.Header.Get("Referrer-Policy") != "no-referrer" || res.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("got %s %v", res.Status, res.Header)
	}
	cookie := res.Cookies()[0]
	if cookie.Name != "sandpiper" || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" || cookie.Secure || cookie.MaxAge != 30*24*3600 || cookie.Domain != "" || len(cookie.Value) != 43 {
		t.Errorf("cookie %+v", cookie)
	}
	res = serve(h, request(t, "GET", link, ""))
	if body := bodyOf(t, res); res.StatusCode != 401 || len(res.Cookies()) != 0 || !strings.Contains(body, "used before") {
		t.Errorf("second use: %s %s", res.Status, body)
	}
	if res := serve(h, request(t, "GET", "/signin?token=made-up", "")); res.StatusCode != 401 {
		t.Errorf("made-up token: %s", res.Status)
	}
}

func TestLinksGrowOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, _ := newGuard(t, nil)
		h := site(g)
		link, _ := g.SignInURL()
		time.Sleep(15 * time.Minute)
		if res := serve(h, request(t, "GET", link, "")); res.StatusCode != 401 {
			t.Errorf("got %s", res.Status)
		}
	})
}

func TestManyLinksPushOutTheOldest(t *testing.T) {
	g, _ := newGuard(t, nil)
	h := site(g)
	first, _ := g.SignInURL()
	var last string
	for range 64 {
		last, _ = g.SignInURL()
	}
	if res := serve(h, request(t, "GET", first, "")); res.StatusCode != 401 {
		t.Errorf("the first: %s", res.Status)
	}
	if res := serve(h, request(t, "GET", last, "")); res.StatusCode != 303 {
		t.Errorf("the last: %s", res.Status)
	}
}

func TestSecureCookies(t *testing.T) {
	g, _ := newGuard(t, func(c *auth.Config) { c.PublicURL = &url.URL{Scheme: "https", Host: "sandpiper.test"} })
	if cookie := signIn(t, g, site(g)); cookie.Name != "__Host-sandpiper" || !cookie.Secure || cookie.Path != "/" || cookie.Domain != "" {
		t.Errorf("cookie %+v", cookie)
	}
}

func TestSignInForm(t *testing.T) {
	g, _ := newGuard(t, nil)
	h := site(g)
	tests := []struct {
		name    string
		form    string
		headers []string
		status  int
		next    string
	}{
		{"the key", "key=" + key, nil, 303, "/"},
		{"the key with spaces", "key=+" + key + "%0A", nil, 303, "/"},
		{"the key and a page", "key=" + key + "&next=/runs?x=1", nil, 303, "/runs?x=1"},
		{"a wrong key", "key=nope", nil, 401, ""},
		{"no key", "next=/", nil, 401, ""},
		{"from another site", "key=" + key, []string{"Sec-Fetch-Site", "cross-site"}, 403, ""},
		{"a form too large", "key=" + strings.Repeat("x", 9000), nil, 400, ""},
		{"next on another host", "key=" + key + "&next=//evil.example", nil, 303, "/"},
		{"next with a scheme", "key=" + key + "&next=https://evil.example", nil, 303, "/"},
		{"next with a backslash", "key=" + key + "&next=/%5Cevil.example", nil, 303, "/"},
		{"next with a tab", "key=" + key + "&next=/%09/evil.example", nil, 303, "/"},
		{"next that is no path", "key=" + key + "&next=javascript:alert(1)", nil, 303, "/"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res := serve(h, request(t, "POST", "/signin", tt.form, tt.headers...))
			if res.StatusCode != tt.status || res.Header.Get("Location") != tt.next {
				t.Errorf("got %d to %q", res.StatusCode, res.Header.Get("Location"))
			}
			if signedIn := len(res.Cookies()) == 1; signedIn != (tt.status == 303) {
				t.Errorf("cookies %v", res.Cookies())
			}
		})
	}
	if body := bodyOf(t, serve(h, request(t, "GET", "/signin?next=/runs", ""))); body != "form for /runs" {
		t.Errorf("form: %q", body)
	}
}

func TestSignOut(t *testing.T) {
	g, _ := newGuard(t, nil)
	h := site(g)
	cookie := signIn(t, g, h)
	header := cookie.Name + "=" + cookie.Value
	if res := serve(h, request(t, "POST", "/signout", "", "Cookie", header, "Sec-Fetch-Site", "cross-site")); res.StatusCode != 403 {
		t.Errorf("from another site: %s", res.Status)
	}
	if res := serve(h, request(t, "GET", "/signedin", "", "Cookie", header)); res.StatusCode != 200 {
		t.Fatalf("before: %s", res.Status)
	}
	res := serve(h, request(t, "POST", "/signout", "", "Cookie", header))
	if res.StatusCode != 303 || res.Cookies()[0].MaxAge != -1 {
		t.Errorf("got %s %v", res.Status, res.Cookies())
	}
	if res := serve(h, request(t, "GET", "/signedin", "", "Cookie", header)); res.StatusCode != 401 {
		t.Errorf("after: %s", res.Status)
	}
	if res := serve(h, request(t, "POST", "/signout", "")); res.StatusCode != 303 {
		t.Errorf("without a session: %s", res.Status)
	}
}

func TestSessionsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, store := newGuard(t, nil)
		h := site(g)
		cookie := signIn(t, g, h)
		header := cookie.Name + "=" + cookie.Value
		time.Sleep(30*24*time.Hour - time.Second)
		if res := serve(h, request(t, "GET", "/signedin", "", "Cookie", header)); res.StatusCode != 200 {
			t.Errorf("on the last day: %s", res.Status)
		}
		time.Sleep(time.Second)
		if res := serve(h, request(t, "GET", "/signedin", "", "Cookie", header)); res.StatusCode != 401 {
			t.Errorf("afterwards: %s", res.Status)
		}
		time.Sleep(10 * time.Minute)
		if n, _ := store.PruneSessions(t.Context(), time.Now()); n != 0 {
			t.Error("nobody had swept the session away")
		}
	})
}

func TestSignInLinksOverTheAPI(t *testing.T) {
	g, _ := newGuard(t, func(c *auth.Config) { c.Open = true })
	h := site(g)
	if res := serve(h, request(t, "POST", "/api/signin-links", "")); res.StatusCode != 401 {
		t.Errorf("nobody: %s", res.Status)
	}
	res := serve(h, request(t, "POST", "/api/signin-links", "", "Authorization", "Bearer "+key))
	if body := bodyOf(t, res); res.StatusCode != 201 || !strings.Contains(body, `"url":"http://sandpiper.test/signin?token=`) || res.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("got %s %s", res.Status, body)
	}
}
