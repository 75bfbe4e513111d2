package run

import (
	"strconv"
	"strings"
)

// format is a shape that a run's events can be answered in.
type format int

const (
	formatNone format = iota
	formatJSON        // one document at the end
	formatSSE
	formatNDJSON
)

// formats are in the order of preference among equals.
var formats = []struct {
	format format
	media  string
}{
	{formatJSON, "application/json"},
	{formatSSE, "text/event-stream"},
	{formatNDJSON, "application/x-ndjson"},
	{formatNDJSON, "application/ndjson"},
}

// maxAccept is how many media ranges of an Accept header count.
const maxAccept = 64

// negotiate returns the format that Accept headers like best, formatJSON when
// there are none, and formatNone when they rule out every format.
func negotiate(headers []string) format {
	ranges := acceptRanges(headers)
	if len(ranges) == 0 {
		return formatJSON
	}
	best, bestQ := formatNone, 0.0
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
