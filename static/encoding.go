package static

import (
	"strconv"
	"strings"

	"sandpiper/static/manifest"
)

// variant is one form in which a file can be sent.
type variant struct {
	encoding string // of Content-Encoding; empty for the file itself
	name     string
	size     int64
}

// variant picks the form of a file that a request accepts: by the client's
// preference, and the smallest where it has none.
func (a *Assets) variant(name string, accept []string) variant {
	f := a.manifest.Files[name]
	best, quality := variant{name: name, size: f.Size}, 0.0
	q := parseAcceptEncoding(strings.Join(accept, ","))
	for _, v := range []variant{
		{"br", name + manifest.BrotliExt, f.Brotli},
		{"gzip", name + manifest.GzipExt, f.Gzip},
	} {
		if v.size > 0 && q.of(v.encoding) > quality {
			best, quality = v, q.of(v.encoding)
		}
	}
	if plain, said := q["identity"]; said && plain > quality {
		return variant{name: name, size: f.Size}
	}
	return best
}

// qualities are the weights of an Accept-Encoding header.
type qualities map[string]float64

// of returns the weight of an encoding: its own, or that of "*", or 0.
func (q qualities) of(encoding string) float64 {
	if w, ok := q[encoding]; ok {
		return w
	}
	return q["*"]
}

// parseAcceptEncoding reads an Accept-Encoding header. Members that make no
// sense are ignored: the file itself is always an acceptable answer then.
func parseAcceptEncoding(header string) qualities {
	q := qualities{}
	for member := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(member, ";")
		name = strings.ToLower(strings.TrimSpace(name))
		if w, ok := parseWeight(params); ok && name != "" {
			q[name] = w
		}
	}
	return q
}

// parseWeight reads the "q=0.5" of a member; without one the weight is 1.
func parseWeight(params string) (float64, bool) {
	params = strings.ToLower(strings.ReplaceAll(params, " ", ""))
	if params == "" {
		return 1, true
	}
	value, ok := strings.CutPrefix(params, "q=")
	if !ok {
		return 0, false
	}
	w, err := strconv.ParseFloat(value, 64)
	return w, err == nil && w >= 0 && w <= 1
}
