package ui_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"sandpiper/web/run/runtest"
)

// program returns the fields of a form with a one-file script.
func program(lines ...string) []string {
	return []string{"language", "script", "name", "main.txt", "content", strings.Join(lines, "\r\n")}
}

func TestRunWithoutScripts(t *testing.T) {
	s := newServer(t, options{})
	table := `display application/vnd.sandpiper.table+json {"columns":["n"],"rows":[]}`
	tests := []struct {
		name   string
		fields []string
		status int
		texts  []string
	}{
		{"output", program("print <b>bold</b>", "print two"), 200, []string{"<pre class=\"out\">&lt;b&gt;bold&lt;/b&gt;\ntwo\n</pre>", `<span class="state ok">Finished, exit 0</span>`, "WebAssembly", "<textarea", "print &lt;b&gt;bold&lt;/b&gt;\nprint two</textarea>"}},
		{"stderr and exit", program("eprint oops", "exit 3"), 200, []string{`<span class="tag">stderr</span>oops`, "Failed, exit 3", `state error`}},
		{"input and arguments", append(program("readline", "args"), "stdin", "typed\r\nmore", "args", `a "b c"`), 200, []string{"typed\na b c\n</pre>", `value="a &#34;b c&#34;"`}},
		{"diagnostics", program("diag 1 bad"), 200, []string{`href="#source"`, "main.txt:1", "bad"}},
		{"picture", program(`display image/svg+xml <svg onload="x"/>`), 200, []string{`<img src="data:image/svg+xml;base64,`, "!<svg onload"}},
		{"html is text here", program(`display text/html <script>x</script>`), 200, []string{"&lt;script&gt;x", "!<script>x"}},
		{"table that is no table", program(table), 200, []string{"!<table"}},
		{"file", program("file notes.txt left"), 200, []string{"notes.txt", "<pre>left</pre>", `download="notes.txt"`}},
		{"two files", append(program("cat b.txt"), "name", "b.txt", "content", "second"), 200, []string{"second</pre>", `value="b.txt"`}},
		{"server's fault", program("fail x"), 200, []string{`<span class="state error">`, "0.0", "!>x<"}},
		{"refused", program("reject this cannot be"), 200, []string{"his cannot be"}},
		{"unknown language", []string{"language", "cobol", "name", "a", "content", "b"}, 422, []string{"no language"}},
		{"no file", []string{"language", "script"}, 422, []string{"A program needs at least one file."}},
		{"names without content", []string{"language", "script", "name", "a"}, 422, []string{"one name and one content"}},
		{"bad name", []string{"language", "script", "name", "../a", "content", "b"}, 422, []string{"plain relative path", "b</textarea>"}},
		{"not UTF-8", []string{"language", "script", "name", "a", "content", "\xff"}, 422, []string{"UTF-8"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res, body := s.post(t, "/", tt.fields)
			wants(t, res, body, tt.status, tt.texts...)
		})
	}
}

func TestFormsThatAreRefused(t *testing.T) {
	s := newServer(t, options{})
	tests := []struct {
		name, body string
		headers    []string
		status     int
	}{
		{"from another site", "language=script", []string{"Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "cross-site"}, 403},
		{"not a form", "{}", []string{"Content-Type", "application/json"}, 415},
		{"no type", "language=script", nil, 415},
		{"broken encoding", "a=%zz", []string{"Content-Type", "application/x-www-form-urlencoded"}, 400},
		{"too large", strings.Repeat("a", 4<<20), []string{"Content-Type", "application/x-www-form-urlencoded"}, 413},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res, body := s.do(t, "POST", "/", tt.body, append(tt.headers, "Accept", "text/html")...)
			wants(t, res, body, tt.status)
		})
	}
}

func TestRunsOfAnAddressAreLimited(t *testing.T) {
	s := newServer(t, options{burst: 1})
	s.post(t, "/", program("print one"))
	res, body := s.post(t, "/", program("print two"))
	wants(t, res, body, 429, "Too many runs from this address", "print two</textarea>")
}

