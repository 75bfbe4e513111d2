package proxy

import (
	"strings"
	"testing"
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
