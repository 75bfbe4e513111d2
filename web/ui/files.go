package ui

import (
	_ "embed"
	"net/http"
)

//go:embed favicon.svg
var favicon []byte

func getFavicon(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "image/svg+xml")
	w.Header().Set("Cache-Control", "public, max-age=86400")
	_, _ = w.Write(favicon) // a client that went away is nobody's error
}

// robots keeps search engines to the pages that are the same for everybody.
const robots = "User-agent: *\nDisallow: /s/\nDisallow: /embed/\nDisallow: /runs\nDisallow: /v1/\nDisallow: /api/\n"

func getRobots(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(robots)) // a client that went away is nobody's error
}
