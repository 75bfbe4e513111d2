package static_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/fstest"

	"sandpiper/static"
)

const table = `{
	"entries": {
		"app.js": {"path": "app-AAAA.js", "imports": ["chunks/c-BBBB.js"]},
		"tiny.css": {"path": "tiny-CCCC.css"}
	},
	"files": {
		"app-AAAA.js": {"size": 9, "gzip": 4, "brotli": 2},
		"chunks/c-BBBB.js": {"size": 5},
		"tiny-CCCC.css": {"size": 4}
	}
}`

func newAssets(t *testing.T) *static.Assets {
	t.Helper()
	a, err := static.New(fstest.MapFS{
		"manifest.json":    {Data: []byte(table)},
		"app-AAAA.js":      {Data: []byte("plain app")},
		"app-AAAA.js.gz":   {Data: []byte("gzip")},
		"app-AAAA.js.br":   {Data: []byte("br")},
		"chunks/c-BBBB.js": {Data: []byte("chunk")},
		"tiny-CCCC.css":    {Data: []byte("tiny")},
		"secret.txt":       {Data: []byte("not in the manifest")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func request(h http.Handler, method, target string, header ...string) *http.Response {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestEncodingIsNegotiated(t *testing.T) {
	tests := []struct {
		name, accept, encoding, body string
	}{
		{"no header", "", "", "plain app"},
		{"browser", "gzip, deflate, br, zstd", "br", "br"},
		{"gzip only", "gzip", "gzip", "gzip"},
		{"preference", "gzip;q=1.0, br;q=0.5", "gzip", "gzip"},
		{"equal preference", "gzip;q=0.5, br;q=0.5", "br", "br"},
		{"refused", "br;q=0, gzip", "gzip", "gzip"},
		{"all refused", "br;q=0, gzip;q=0", "", "plain app"},
		{"star", "*", "br", "br"},
		{"star but one", "*, br;q=0", "gzip", "gzip"},
		{"plain preferred", "identity;q=1, br;q=0.2", "", "plain app"},
		{"plain refused", "identity;q=0, gzip", "gzip", "gzip"},
		{"upper case and spaces", " BR ; Q = 0.3 ", "br", "br"},
		{"nonsense", "br;q=much, ;;,=", "", "plain app"},
		{"weight out of range", "br;q=7, gzip;q=NaN", "", "plain app"},
		{"unknown", "zstd, deflate", "", "plain app"},
	}
	a := newAssets(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := request(a, "GET", "/static/app-AAAA.js", "Accept-Encoding", tt.accept)
			if got := r.Header.Get("Content-Encoding"); got != tt.encoding {
				t.Errorf("encoding %q, want %q", got, tt.encoding)
			}
			if got := body(t, r); got != tt.body {
				t.Errorf("body %q, want %q", got, tt.body)
			}
			if got := r.Header.Get("Content-Type"); got != "text/javascript; charset=utf-8" {
				t.Errorf("content type %q", got)
			}
			if got := r.Header.Get("Content-Length"); got == "" || got == "0" {
				t.Errorf("content length %q", got)
			}
		})
	}
}

func TestHeaders(t *testing.T) {
	r := request(newAssets(t), "GET", "/static/tiny-CCCC.css", "Origin", "null")
	want := map[string]string{
		"Access-Control-Allow-Origin":  "*",
		"Cross-Origin-Resource-Policy": "cross-origin",
		"X-Content-Type-Options":       "nosniff",
		"Cache-Control":                "public, max-age=31536000, immutable",
		"Vary":                         "Accept-Encoding",
		"Content-Type":                 "text/css; charset=utf-8",
		"ETag":                         `"tiny-CCCC.css"`,
	}
	for k, v := range want {
		if got := r.Header.Get(k); got != v {
			t.Errorf("%s is %q, want %q", k, got, v)
		}
	}
}

func TestOnlyFilesOfTheManifestAreServed(t *testing.T) {
	a := newAssets(t)
	for _, target := range []string{
		"/static/", "/static/chunks", "/static/chunks/", "/static/nope.js", "/static/manifest.json", "/static/secret.txt",
		"/static/app-AAAA.js.br", "/static/../secret.txt", "/static//app-AAAA.js", "/static/%2e%2e/secret.txt", "/app-AAAA.js",
	} {
		t.Run(target, func(t *testing.T) {
			r := request(a, "GET", target)
			if r.StatusCode != http.StatusNotFound || r.Header.Get("Cache-Control") != "" {
				t.Errorf("got %d, cached %q", r.StatusCode, r.Header.Get("Cache-Control"))
			}
		})
	}
}

func TestConditionalRequests(t *testing.T) {
	a := newAssets(t)
	tests := []struct {
		name, ifNoneMatch, accept string
		want                      int
	}{
		{"the same", `"tiny-CCCC.css"`, "", 304},
		{"weak", `W/"tiny-CCCC.css"`, "", 304},
		{"one of several", `"x", "tiny-CCCC.css"`, "", 304},
		{"any", "*", "", 304},
		{"another", `"x"`, "", 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := request(a, "GET", "/static/tiny-CCCC.css", "If-None-Match", tt.ifNoneMatch)
			if r.StatusCode != tt.want {
				t.Errorf("got %d, want %d", r.StatusCode, tt.want)
			}
		})
	}
	plain := request(a, "GET", "/static/app-AAAA.js").Header.Get("ETag")
	packed := request(a, "GET", "/static/app-AAAA.js", "Accept-Encoding", "br").Header.Get("ETag")
	if plain == packed {
		t.Errorf("both encodings have the tag %s", plain)
	}
}

func TestMethods(t *testing.T) {
	a := newAssets(t)
	head := request(a, "HEAD", "/static/app-AAAA.js")
	if head.StatusCode != 200 || body(t, head) != "" || head.Header.Get("Content-Length") != "9" {
		t.Errorf("HEAD: %d, length %s", head.StatusCode, head.Header.Get("Content-Length"))
	}
	post := request(a, "POST", "/static/app-AAAA.js")
	if post.StatusCode != 405 || post.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d, allow %q", post.StatusCode, post.Header.Get("Allow"))
	}
}

func TestPaths(t *testing.T) {
	a := newAssets(t)
	if got := a.Path("app.js"); got != "/static/app-AAAA.js" {
		t.Errorf("path %q", got)
	}
	if got := a.Imports("app.js"); !slices.Equal(got, []string{"/static/chunks/c-BBBB.js"}) {
		t.Errorf("imports %q", got)
	}
	if got := a.Path("nope.js"); got != "" {
		t.Errorf("path of an unknown entry %q", got)
	}
}

func TestStable(t *testing.T) {
	a := newAssets(t)
	r := request(a.Stable("app.js"), "GET", "/embed.js", "Accept-Encoding", "gzip")
	if r.StatusCode != 200 || body(t, r) != "gzip" || r.Header.Get("Cache-Control") != "public, max-age=300" {
		t.Errorf("got %d, cached %q", r.StatusCode, r.Header.Get("Cache-Control"))
	}
	if r := request(a.Stable("nope.js"), "GET", "/nope.js"); r.StatusCode != 404 {
		t.Errorf("an unknown entry: %d", r.StatusCode)
	}
}

func TestUnbuilt(t *testing.T) {
	a, err := static.New(fstest.MapFS{".keep": {}})
	if err != nil {
		t.Fatal(err)
	}
	if a.Built() || a.Path("app.js") != "" || request(a, "GET", "/static/app.js").StatusCode != 404 {
		t.Error("a front end that was not built claims to be there")
	}
}

func TestNewRefusesWhatItCannotServe(t *testing.T) {
	for name, m := range map[string]string{
		"broken manifest":      `{"entries":`,
		"unknown content type": `{"files":{"a.exe":{"size":1}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := static.New(fstest.MapFS{"manifest.json": {Data: []byte(m)}}); err == nil {
				t.Error("no error")
			}
		})
	}
}

func FuzzAcceptEncoding(f *testing.F) {
	for _, seed := range []string{"gzip, br;q=0.5", "*;q=0", ";;q=", "br;q=1e309", "identity;q=0"} {
		f.Add(seed)
	}
	a, err := static.New(fstest.MapFS{
		"manifest.json":  {Data: []byte(table)},
		"app-AAAA.js":    {Data: []byte("plain app")},
		"app-AAAA.js.gz": {Data: []byte("gzip")},
		"app-AAAA.js.br": {Data: []byte("br")},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, accept string) {
		r := request(a, "GET", "/static/app-AAAA.js", "Accept-Encoding", accept)
		want := map[string]string{"": "plain app", "gzip": "gzip", "br": "br"}[r.Header.Get("Content-Encoding")]
		if got := body(t, r); r.StatusCode != 200 || got != want {
			t.Errorf("%d %q for encoding %q", r.StatusCode, got, r.Header.Get("Content-Encoding"))
		}
	})
}
