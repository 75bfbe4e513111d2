package desktop

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"sandpiper/sandbox"
)

const (
	request    = "\x03\x00\x00\x00\x00\x00\x05\x00\x03\x20"
	key        = "\x04\x01\x00\x00\x00\x00\x00x"
	bell       = "\x02"
	serverText = "\x03\x00\x00\x00\x00\x00\x00\x06secret"
)

func TestAMemberControls(t *testing.T) {
	w := newWorld(t)
	b, s := w.join(t, "/sandboxes/a/desktop/socket", true)
	if b.name != "host secret" {
		t.Errorf("the screen is called %q", b.name)
	}
	_, err := io.WriteString(b.stream, key+request+key)
	must(t, err)
	s.hears(t, key+request+key)
	if n := w.fake.touches(); n != 1 {
		t.Errorf("noted %d times that somebody types, want once", n)
	}
	_, err = io.WriteString(s, serverText+bell)
	must(t, err)
	b.hears(t, serverText+bell)
}

func TestALinkWatches(t *testing.T) {
	for text, heard := range map[bool]string{false: bell, true: serverText + bell} {
		w := newWorld(t)
		b, s := w.join(t, "/desktop/"+w.link(t, "a", time.Hour, text)+"/socket", false)
		if b.name != screenName {
			t.Errorf("who watches reads the name %q", b.name)
		}
		s.hears(t, "\x00\x00\x00\x00\x20\x18\x00\x01\x00\xff\x00\xff\x00\xff\x00\x08\x10\x00\x00\x00") // the format is the bridge's to choose
		_, err := io.WriteString(b.stream, key+request+key+request)
		must(t, err)
		s.hears(t, request+request)
		_, err = io.WriteString(s, serverText+bell)
		must(t, err)
		b.hears(t, heard)
		if n := w.fake.touches(); n != 0 {
			t.Errorf("watching counted as use %d times", n)
		}
	}
}

func TestWhatEndsAConnection(t *testing.T) {
	for _, tt := range []struct {
		name   string
		end    func(w *world, b *browser, s *screen)
		code   int
		reason string
	}{
		{"the sandbox stops", func(w *world, _ *browser, s *screen) {
			w.fake.change("a", func(s *sandbox.Sandbox) { s.State = sandbox.StateStopping })
			_ = s.Close()
		}, 4409, "the sandbox is stopping"},
		{"the sandbox is paused, and says nothing", func(w *world, _ *browser, _ *screen) {
			w.fake.change("a", func(s *sandbox.Sandbox) { s.State = sandbox.StatePaused })
		}, 4409, "the sandbox is paused"},
		{"the desktop ends", func(_ *world, _ *browser, s *screen) { _ = s.Close() }, 4404, "ended by itself"},
		{"its browser is signed out", func(w *world, _ *browser, _ *screen) {
			_ = w.sessions.DeleteSession(context.Background(), sessionHash())
		}, 4401, "signed out"},
		{"the server ends", func(w *world, _ *browser, _ *screen) { w.Handler.Close() }, 4503, "shutting down"},
		{"an unknown message", func(_ *world, b *browser, _ *screen) { _, _ = b.stream.Write([]byte{99}) }, 1000, ""},
		{"a message that is text", func(_ *world, b *browser, _ *screen) {
			_ = b.Write(context.Background(), websocket.MessageText, []byte("hello"))
		}, 1000, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			b, s := w.join(t, "/sandboxes/a/desktop/socket", true)
			tt.end(w, b, s)
			if code, reason := b.closes(t); code != tt.code || !strings.Contains(reason, tt.reason) {
				t.Errorf("closed with %d %q, want %d %q", code, reason, tt.code, tt.reason)
			}
			emptied(t, w)
		})
	}
}

// emptied waits until nobody is connected, and the screen let go of.
func emptied(t *testing.T, w *world) {
	t.Helper()
	deadline := time.After(patience)
	for w.rooms.attendance("a", time.Now()).members > 0 {
		select {
		case <-deadline:
			t.Fatal("the connection is still there")
		case <-time.After(time.Millisecond):
		}
	}
}

func TestABrowserThatGoesAwayLetsGoOfTheScreen(t *testing.T) {
	w := newWorld(t)
	b, s := w.join(t, "/sandboxes/a/desktop/socket", true)
	must(t, b.CloseNow())
	if _, err := s.in.ReadByte(); err == nil {
		t.Error("the screen is still connected")
	}
}

// A browser that takes nothing must hold up its own picture only, and let the
// server end.
func TestASlowBrowserIsBounded(t *testing.T) {
	w := newWorld(t)
	_, s := w.join(t, "/sandboxes/a/desktop/socket", true)
	must(t, s.SetWriteDeadline(time.Now().Add(time.Second)))
	written, err := io.Copy(s, zeroes{})
	if err == nil || written > 64<<20 {
		t.Errorf("%d bytes were taken for a browser that reads none: %v", written, err)
	}
	w.fake.change("a", func(s *sandbox.Sandbox) { s.State = sandbox.StateStopped })
	emptied(t, w)
}

type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestWhoIsNotConnected(t *testing.T) {
	w := newWorld(t)
	good := "/desktop/" + w.link(t, "a", time.Hour, false) + "/socket"
	for _, tt := range []struct {
		name, path string
		member     bool
		origin     string
		status     int
	}{
		{"a stranger", "/sandboxes/a/desktop/socket", false, "", http.StatusNotFound}, // led to the form to sign in, which there is none of here
		{"a page of another site with a session", "/sandboxes/a/desktop/socket", true, "http://evil.example", http.StatusForbidden},
		{"a page of another site with a link", good, false, "http://evil.example", http.StatusForbidden},
		{"a page of a preview", "/sandboxes/a/desktop/socket", true, "http://3000-a.localhost", http.StatusForbidden},
		{"no such sandbox", "/sandboxes/c/desktop/socket", true, "", http.StatusNotFound},
	} {
		t.Run(tt.name, func(t *testing.T) {
			header := []string{}
			if tt.origin != "" {
				header = []string{"Origin", tt.origin}
			}
			_, res, err := w.dial(t, tt.path, tt.member, header...)
			if err == nil || res == nil || res.StatusCode != tt.status {
				t.Errorf("got %v, %v", res, err)
			}
		})
	}
}

func TestNoDesktopIsSaidOverTheWebSocket(t *testing.T) {
	w := newWorld(t)
	w.fake.screens = nil
	c, _, err := w.dial(t, "/sandboxes/a/desktop/socket", true)
	must(t, err)
	_, _, err = c.Read(t.Context())
	if code := websocket.CloseStatus(err); code != 4404 {
		t.Errorf("closed with %v", err)
	}
}

func TestADesktopHasRoomForSoMany(t *testing.T) {
	var r rooms
	for range maxPeople {
		if _, err := r.enter("a", &person{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.enter("a", &person{}); sandbox.KindOf(err) != sandbox.KindBusy {
		t.Errorf("got %v", err)
	}
	leave, err := r.enter("b", &person{link: "x"})
	must(t, err)
	if n := r.attendance("b", time.Now()).watching["x"]; n != 1 {
		t.Errorf("%d watch", n)
	}
	leave()
	if len(r.people) != 1 {
		t.Errorf("%d rooms are left", len(r.people))
	}
}
