package ui_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sandpiper/web/run/runtest"
)

// shared is the JSON answer to sharing.
type shared struct {
	ID        string     `json:"id"`
	URL       string     `json:"url"`
	RawURL    string     `json:"raw_url"`
	EmbedURL  string     `json:"embed_url"`
	ExpiresAt *time.Time `json:"expires_at"`
	Mine      bool       `json:"mine"`
	Author    string     `json:"author"`
}

// share shares a one-file script with more JSON fields.
func share(t testing.TB, s *server, code string, fields ...string) (*http.Response, shared, string) {
	t.Helper()
	quoted, err := json.Marshal(code)
	if err != nil {
		t.Fatal(err)
	}
	all := append([]string{`"language":"script"`, `"files":[{"name":"main.txt","content":` + string(quoted) + `}]`}, fields...)
	res, body := s.do(t, "POST", "/share", "{"+strings.Join(all, ",")+"}", "Content-Type", "application/json", "Authorization", "Bearer "+runtest.Key)
	var a shared
	if res.StatusCode == http.StatusCreated {
		if err := json.Unmarshal([]byte(body), &a); err != nil {
			t.Fatal(err)
		}
	}
	return res, a, body
}

func mustShare(t testing.TB, s *server, code string, fields ...string) shared {
	t.Helper()
	res, a, body := share(t, s, code, fields...)
	if res.StatusCode != http.StatusCreated {
		t.Fatalf("share: %s: %s", res.Status, body)
	}
	return a
}

var goodID = regexp.MustCompile(`^[A-Za-z0-9_-]{10}[A-Za-z0-9]$`)

func TestSharedIDs(t *testing.T) {
	s := newServer(t, options{})
	ids := map[string]string{}
	for i := range 300 {
		code := fmt.Sprintf("print %d", i)
		id := mustShare(t, s, code).ID
		if !goodID.MatchString(id) {
			t.Errorf("id %q of %q", id, code)
		}
		if before, ok := ids[id]; ok {
			t.Errorf("%q and %q have one id", before, code)
		}
		ids[id] = code
	}
	if again := mustShare(t, s, "print 7"); ids[again.ID] != "print 7" {
		t.Errorf("sharing the same again gave %q", again.ID)
	}
}

func TestEverythingThatIsSeenMakesTheID(t *testing.T) {
	s := newServer(t, options{})
	ids := map[string]string{}
	for _, field := range []string{"", `"title":"A"`, `"stdin":"A"`, `"args":["A"]`, `"args":["A",""]`, `"output":"A"`} {
		var fields []string
		if field != "" {
			fields = []string{field}
		}
		id := mustShare(t, s, "print x", fields...).ID
		if other, ok := ids[id]; ok {
			t.Errorf("with %q and with %q there is one id", other, field)
		}
		ids[id] = field
	}
	first := mustShare(t, s, "print x").ID
	if kept := mustShare(t, s, "print x", `"expires":"7d"`).ID; kept != first {
		t.Error("how long it is kept is not part of the program")
	}
}

func TestSharedProgramComesBack(t *testing.T) {
	s := newServer(t, options{})
	a := mustShare(t, s, "print <one>\ncat b.txt", `"title":"The <tide>"`, `"stdin":"in\n"`, `"args":["a b"]`, `"output":"<one>\n"`, `"expires":"7d"`)
	if a.URL != origin+"/s/"+a.ID || a.RawURL != a.URL+"/raw" || a.EmbedURL != origin+"/embed/"+a.ID || a.ExpiresAt == nil || !a.Mine || len(a.Author) < 32 {
		t.Errorf("got %+v", a)
	}
	res, body := s.get(t, "/s/"+a.ID)
	wants(t, res, body, 200, "<title>The &lt;tide&gt; · Sandpiper</title>", "print &lt;one&gt;\ncat b.txt</textarea>", "\nin\n</textarea>",
		`value="&#34;a b&#34;"`, "<pre>&lt;one&gt;\n</pre>", "Shared just now, kept for 7 days.", `"shared":"`+a.ID+`"`, `content="noindex"`,
		`type="application/json+oembed"`)

	res, body = s.do(t, "GET", "/s/"+a.ID+"/raw", "")
	wants(t, res, body, 200, "print <one>\ncat b.txt")
	if got := res.Header.Get("Content-Type"); got != "text/plain; charset=utf-8" {
		t.Errorf("raw text is %q", got)
	}
	if got := res.Header.Get("Content-Disposition"); got != "inline; filename*=UTF-8''main.txt" {
		t.Errorf("disposition %q", got)
	}
	res, _ = s.do(t, "GET", "/s/"+a.ID+"/raw?download&file=main.txt", "")
	if got := res.Header.Get("Content-Disposition"); !strings.HasPrefix(got, "attachment;") {
		t.Errorf("disposition %q", got)
	}
	res, body = s.do(t, "GET", "/s/"+a.ID+"/raw?file=none.txt", "")
	wants(t, res, body, 404)
}

