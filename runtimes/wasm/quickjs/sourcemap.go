package quickjs

import (
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strings"
)

// sourceMap maps places in translated code to the code as it was written.
type sourceMap struct{ lines [][]mapped }

// mapped says that the translated code from column on was written at a line and
// column. All count from 0.
type mapped struct{ column, line, original int }

var errBadMapping = errors.New("bad source map")

// parseSourceMap reads a source map of version 3 with one source.
func parseSourceMap(b []byte) (*sourceMap, error) {
	var m struct {
		Version  int    `json:"version"`
		Mappings string `json:"mappings"`
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, fmt.Errorf("parse source map: %w", err)
	}
	if m.Version != 3 {
		return nil, fmt.Errorf("source map version %d: %w", m.Version, errBadMapping)
	}
	res := &sourceMap{}
	var line, column int // of the original; they run on from segment to segment
	for _, text := range strings.Split(m.Mappings, ";") {
		segments, err := parseSegments(text, &line, &column)
		if err != nil {
			return nil, err
		}
		res.lines = append(res.lines, segments)
	}
	return res, nil
}

// parseSegments reads the mappings of one line of translated code.
func parseSegments(text string, line, column *int) ([]mapped, error) {
	var segments []mapped
	at := 0
	for text != "" {
		var segment string
		segment, text, _ = strings.Cut(text, ",")
		fields, err := parseVLQ(segment)
		if err != nil {
			return nil, err
		}
		if len(fields) == 0 {
			continue
		}
		at += fields[0]
		if len(fields) < 4 {
			continue // code that was not written by anybody
		}
		*line += fields[2]
		*column += fields[3]
		segments = append(segments, mapped{at, *line, *column})
	}
	return segments, nil
}

const vlqDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// parseVLQ reads numbers in base 64: five bits a digit, lowest first, the sixth
// saying that there are more, and the lowest bit of all being the sign.
func parseVLQ(text string) ([]int, error) {
	var numbers []int
	n, shift := 0, 0
	for i := range len(text) {
		digit := strings.IndexByte(vlqDigits, text[i])
		if digit < 0 || shift > 30 {
			return nil, fmt.Errorf("segment %q: %w", text, errBadMapping)
		}
		n |= digit & 31 << shift
		if digit&32 != 0 {
			shift += 5
			continue
		}
		if n&1 != 0 {
			numbers = append(numbers, -(n >> 1))
		} else {
			numbers = append(numbers, n>>1)
		}
		n, shift = 0, 0
	}
	if shift != 0 {
		return nil, fmt.Errorf("segment %q ends in the middle: %w", text, errBadMapping)
	}
	return numbers, nil
}

// original returns where the code at a line and column was written. Both count
// from 1. A place before any mapping stays where it is.
func (m *sourceMap) original(line, column int) (int, int) {
	for l := min(line, len(m.lines)) - 1; l >= 0; l-- {
		segments := m.lines[l]
		if l == line-1 {
			segments = segments[:sort.Search(len(segments), func(i int) bool { return segments[i].column > column-1 })]
		}
		if n := len(segments); n > 0 {
			return segments[n-1].line + 1, segments[n-1].original + 1
		}
	}
	return line, column
}
