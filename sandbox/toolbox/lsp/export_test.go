package lsp

import (
	"bufio"
	"encoding/json"
	"io"
	"time"

	"sandpiper/sandbox/toolbox/toolboxtype"
)

// Limit makes the handler's times shorter.
func (h *Handler) Limit(start, request, idle time.Duration) { h.limits = limits{start, request, idle} }

// Running returns how many servers run.
func (h *Handler) Running() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.servers)
}

// What is fuzzed.
func ReadFrame(r io.Reader) ([]byte, error) { return readFrame(bufio.NewReader(r)) }
func Frame(body []byte) []byte              { return frame(body) }
func DecodeCompletions(raw json.RawMessage) (*toolboxtype.CompletionList, error) {
	return decodeCompletions(raw)
}
