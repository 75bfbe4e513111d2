//go:build linux

package files_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestConditions writes only where a file is as its writer believes.
func TestConditions(t *testing.T) {
	tb := newToolbox(t)
	upload := func(name, content string, header http.Header) int {
		return tb.do("POST", "/files/upload-v2", strings.NewReader(content), header, "path", name).status
	}
	tag := func(name string) string {
		return tb.do("GET", "/files/download", nil, nil, "path", name).header.Get("ETag")
	}
	tb.put("a", "one")
	first := tag("a")
	for _, c := range []struct {
		name, file, content string
		header              http.Header
		status              int
	}{
		{"as it was", "a", "second", http.Header{"If-Match": {first}}, 200},
		{"changed since", "a", "third", http.Header{"If-Match": {first}}, 412},
		{"there already", "a", "fourth", http.Header{"If-None-Match": {"*"}}, 412},
		{"gone since", "b", "x", http.Header{"If-Match": {first}}, 412},
		{"new", "c", "new", http.Header{"If-None-Match": {"*"}}, 200},
		{"no condition", "c", "newer", nil, 200},
	} {
		if got := upload(c.file, c.content, c.header); got != c.status {
			t.Errorf("%s: status %d, want %d", c.name, got, c.status)
		}
	}
	tb.want("a", "second")
	tb.want("c", "newer")
	written := tb.do("POST", "/files/upload-v2", strings.NewReader("newest"), nil, "path", "c").header.Get("ETag")
	if written == "" || written != tag("c") {
		t.Errorf("an upload answers with the ETag %q, the download of what it wrote with %q", written, tag("c"))
	}
	tb.wantEntries("", "a", "c")
}