func TestShareFromTheForm(t *testing.T) {
	s := newServer(t, options{})
	form := append(program("print <x>"), "title", "T", "expires", "30d", "author", author, "output", "x\r\n")
	t.Run("page", func(t *testing.T) {
		res, body := s.post(t, "/share", program("print page"))
		wants(t, res, body, 200, "<h1>Shared</h1>", origin+"/s/", `aria-label="QR code of `, "Kept until it is deleted", "curl -X DELETE -H &#39;Sandpiper-Author: ", "!somebody else", "&lt;sandpiper-snippet language=&#34;script&#34;&gt;")
	})
	t.Run("fragment", func(t *testing.T) {
		res, body := s.post(t, "/share", form, "HX-Request", "true")
		wants(t, res, body, 200, "!<html", "data-shared=", "data-mine", "Deleted in 1 month", "data-delete=", `&lt;iframe src=&#34;`+origin+"/embed/", `title=&#34;T&#34;`)
	})
	t.Run("somebody else's", func(t *testing.T) {
		form[len(form)-3] = strings.Repeat("f", 32)
		res, body := s.post(t, "/share", form, "HX-Request", "true")
		wants(t, res, body, 200, "!data-mine", "!data-delete", "only they can delete it")
	})
	t.Run("problem in the dialog", func(t *testing.T) {
		res, body := s.post(t, "/share", append(program("x"), "expires", "soon"), "HX-Request", "true")
		wants(t, res, body, 422, `<p class="note error" role="alert">Write how long`)
	})
}

func TestSharesThatAreRefused(t *testing.T) {
	s := newServer(t, options{})
	tests := []struct {
		name, body string
		headers    []string
		status     int
		text       string
	}{
		{"empty", "", nil, 400, ""},
		{"unknown field", `{"language":"script","colour":"red"}`, nil, 422, "colour"},
		{"unknown language", `{"language":"cobol","files":[{"name":"a","content":""}]}`, nil, 422, `"field":"language"`},
		{"no files", `{"language":"script","files":[]}`, nil, 422, `"field":"files"`},
		{"name outside", `{"language":"script","files":[{"name":"../a","content":""}]}`, nil, 422, `"field":"files[0].name"`},
		{"too large", `{"language":"script","files":[{"name":"a","content":"` + strings.Repeat("x", 64<<10) + `"}]}`, nil, 413, "private link"},
		{"large input", `{"language":"script","files":[{"name":"a","content":""}],"stdin":"` + strings.Repeat("x", 65<<10) + `"}`, nil, 413, "private link"},
		{"long title", `{"language":"script","files":[{"name":"a","content":""}],"title":"` + strings.Repeat("é", 101) + `"}`, nil, 422, `"field":"title"`},
		{"short secret", `{"language":"script","files":[{"name":"a","content":""}],"author":"short"}`, nil, 422, `"field":"author"`},
		{"for two years", `{"language":"script","files":[{"name":"a","content":""}],"expires":"731d"}`, nil, 422, `"field":"expires"`},
		{"from another site", `{"language":"script","files":[{"name":"a","content":""}]}`, []string{"Sec-Fetch-Site", "cross-site"}, 403, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res, body := s.do(t, "POST", "/share", tt.body, append(tt.headers, "Content-Type", "application/json")...)
			wants(t, res, body, tt.status, `{"error":{`, tt.text)
		})
	}
}

func TestSharesOfAnAddressAreLimited(t *testing.T) {
	s := newServer(t, options{burst: 1})
	s.post(t, "/share", program("print one"))
	res, body := s.post(t, "/share", program("print two"), "HX-Request", "true")
	wants(t, res, body, 429, "Too many runs from this address")
	if res.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

func TestOnlyTheAuthorDeletes(t *testing.T) {
	s := newServer(t, options{})
	a := mustShare(t, s, "print x", `"author":"`+author+`"`)
	if a.Author != "" {
		t.Error("a secret that the author chose is sent back")
	}
	other := strings.Repeat("f", 32)
	if again := mustShare(t, s, "print x", `"author":"`+other+`"`); again.ID != a.ID || again.Mine {
		t.Errorf("the second author got %+v", again)
	}
	if stranger := mustShare(t, s, "print x"); stranger.Mine || stranger.Author != "" {
		t.Errorf("a stranger got %+v", stranger)
	}
	for _, tt := range []struct {
		name    string
		headers []string
		status  int
	}{
		{"no secret", nil, 403},
		{"other author", []string{"Sandpiper-Author", other}, 403},
		{"API key", []string{"Authorization", "Bearer " + runtest.Key}, 403},
		{"author", []string{"Sandpiper-Author", author}, 204},
		{"again", []string{"Sandpiper-Author", author}, 404},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res, body := s.do(t, "DELETE", "/s/"+a.ID, "", append(tt.headers, "Accept", "application/json")...)
			wants(t, res, body, tt.status)
		})
	}
	res, body := s.get(t, "/s/"+a.ID)
	wants(t, res, body, 404, "its author may have deleted it")
}

func TestSharesExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, options{})
		a := mustShare(t, s, "print x", `"expires":"12h"`)
		time.Sleep(11 * time.Hour)
		res, body := s.get(t, "/s/"+a.ID)
		wants(t, res, body, 200, "Shared 11 hours ago, kept for 1 hour.")
		mustShare(t, s, "print x", `"expires":"7d"`)
		time.Sleep(2 * time.Hour)
		res, body = s.get(t, "/s/"+a.ID)
		wants(t, res, body, 200, "kept for 6 days.")
		time.Sleep(7 * 24 * time.Hour)
		res, body = s.get(t, "/s/"+a.ID)
		wants(t, res, body, 404)
	})
}

func TestUnlikelyIDsAreNotLookedUp(t *testing.T) {
	s := newServer(t, options{})
	for _, id := range []string{"short", "AAAAAAAAAA-", "AAAAAAAAAA_", "AAAAAAAAAAAA", "AAAAAAAAAA%00", "..%2F..%2Fetc"} {
		res, body := s.get(t, "/s/"+id)
		wants(t, res, body, 404, "Nothing here")
	}
}
