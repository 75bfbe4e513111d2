package ui_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"sandpiper/web/run/runtest"
)

func TestEmbedSharesNothingWithTheApp(t *testing.T) {
	s := newServer(t, options{})
	a := mustShare(t, s, "print x", `"output":"x\n"`)
	for _, path := range []string{"/embed/" + a.ID, "/embed/AAAAAAAAAAA", "/frame"} {
		t.Run(path, func(t *testing.T) {
			res, _ := s.get(t, path)
			policy := res.Header.Get("Content-Security-Policy")
			if !strings.HasPrefix(policy, "sandbox allow-scripts ") || strings.Contains(policy, "allow-same-origin") {
				t.Errorf("the policy gives an origin: %s", policy)
			}
			for _, want := range []string{"default-src 'none'", "script-src sandpiper.test/static/", "base-uri 'none'", "form-action 'none'"} {
				if !strings.Contains(policy, want) {
					t.Errorf("the policy lacks %s: %s", want, policy)
				}
			}
			if strings.Contains(policy, "frame-ancestors") {
				t.Errorf("the policy keeps sandboxed pages from framing this: %s", policy)
			}
			for name, want := range map[string]string{"Cross-Origin-Resource-Policy": "cross-origin", "Cross-Origin-Embedder-Policy": "require-corp", "X-Frame-Options": "", "Set-Cookie": "", "X-Content-Type-Options": "nosniff"} {
				if got := res.Header.Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
		})
	}
}

func TestFrameHasNoNetwork(t *testing.T) {
	res, body := newServer(t, options{}).get(t, "/frame")
	wants(t, res, body, 200, `src="/static/frame-1.js"`)
	policy := res.Header.Get("Content-Security-Policy")
	for _, source := range []string{"connect-src", "https:", "http:", "*.", "img-src *"} {
		if strings.Contains(policy, source) {
			t.Errorf("the policy has %s: %s", source, policy)
		}
	}
}

func TestHostsCannotBendThePolicy(t *testing.T) {
	s := newServer(t, options{})
	for host, want := range map[string]string{
		"run.example.org:8443": "script-src run.example.org:8443/static/",
		"[::1]:8080":           "script-src [::1]:8080/static/",
		"evil;script-src":      "script-src sandpiper.test/static/",
		"a'b":                  "script-src sandpiper.test/static/",
	} {
		t.Run(host, func(t *testing.T) {
			policy := framePolicy(t, s, host)
			if !strings.Contains(policy, want) {
				t.Errorf("the policy is %s", policy)
			}
		})
	}
}

func TestEmbedParameters(t *testing.T) {
	s := newServer(t, options{})
	a := mustShare(t, s, "print x", `"title":"The tide"`, `"stdin":"kept\n"`)
	tests := []struct {
		query string
		texts []string
	}{
		{"", []string{"The tide", `"runNow":false`, `"readOnly":false`, `"path":"/v1/run"`, `"live":true`, "!data-theme", "!code-hidden", `"stdin":"kept\n"`, `href="` + a.URL + `"`}},
		{"theme=dark&run=load&read-only", []string{`data-theme="dark"`, `"runNow":true`, `"readOnly":true`}},
		{"theme=auto&run=click&read-only=false", []string{"!data-theme", `"runNow":false`, `"readOnly":false`}},
		{"hide-code&layout=column&file=a.txt", []string{"code-hidden", "column", `"file":"a.txt"`}},
		{"stdin=typed", []string{`"stdin":"typed"`}},
		{"theme=%22%3E%3Cscript%3E", []string{"!<script>\"", "!data-theme"}},
	}
	for _, tt := range tests {
		t.Run(tt.query, func(t *testing.T) {
			res, body := s.get(t, "/embed/"+a.ID+"?"+tt.query)
			wants(t, res, body, 200, tt.texts...)
		})
	}
	res, body := s.get(t, "/embed/AAAAAAAAAAA")
	wants(t, res, body, 404, "There is no shared program under this link", "!<header class=\"bar\">")
}

func TestEmbedOfAClosedServerRunsTheProgramAsItIs(t *testing.T) {
	s := newServer(t, options{closed: true})
	a := mustShare(t, s, "print shared\nreadline\nargs", `"stdin":"in\n"`, `"args":["a","b"]`)
	res, body := s.get(t, "/embed/"+a.ID+"?stdin=other")
	wants(t, res, body, 200, `"readOnly":true`, `"live":false`, `"path":"/embed/`+a.ID+`/run"`, `"stdin":"in\n"`)

	res, body = s.do(t, "POST", "/embed/"+a.ID+"/run", "", "Origin", "null", "Sec-Fetch-Site", "cross-site", "Accept", "text/event-stream")
	wants(t, res, body, 200, "event: start\n", `shared\nin\na b\n`, "event: exit\n", `"status":"ok"`)
	if got := res.Header.Get("Access-Control-Allow-Origin"); got != "*" {
		t.Errorf("an embed cannot read the answer: %q", got)
	}
	res, body = s.do(t, "POST", "/v1/run", `{"language":"script","code":"print changed"}`, "Content-Type", "application/json", "Origin", "null")
	wants(t, res, body, 401, "!changed")

	res, body = s.get(t, "/s/"+a.ID)
	wants(t, res, body, 200, "print shared", "runs programs only for people who signed in", `href="/signin?next=/s/`+a.ID, `href="/embed/`+a.ID)
}

func TestEmbedRunsOfAnAddressAreLimited(t *testing.T) {
	s := newServer(t, options{closed: true, burst: 1})
	a := mustShare(t, s, "print x")
	s.do(t, "POST", "/embed/"+a.ID+"/run", "")
	res, body := s.do(t, "POST", "/embed/"+a.ID+"/run", "", "Accept", "text/event-stream")
	wants(t, res, body, 429, `"kind":"busy"`)
	if res.Header.Get("Access-Control-Allow-Origin") != "*" || res.Header.Get("Retry-After") == "" {
		t.Errorf("an embed cannot say why: %v", res.Header)
	}
}

func TestSnippetElementKeepsTheCode(t *testing.T) {
	s := newServer(t, options{})
	form := append(program(`print "<b>" & 'c'`), "author", author)
	res, body := s.post(t, "/share", form, "HX-Request", "true")
	// Escaped once for the foreign page and once for showing it here.
	wants(t, res, body, 200, "&lt;pre&gt;print &#34;&amp;lt;b&amp;gt;&#34; &amp;amp; &#39;c&#39;&lt;/pre&gt;")
}

func TestOEmbed(t *testing.T) {
	s := newServer(t, options{})
	a := mustShare(t, s, "print x", `"title":"A \"quoted\" title"`)
	ask := func(link, more string) string { return "/oembed?" + url.Values{"url": {link}}.Encode() + more }
	t.Run("rich", func(t *testing.T) {
		res, body := s.get(t, ask(a.URL, "&format=json&maxwidth=500&maxheight=300"))
		var got map[string]any
		if err := json.Unmarshal([]byte(body), &got); err != nil || res.StatusCode != 200 {
			t.Fatalf("%s: %v: %s", res.Status, err, body)
		}
		html, _ := got["html"].(string)
		if got["type"] != "rich" || got["version"] != "1.0" || got["width"] != 500.0 || got["height"] != 300.0 || got["title"] != `A "quoted" title` {
			t.Errorf("got %v", got)
		}
		if !strings.Contains(html, `<iframe src="`+a.EmbedURL+`" title="A &#34;quoted&#34; title" width="500" height="300"`) || strings.Contains(html, "allow-same-origin") {
			t.Errorf("got %s", html)
		}
	})
	tests := []struct {
		name, path string
		status     int
		text       string
	}{
		{"embed link", ask(a.EmbedURL, ""), 200, `"width":720,"height":400`},
		{"silly sizes", ask(a.URL, "&maxwidth=1&maxheight=-5"), 200, `"width":120,"height":400`},
		{"xml", ask(a.URL, "&format=xml"), 501, "json only"},
		{"no url", "/oembed", 404, "not_found"},
		{"other page", ask(origin+"/docs", ""), 404, "not_found"},
		{"other server", ask("http://elsewhere.test/s/"+a.ID, ""), 404, "not_found"},
		{"user in the link", ask("http://sandpiper.test@elsewhere.test/s/"+a.ID, ""), 404, "not_found"},
		{"gone", ask(origin+"/s/AAAAAAAAAAA", ""), 404, "not_found"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res, body := s.get(t, tt.path)
			wants(t, res, body, tt.status, tt.text)
		})
	}
}

func TestClosedServerLetsOnlyMembersShare(t *testing.T) {
	s := newServer(t, options{closed: true})
	res, body := s.do(t, "POST", "/share", `{"language":"script","files":[{"name":"a","content":"x"}]}`, "Content-Type", "application/json")
	wants(t, res, body, 401)
	res, body = s.do(t, "POST", "/share", `{"language":"script","files":[{"name":"a","content":"x"}]}`, "Content-Type", "application/json", "Authorization", "Bearer "+runtest.OtherKey)
	wants(t, res, body, 201)
}
