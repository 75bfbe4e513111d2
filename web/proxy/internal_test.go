package proxy

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

func FuzzInnerPath(f *testing.F) {
	for _, seed := range []string{"/toolbox/id/files", "/toolbox/id", "/toolbox//x", "/toolbox/a%2Fb/c%2Fd", "/api/toolbox/id/toolbox/project-dir", "/toolbox/id/../x", "toolbox"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, escaped string) {
		for _, form := range [][2]string{{"/toolbox/", "/"}, {"/api/toolbox/", "/toolbox/"}} {
			path, ok := innerPath(escaped, form[0], form[1])
			if ok && !strings.HasPrefix(path, "/") {
				t.Errorf("%q: the path %q begins with no slash", escaped, path)
			}
			if rest, has := strings.CutPrefix(path, "/"); ok && has && renamed(path) == path && !strings.HasSuffix(escaped, rest) && path != "/user-home-dir" && path != "/lsp/workspacesymbols" {
				t.Errorf("%q: the path %q was not in it", escaped, path)
			}
		}
	})
}

func TestSignature(t *testing.T) {
	// As computeFileUrlSignature("key", "GET", "/a b", 0) of the official SDK.
	const want = "v1_Fc9mxojmwoG44jAr3VMPWPe7FcX-_H0ypD50nGJ-1F8"
	if got := sign("key", "GET", "/a b", "0"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	now := time.Unix(1000, 0)
	for expires, want := range map[string]bool{"0": false, "1001": false, "1000": true, "999": true, "-1": true, "": true, "1e9": true, "99999999999999999999": true} {
		if got := expired(expires, now); got != want {
			t.Errorf("%q: expired %v, want %v", expires, got, want)
		}
	}
}

// TestBodiesAreNotReadBeyondTheirEnd holds that a body that is complete is left
// alone: the server closes it with the answer, and reading it then is an error
// that would break the answer off.
func TestBodiesAreNotReadBeyondTheirEnd(t *testing.T) {
	const text = `{"paths":["large.bin"]}`
	closed := io.MultiReader(strings.NewReader(text), iotest.ErrReader(http.ErrBodyReadAfterClose))
	control := http.NewResponseController(httptest.NewRecorder())
	known := &upload{ReadCloser: io.NopCloser(closed), control: control, left: int64(len(text))}
	if got, err := io.ReadAll(known); string(got) != text || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	unknown := &upload{ReadCloser: io.NopCloser(strings.NewReader(text)), control: control, left: -1}
	if got, err := io.ReadAll(unknown); string(got) != text || err != nil {
		t.Errorf("of unknown length: read %q, %v", got, err)
	}
	short := &upload{ReadCloser: io.NopCloser(iotest.ErrReader(io.ErrUnexpectedEOF)), control: control, left: 10}
	if _, err := io.ReadAll(short); err != io.ErrUnexpectedEOF {
		t.Errorf("a body that ends early: %v", err)
	}
}
