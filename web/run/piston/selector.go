package piston

import (
	"strconv"
	"strings"
)

// maxSelector is the longest version selector that is read, in bytes.
const maxSelector = 256

// matches reports whether a version satisfies a selector in the syntax of
// npm's semver: exact and partial versions, x, *, ~, ^, comparisons, hyphen
// ranges, spaces for "and", || for "or". Tags such as -rc1 are not compared.
func matches(selector, version string) bool {
	if selector == version {
		return true
	}
	v, ok := parseVersion(version)
	if !ok || len(selector) > maxSelector {
		return false
	}
	for alternative := range strings.SplitSeq(selector, "||") {
		ranges, ok := parseRanges(alternative)
		if ok && within(ranges, v) {
			return true
		}
	}
	return false
}

// triple is a version: major, minor, patch.
type triple [3]int

func (a triple) compare(b triple) int {
	for i := range a {
		if a[i] != b[i] {
			if a[i] < b[i] {
				return -1
			}
			return 1
		}
	}
	return 0
}

// bump returns the first version after all that share a's first n+1 parts.
func (a triple) bump(n int) triple {
	var b triple
	copy(b[:], a[:n+1])
	b[n]++
	return b
}

// partial is a version of which only the first parts are given.
type partial struct {
	triple
	given int // 0 to 3
}

// ceiling returns the first version after all that p stands for.
func (p partial) ceiling() triple { return p.bump(p.given - 1) }

// span is a half-open range of versions.
type span struct {
	from  triple
	to    triple
	noEnd bool
}

func (s span) has(v triple) bool {
	return v.compare(s.from) >= 0 && (s.noEnd || v.compare(s.to) < 0)
}

func within(spans []span, v triple) bool {
	for _, s := range spans {
		if !s.has(v) {
			return false
		}
	}
	return true
}

// parseRanges reads comparators that must all hold; none at all means any
// version.
func parseRanges(text string) ([]span, bool) {
	if from, to, ok := strings.Cut(text, " - "); ok {
		return hyphenRange(from, to)
	}
	var spans []span
	fields := strings.Fields(text)
	for i := 0; i < len(fields); i++ {
		op, rest := cutOperator(fields[i])
		if rest == "" && op != "" && i+1 < len(fields) { // ">= 3"
			i++
			rest = fields[i]
		}
		p, ok := parsePartial(rest)
		if !ok {
			return nil, false
		}
		spans = append(spans, comparator(op, p))
	}
	return spans, true
}

func hyphenRange(from, to string) ([]span, bool) {
	a, okA := parsePartial(strings.TrimSpace(from))
	b, okB := parsePartial(strings.TrimSpace(to))
	if !okA || !okB {
		return nil, false
	}
	return []span{comparator(">=", a), comparator("<=", b)}, true
}

func cutOperator(s string) (op, rest string) {
	for _, op := range []string{">=", "<=", "~>", ">", "<", "=", "^", "~"} {
		if rest, ok := strings.CutPrefix(s, op); ok {
			return op, rest
		}
	}
	return "", s
}

// comparator returns the versions that "op p" allows.
func comparator(op string, p partial) span {
	if p.given == 0 {
		if op == "<" || op == ">" {
			return span{} // less or more than any version: none
		}
		return span{noEnd: true}
	}
	switch op {
	case ">=":
		return span{from: p.triple, noEnd: true}
	case ">":
		return span{from: p.ceiling(), noEnd: true}
	case "<":
		return span{to: p.triple}
	case "<=":
		return span{to: p.ceiling()}
	case "~", "~>":
		return span{from: p.triple, to: p.bump(min(p.given, 2) - 1)}
	case "^":
		return span{from: p.triple, to: p.bump(caretPart(p))}
	default:
		return span{from: p.triple, to: p.ceiling()}
	}
}

// caretPart returns which part a caret lets not change: the first given one
// that is not zero.
func caretPart(p partial) int {
	for i := range p.given {
		if p.triple[i] != 0 {
			return i
		}
	}
	return p.given - 1
}

// parsePartial reads a version with up to three parts, of which the rest may
// be x, X or *.
func parsePartial(s string) (partial, bool) {
	s = strings.TrimPrefix(strings.TrimPrefix(s, "v"), "=")
	s, _, _ = strings.Cut(s, "+")
	s, _, _ = strings.Cut(s, "-")
	var p partial
	if s == "" {
		return p, false
	}
	open := false
	for i, part := range strings.Split(s, ".") {
		switch {
		case i == 3:
			return p, false
		case part == "x" || part == "X" || part == "*":
			open = true
			continue
		}
		n, err := strconv.ParseUint(part, 10, 31)
		if err != nil || open {
			return p, false
		}
		p.triple[i] = int(n)
		p.given = i + 1
	}
	return p, true
}

// parseVersion reads an installed version; missing parts are 0.
func parseVersion(s string) (triple, bool) {
	p, ok := parsePartial(s)
	return p.triple, ok && p.given > 0
}
