// Package static is the front end: its sources, the packages they are built
// with, and the built files, embedded and served under names that change with
// their content.
package static

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"

	"sandpiper/static/manifest"
)

// Prefix is the path below which the files of a build are served.
const Prefix = "/static/"

// How long browsers may keep a file: for good under a hashed name, shortly
// under a stable one.
const (
	cacheImmutable = "public, max-age=31536000, immutable"
	cacheShort     = "public, max-age=300"
)

// dist holds the build, or only .keep in a clone where none has been made.
//
//go:embed all:dist
var dist embed.FS

// contentTypes are those of the files that a build can hold. The system's own
// table is not asked: it differs from machine to machine.
var contentTypes = map[string]string{
	".css":   "text/css; charset=utf-8",
	".js":    "text/javascript; charset=utf-8",
	".json":  "application/json",
	".map":   "application/json",
	".png":   "image/png",
	".svg":   "image/svg+xml",
	".txt":   "text/plain; charset=utf-8",
	".wasm":  "application/wasm",
	".woff2": "font/woff2",
}

// Assets is a built front end. It is immutable and safe for concurrent use.
type Assets struct {
	files    fs.FS
	manifest manifest.Manifest
	built    bool
}

// New reads the build in files. A folder without a manifest is a front end that
// has not been built, which is not an error: see Built.
func New(files fs.FS) (*Assets, error) {
	m, err := manifest.Read(files)
	if errors.Is(err, fs.ErrNotExist) {
		return &Assets{files: files}, nil
	}
	if err != nil {
		return nil, err
	}
	for name := range m.Files {
		if contentTypes[path.Ext(name)] == "" {
			return nil, fmt.Errorf("the front end has %s, whose content type is not known", name)
		}
	}
	return &Assets{files: files, manifest: m, built: true}, nil
}

// Embedded returns the front end that this program was built with.
var Embedded = sync.OnceValues(func() (*Assets, error) {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		return nil, fmt.Errorf("open the embedded front end: %w", err)
	}
	return New(files)
})

// Built reports whether there is a build. Where there is none, pages should say
// that "make setup" makes one: Path is empty then and every file is missing.
func (a *Assets) Built() bool { return a.built }

// Path returns the URL path of an entry, such as "playground.js" for
// src/playground.ts, or "" when the build has no such entry.
func (a *Assets) Path(name string) string {
	e, ok := a.manifest.Entries[name]
	if !ok {
		return ""
	}
	return Prefix + e.Path
}

// Imports returns the URL paths of the modules that an entry imports before it
// runs, for a page to preload.
func (a *Assets) Imports(name string) []string {
	var out []string
	for _, p := range a.manifest.Entries[name].Imports {
		out = append(out, Prefix+p)
	}
	return out
}

// ServeHTTP serves the files of the build below Prefix, to any origin, to be
// kept for good. There are no listings.
func (a *Assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, ok := strings.CutPrefix(r.URL.Path, Prefix)
	if _, known := a.manifest.Files[name]; !ok || !known {
		http.NotFound(w, r)
		return
	}
	a.serve(w, r, name, cacheImmutable)
}

// Stable returns a handler that serves an entry under whatever path it is
// mounted at, for pages of others that cannot know a hash.
func (a *Assets) Stable(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e, ok := a.manifest.Entries[name]
		if !ok {
			http.NotFound(w, r)
			return
		}
		a.serve(w, r, e.Path, cacheShort)
	})
}

// serve answers with a file of the manifest.
func (a *Assets) serve(w http.ResponseWriter, r *http.Request, name, cache string) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	v := a.variant(name, r.Header.Values("Accept-Encoding"))
	etag := strconv.Quote(v.name)
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*") // embeds live on an opaque origin
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", cache)
	h.Set("Vary", "Accept-Encoding")
	h.Set("ETag", etag)
	if matches(r.Header.Get("If-None-Match"), etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	a.send(w, r, name, v)
}

func (a *Assets) send(w http.ResponseWriter, r *http.Request, name string, v variant) {
	f, err := a.files.Open(v.name)
	if err != nil {
		w.Header().Del("Cache-Control")
		http.NotFound(w, r)
		return
	}
	defer f.Close()
	h := w.Header()
	h.Set("Content-Type", contentTypes[path.Ext(name)])
	h.Set("Content-Length", strconv.FormatInt(v.size, 10))
	if v.encoding != "" {
		h.Set("Content-Encoding", v.encoding)
	}
	if r.Method == http.MethodGet {
		_, _ = io.Copy(w, f) // a client that went away is nobody's error
	}
}

// matches reports whether an If-None-Match header names etag.
func matches(header, etag string) bool {
	for tag := range strings.SplitSeq(header, ",") {
		tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
		if tag == etag || tag == "*" {
			return true
		}
	}
	return false
}
