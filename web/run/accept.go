package run

import (
	"net/http"
	"strconv"
	"strings"

	"sandpiper/sandbox"
	"sandpiper/web/reply"
)

// Format is a shape that a run's events can be answered in.
type Format int

// The formats.
const (
	FormatNone   Format = iota
	FormatJSON          // one document at the end
	FormatSSE           // Server-Sent Events
	FormatNDJSON        // a JSON object on each line
)

// Negotiate returns the format that a request likes best. Where it takes none of
// them it is FormatNone, and the request has been answered.
func Negotiate(w http.ResponseWriter, r *http.Request) Format {
	w.Header().Add("Vary", "Accept")
	format := negotiate(r.Header.Values("Accept"))
	if format == FormatNone {
		reply.WriteErrorStatus(w, r, http.StatusNotAcceptable, sandbox.Errorf(sandbox.KindInvalid,
			"the answer is application/json, text/event-stream or application/x-ndjson; the Accept header takes none of them"))
	}
	return format
}

// formats are in the order of preference among equals.
var formats = []struct {
	format Format
	media  string
}{
	{FormatJSON, "application/json"},
	{FormatSSE, "text/event-stream"},
	{FormatNDJSON, "application/x-ndjson"},
	{FormatNDJSON, "application/ndjson"},
}

// maxAccept is how many media ranges of an Accept header count.
const maxAccept = 64

// negotiate returns the format that Accept headers like best, FormatJSON when
// there are none, and FormatNone when they rule out every format.
func negotiate(headers []string) Format {
	ranges := acceptRanges(headers)
	if len(ranges) == 0 {
		return FormatJSON
	}
	best, bestQ := FormatNone, 0.0
	for _, f := range formats {
		if q := quality(ranges, f.media); q > bestQ {
			best, bestQ = f.format, q
		}
	}
	return best
}

// mediaRange is one element of an Accept header.
type mediaRange struct {
	media string // lower case: type/subtype, type/* or */*
	q     float64
}

func acceptRanges(headers []string) []mediaRange {
	var ranges []mediaRange
	for element := range strings.SplitSeq(strings.Join(headers, ","), ",") {
		if len(ranges) == maxAccept {
			break
		}
		media, params, _ := strings.Cut(element, ";")
		if media = strings.ToLower(strings.TrimSpace(media)); media != "" {
			ranges = append(ranges, mediaRange{media, qValue(params)})
		}
	}
	return ranges
}

// qValue returns the weight among an element's parameters: 1 when there is
// none, 0 when it is not a number from 0 to 1.
func qValue(params string) float64 {
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(param, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || !(q >= 0 && q <= 1) {
			return 0
		}
		return q
	}
	return 1
}

// quality returns the weight of a media type: that of the most specific range
// which matches it.
func quality(ranges []mediaRange, media string) float64 {
	major, _, _ := strings.Cut(media, "/")
	for _, pattern := range []string{media, major + "/*", "*/*"} {
		for _, r := range ranges {
			if r.media == pattern {
				return r.q
			}
		}
	}
	return 0
}
