package web

import (
	"compress/gzip"
	"mime"
	"net/http"
	"strings"

	"github.com/klauspost/compress/gzhttp"
)

// jitter is how many bytes an answer's length varies by; see compressed.
const jitter = 32

// compressed returns next whose pages and JSON are compressed for clients that
// accept it. Streams are not: what they write is to arrive at once. Neither is
// what a sandbox answers, which is passed on as it is. It stands around observe,
// whose Recorder knows at once what was answered: the compressor holds the first
// bytes back.
//
// Who can have a victim's browser ask for a page with a guess in its address, and
// sees how long the answer is, could find out what else is in it. So answers to
// forms, the only ones with secrets in them, are left as they are, and the length
// of the others varies at random.
func compressed(next http.Handler) http.Handler {
	wrap, err := gzhttp.NewWrapper(
		gzhttp.CompressionLevel(gzip.BestSpeed),
		gzhttp.ContentTypeFilter(compressible),
		gzhttp.RandomJitter(jitter, 0, false),
	)
	if err != nil {
		panic(err) // the options are constants
	}
	shrinking := wrap(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if mayCompress(r) {
			shrinking.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// mayCompress reports whether an answer of the server's own, other than a stream,
// is asked for.
func mayCompress(r *http.Request) bool {
	switch {
	case r.Method != http.MethodGet, r.Header.Get("Upgrade") != "", strings.Contains(r.Header.Get("Accept"), "event-stream"):
		return false
	}
	for _, prefix := range []string{"/toolbox/", "/api/toolbox/", "/desktop/", "/static/"} {
		if strings.HasPrefix(r.URL.Path, prefix) {
			return false
		}
	}
	return true
}

// compressible reports whether answers of a type are compressed.
func compressible(contentType string) bool {
	media, _, _ := mime.ParseMediaType(contentType)
	return media == "text/html" || media == "application/json"
}