func TestClosedServer(t *testing.T) {
	s := newServer(t, options{closed: true})
	key := []string{"Authorization", "Bearer " + runtest.Key}
	t.Run("a stranger is shown the way in", func(t *testing.T) {
		res, _ := s.get(t, "/?example=script/welcome")
		if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/signin?next=%2F%3Fexample%3Dscript%2Fwelcome" {
			t.Errorf("got %s to %q", res.Status, res.Header.Get("Location"))
		}
	})
	t.Run("a stranger cannot run", func(t *testing.T) {
		res, body := s.post(t, "/", program("print secret output"))
		wants(t, res, body, 401, "Sign in", "!secret output</pre>")
	})
	t.Run("a stranger cannot share", func(t *testing.T) {
		res, body := s.post(t, "/share", program("print x"))
		wants(t, res, body, 401, "Sign in")
	})
	t.Run("who signed in can", func(t *testing.T) {
		res, body := s.get(t, "/", key...)
		wants(t, res, body, 200, "Sign out", "!Sign in")
		res, body = s.post(t, "/", program("print mine"), key...)
		wants(t, res, body, 200, "mine\n</pre>")
	})
	t.Run("the docs show the key", func(t *testing.T) {
		res, body := s.get(t, "/docs")
		wants(t, res, body, 200, "Bearer $SANDPIPER_API_KEY")
	})
	t.Run("the sign-in page says so", func(t *testing.T) {
		res, body := s.get(t, "/signin")
		wants(t, res, body, 200, "runs programs only for people who signed in")
		res, body = s.post(t, "/signin", []string{"key", "wrong", "next", "/docs"})
		wants(t, res, body, 401, `role="alert"`, `value="/docs"`)
	})
}

var runLink = regexp.MustCompile(`href="(/runs/[a-z0-9]{26})"`)

func TestRunsArePersonal(t *testing.T) {
	s := newServer(t, options{})
	mine := []string{"Authorization", "Bearer " + runtest.Key}
	other := []string{"Authorization", "Bearer " + runtest.OtherKey}
	res, body := s.get(t, "/runs", mine...)
	wants(t, res, body, 200, "Nothing here yet")

	s.post(t, "/", program("print <mine>", "exit 1"), mine...)
	res, body = s.get(t, "/runs", mine...)
	wants(t, res, body, 200, "Failed, exit 1", "Script 1.2", "just now")
	link := runLink.FindStringSubmatch(body)
	if link == nil {
		t.Fatal("the list has no link to a run")
	}
	res, body = s.get(t, link[1], mine...)
	wants(t, res, body, 200, "&lt;mine&gt;\n</pre>", "Failed, exit 1")

	res, body = s.get(t, link[1], other...)
	wants(t, res, body, 404, "!mine")
	res, body = s.get(t, "/runs", other...)
	wants(t, res, body, 200, "Nothing here yet")
}

// The page's script reads its program from the page, so what is in it must
// come out as it went in.
func TestPageDataKeepsThePrograms(t *testing.T) {
	s := newServer(t, options{})
	code := "print </script><!-- \u2028 \" ' & é 🐦"
	_, body := s.post(t, "/", program(code))
	_, text, _ := strings.Cut(body, `type="application/json"`)
	_, text, _ = strings.Cut(text, ">")
	text, _, _ = strings.Cut(text, "</script>")
	var data struct {
		Program struct {
			Files []struct{ Name, Content string }
		}
		Languages []struct {
			ID      string
			Welcome struct{ Files []struct{ Content string } }
		}
		Origin, Base string
		Open         bool
	}
	if err := json.Unmarshal([]byte(text), &data); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if len(data.Program.Files) != 1 || data.Program.Files[0].Content != code || data.Program.Files[0].Name != "main.txt" {
		t.Errorf("the program became %+v", data.Program)
	}
	if data.Origin != "answer" || data.Base != origin || !data.Open || len(data.Languages) != 3 {
		t.Errorf("got %+v", data)
	}
	if got := data.Languages[1].Welcome.Files[0].Content; got != "print slow\n" {
		t.Errorf("a language without examples opens with %q", got)
	}
}
