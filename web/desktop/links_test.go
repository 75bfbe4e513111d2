package desktop

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"sandpiper/sandbox"
)

func TestATokenIsGoodForWhatItWasMadeFor(t *testing.T) {
	w := newWorld(t)
	good := w.link(t, "a", time.Hour, false)
	other := w.link(t, "b", time.Hour, false)
	id, signature, _ := strings.Cut(good, ".")
	otherID, otherSignature, _ := strings.Cut(other, ".")
	ended := w.link(t, "a", time.Hour, false)
	endedID, _, _ := strings.Cut(ended, ".")
	must(t, w.store.DeleteDesktopLink(t.Context(), endedID))
	for name, token := range map[string]string{
		"forged":                     id + "." + strings.Repeat("A", len(signature)),
		"cut off":                    good[:len(good)-1],
		"without a signature":        id,
		"with an empty one":          id + ".",
		"signed for another sandbox": id + "." + otherSignature,
		"of another with ours":       otherID + "." + signature,
		"of nobody":                  sandbox.NewID() + "." + signature,
		"expired":                    w.link(t, "a", -time.Second, false),
		"ended":                      ended,
	} {
		for _, path := range []string{"/desktop/" + token, "/desktop/" + token + "/socket"} {
			if res := w.request(t, http.MethodGet, path, false, nil); res.StatusCode != http.StatusNotFound {
				t.Errorf("%s: %s answers %d", name, path, res.StatusCode)
			}
		}
	}
	res := w.request(t, http.MethodGet, "/desktop/"+good, false, nil)
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("the good one answers %d, %v", res.StatusCode, err)
	}
	if strings.Contains(string(body), "secret name") || strings.Contains(string(body), "/sandboxes") {
		t.Error("the page tells of the sandbox")
	}
	if res.Header.Get("X-Robots-Tag") == "" || !strings.Contains(res.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
		t.Errorf("headers %v", res.Header)
	}
	w.fake.rotate("a")
	if res := w.request(t, http.MethodGet, "/desktop/"+good, false, nil); res.StatusCode != http.StatusNotFound {
		t.Errorf("after the key was rotated it answers %d", res.StatusCode)
	}
}

func TestALinkEndsItsConnections(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(t *testing.T, w *world, id string)
		want string
	}{
		{"it is ended", func(t *testing.T, w *world, id string) {
			if res := w.request(t, http.MethodPost, "/sandboxes/a/desktop/links/"+id+"/delete", true, url.Values{}); res.StatusCode != http.StatusSeeOther {
				t.Errorf("answers %d", res.StatusCode)
			}
		}, "ended"},
		{"the key is rotated", func(_ *testing.T, w *world, _ string) { w.fake.rotate("a") }, "ended"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			token := w.link(t, "a", time.Hour, false)
			b, _ := w.join(t, "/desktop/"+token+"/socket", false)
			id, _, _ := strings.Cut(token, ".")
			tt.end(t, w, id)
			if code, reason := b.closes(t); code != 4403 || !strings.Contains(reason, tt.want) {
				t.Errorf("closed with %d %q", code, reason)
			}
		})
	}
}

func TestALinkExpiresUnderItsConnections(t *testing.T) {
	w := newWorld(t)
	over := time.Now().Add(time.Hour)
	w.now = func() time.Time { return over.Add(-100 * time.Millisecond) }
	token := w.link(t, "a", time.Until(over), false)
	c, _, err := w.dial(t, "/desktop/"+token+"/socket", false)
	must(t, err)
	b := &browser{Conn: c, stream: websocket.NetConn(context.Background(), c, websocket.MessageBinary)}
	if code, reason := b.closes(t); code != 4403 || !strings.Contains(reason, "expired") {
		t.Errorf("closed with %d %q", code, reason)
	}
}

var linkURL = regexp.MustCompile(`value="http://[^"]*(/desktop/[^"]+)"`)

func TestLinksAreMadeAndEndedByMembers(t *testing.T) {
	w := newWorld(t)
	form := url.Values{"minutes": {"60"}, "text": {"on"}}
	if res := w.request(t, http.MethodPost, "/sandboxes/a/desktop/links", false, form); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("a stranger gets %d", res.StatusCode)
	}
	if res := w.request(t, http.MethodPost, "/sandboxes/a/desktop/links", true, form); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("a member gets %d", res.StatusCode)
	}
	body, err := io.ReadAll(w.request(t, http.MethodGet, "/sandboxes/a/desktop", true, nil).Body)
	must(t, err)
	m := linkURL.FindSubmatch(body)
	if m == nil {
		t.Fatal("the page has no link")
	}
	if res := w.request(t, http.MethodGet, string(m[1]), false, nil); res.StatusCode != http.StatusOK {
		t.Errorf("the link on the page answers %d", res.StatusCode)
	}
	links, err := w.store.DesktopLinks(t.Context(), "a")
	if err != nil || len(links) != 1 || !links[0].Text {
		t.Fatalf("stored %+v, %v", links, err)
	}
	if res := w.request(t, http.MethodPost, "/sandboxes/b/desktop/links/"+links[0].ID+"/delete", true, url.Values{}); res.StatusCode != http.StatusNotFound {
		t.Errorf("by way of another sandbox it answers %d", res.StatusCode)
	}
	for _, minutes := range []string{"", "0", "-5", "43201", "x"} {
		if res := w.request(t, http.MethodPost, "/sandboxes/a/desktop/links", true, url.Values{"minutes": {minutes}}); res.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%q minutes answers %d", minutes, res.StatusCode)
		}
	}
	for range maxLinks {
		w.link(t, "a", time.Hour, false)
	}
	if res := w.request(t, http.MethodPost, "/sandboxes/a/desktop/links", true, form); res.StatusCode != http.StatusConflict {
		t.Errorf("one too many answers %d", res.StatusCode)
	}
}
