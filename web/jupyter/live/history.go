package live

import (
	"regexp"
	"slices"
	"strings"

	"sandpiper/web/reply"
)

// Limits of a kernel's history.
const (
	maxHistory      = 500
	maxHistoryBytes = 256 << 10
	maxPattern      = 1 << 10
)

// history is what was executed since the kernel last started, bounded. The zero
// value is ready.
type history struct {
	entries []entry
	bytes   int
}

type entry struct {
	line int
	code string
}

func (h *history) add(line int, code string) {
	h.entries = append(h.entries, entry{line, code})
	h.bytes += len(code)
	for len(h.entries) > maxHistory || h.bytes > maxHistoryBytes {
		h.bytes -= len(h.entries[0].code)
		h.entries = h.entries[1:]
	}
}

type historyRequest struct {
	Access  string `json:"hist_access_type"` // "tail", "range" or "search"
	N       int    `json:"n"`                // how many, the latest ones; 0 for all
	Start   int    `json:"start"`
	Stop    int    `json:"stop"`
	Pattern string `json:"pattern"` // with * and ?
	Unique  bool   `json:"unique"`
}

type historyContent struct {
	okContent
	History [][3]any `json:"history"` // session, line, input
}

// recall answers a history_request.
func (k *Kernel) recall(r *request) any {
	var ask historyRequest
	if err := reply.UnmarshalLenient(r.Content, &ask); err != nil {
		return failureOf(reply.Public(err))
	}
	if len(ask.Pattern) > maxPattern {
		return failure("ValueError", "the pattern is too long")
	}
	k.mu.Lock()
	entries := slices.Clone(k.history.entries)
	k.mu.Unlock()
	found := historyContent{okay, [][3]any{}}
	for _, e := range ask.of(entries) {
		found.History = append(found.History, [3]any{1, e.line, e.code})
	}
	return found
}

// of returns the entries that are asked for.
func (q historyRequest) of(entries []entry) []entry {
	wanted := func(entry) bool { return true }
	switch q.Access {
	case "range":
		wanted = func(e entry) bool { return e.line >= q.Start && (q.Stop <= 0 || e.line < q.Stop) }
	case "search":
		pattern := glob(q.Pattern)
		wanted = func(e entry) bool { return pattern.MatchString(e.code) }
	}
	entries = slices.DeleteFunc(entries, func(e entry) bool { return !wanted(e) })
	if q.Access == "search" && q.Unique {
		entries = unique(entries)
	}
	if q.Access != "range" && q.N > 0 && q.N < len(entries) {
		entries = entries[len(entries)-q.N:]
	}
	return entries
}

// unique keeps the last one of entries with the same code.
func unique(entries []entry) []entry {
	seen := map[string]bool{}
	kept := []entry{}
	for _, e := range slices.Backward(entries) {
		if !seen[e.code] {
			kept = append(kept, e)
		}
		seen[e.code] = true
	}
	slices.Reverse(kept)
	return kept
}

// glob compiles a pattern in which * means any text and ? any character.
func glob(pattern string) *regexp.Regexp {
	quoted := regexp.QuoteMeta(pattern)
	quoted = strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(quoted)
	return regexp.MustCompile("(?s)^" + quoted + "$")
}
