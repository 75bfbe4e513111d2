package process

import (
	"net/http"
	"strconv"
	"strings"
)

// versionHeader is how the official clients tell which version they are.
const versionHeader = "X-Daytona-SDK-Version"

// version is a client's version: its first two numbers.
type version struct{ major, minor int }

// Until these versions clients want logs as one text with prefixes.
var (
	multiplexedUntil           = version{0, 167}
	entrypointMultiplexedUntil = version{0, 161}
)

// wantsPrefixes reports whether a client is of before a version. Clients that do
// not say which they are get text too, as ever, unless they ask for JSON alone.
func wantsPrefixes(r *http.Request, until version) bool {
	text := r.Header.Get(versionHeader)
	if text == "" {
		return r.Method == http.MethodGet && r.Header.Get("Accept") != "application/json"
	}
	v, ok := parseVersion(text)
	return ok && v.before(until)
}

// parseVersion parses "0.167.1", "v0.167.1-rc.1" and the like. Versions of
// developers, which are 0.0 something, are the newest: they are no version.
func parseVersion(text string) (v version, ok bool) {
	parts := strings.SplitN(strings.TrimPrefix(text, "v"), ".", 3)
	if len(parts) < 2 {
		return version{}, false
	}
	major, err := strconv.Atoi(parts[0])
	minor, err2 := strconv.Atoi(parts[1])
	if err != nil || err2 != nil || major < 0 || minor < 0 || major == 0 && minor == 0 {
		return version{}, false
	}
	return version{major, minor}, true
}

func (v version) before(other version) bool {
	return v.major < other.major || v.major == other.major && v.minor < other.minor
}
