package desktop

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"sandpiper/sandbox"
	"sandpiper/sandbox/manager"
	"sandpiper/sandbox/sandboxtest"
	"sandpiper/static"
	"sandpiper/web/auth"
	"sandpiper/web/dashboard/sandboxpage"
	"sandpiper/web/page"
)

// patience is how long a test waits for what must happen.
const patience = 30 * time.Second

const organization = "org"

// session is the value of the cookie of a browser that signed in.
const session = "the-session"

// world is a server with two sandboxes, a and b, whose screens are fakes.
type world struct {
	*Handler
	fake   *fakeManager
	store  *sandboxtest.DesktopLinkStore
	server *httptest.Server

	sessions *sandboxtest.CredentialStore // of browsers that signed in
}

func sessionHash() []byte {
	sum := sha256.Sum256([]byte(session))
	return sum[:]
}

// fakeManager has sandboxes by ID.
type fakeManager struct {
	mu      sync.Mutex
	boxes   map[string]sandbox.Sandbox
	keys    map[string]string
	touched []sandbox.ActivitySource
	screens chan net.Conn // the other ends of what was dialled; nil for no desktop
}

func (f *fakeManager) change(id string, change func(*sandbox.Sandbox)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.boxes[id]
	change(&s)
	f.boxes[id] = s
}

func (f *fakeManager) rotate(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keys[id] += "+"
}

func (f *fakeManager) ByID(_ context.Context, id string) (sandbox.Sandbox, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s, ok := f.boxes[id]; ok {
		return s, nil
	}
	return sandbox.Sandbox{}, sandbox.Errorf(sandbox.KindNotFound, "there is no sandbox %q", id)
}

func (f *fakeManager) Sandbox(ctx context.Context, _, id string) (sandbox.Sandbox, error) {
	return f.ByID(ctx, id)
}

func (f *fakeManager) Dial(_ context.Context, id string, port int) (net.Conn, error) {
	f.mu.Lock()
	s, screens := f.boxes[id], f.screens
	f.mu.Unlock()
	switch {
	case s.State != sandbox.StateStarted:
		return nil, sandbox.Errorf(sandbox.KindConflict, "the sandbox is %s", s.State)
	case screens == nil || port != sandbox.DesktopPort:
		return nil, sandbox.Errorf(sandbox.KindNotFound, "nothing listens on port %d", port)
	}
	ours, theirs, err := pipe()
	if err == nil {
		screens <- theirs
	}
	return ours, err
}

// pipe returns both ends of a connection, which has the buffers of real ones.
func pipe() (client, server net.Conn, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	if client, err = net.Dial("tcp", l.Addr().String()); err != nil {
		return nil, nil, err
	}
	server, err = l.Accept()
	return client, server, err
}

func (f *fakeManager) Touch(_ context.Context, _, _ string, source sandbox.ActivitySource) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.touched = append(f.touched, source)
	return nil
}

func (f *fakeManager) touches() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.touched)
}

func (f *fakeManager) SigningKey(s sandbox.Sandbox) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return "key of " + s.ID + f.keys[s.ID]
}

func (f *fakeManager) Subscribe(string) (<-chan manager.Event, func()) {
	return make(chan manager.Event), func() {}
}
func (f *fakeManager) QueuePosition(string) int                          { return 0 }
func (f *fakeManager) Runners(context.Context) ([]sandbox.Runner, error) { return nil, nil }

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{fake: &fakeManager{boxes: map[string]sandbox.Sandbox{}, keys: map[string]string{}, screens: make(chan net.Conn, 64)}, store: &sandboxtest.DesktopLinkStore{}}
	for _, id := range []string{"a", "b"} {
		w.fake.boxes[id] = sandbox.Sandbox{ID: id, Name: "secret name of " + id, Organization: organization, State: sandbox.StateStarted, Engine: sandbox.EngineContainer}
	}
	assets, err := static.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	var guard *auth.Guard
	w.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		guard.Identify(mux).ServeHTTP(rw, r)
	}))
	public, err := url.Parse(w.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	w.sessions = &sandboxtest.CredentialStore{}
	must(t, w.sessions.PutSession(t.Context(), sandbox.Session{Hash: sessionHash(), CreatedAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour)}))
	if guard, err = auth.New(auth.Config{Store: w.sessions, PublicURL: public}); err != nil {
		t.Fatal(err)
	}
	frame := page.New(assets, guard, nil)
	pages := sandboxpage.New(sandboxpage.Config{Manager: w.fake, Frame: frame, Organization: organization})
	w.Handler = New(Config{Manager: w.fake, Links: w.store, Pages: pages, Frame: frame, Assets: assets, Guard: guard, PublicURL: public})
	w.Handler.Register(mux)
	t.Cleanup(func() {
		w.Handler.Close()
		w.server.Close()
		guard.Close()
	})
	return w
}

// link makes a link to a sandbox's desktop and returns its token.
func (w *world) link(t *testing.T, id string, life time.Duration, text bool) string {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Millisecond)
	l := sandbox.DesktopLink{ID: sandbox.NewID(), Sandbox: id, Text: text, CreatedAt: now, ExpiresAt: now.Add(life)}
	if err := w.store.AddDesktopLink(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	return token(w.fake.SigningKey(w.fake.boxes[id]), l)
}

func (w *world) request(t *testing.T, method, path string, member bool, form url.Values) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, w.server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if member {
		r.Header.Set("Cookie", "sandpiper="+session)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

// dial connects a browser to a path.
func (w *world) dial(t *testing.T, path string, member bool, header ...string) (*websocket.Conn, *http.Response, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	h := http.Header{"Origin": {w.server.URL}}
	if member {
		h.Set("Cookie", "sandpiper="+session)
	}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	c, res, err := websocket.Dial(ctx, w.server.URL+path, &websocket.DialOptions{HTTPHeader: h, Subprotocols: []string{"binary"}})
	if c != nil {
		c.SetReadLimit(-1)
		t.Cleanup(func() { _ = c.CloseNow() })
	}
	return c, res, err
}

// browser is a WebSocket that has shaken hands.
type browser struct {
	*websocket.Conn
	stream io.ReadWriter
	name   string // of the screen
}

// screen is the fake server's end.
type screen struct {
	net.Conn
	in *bufio.Reader
}

// join connects a browser and a screen with each other.
func (w *world) join(t *testing.T, path string, member bool) (*browser, *screen) {
	t.Helper()
	c, _, err := w.dial(t, path, member)
	if err != nil {
		t.Fatal(err)
	}
	var s *screen
	select {
	case conn := <-w.fake.screens:
		s = &screen{conn, bufio.NewReader(conn)}
	case <-time.After(patience):
		t.Fatal("the screen was not dialled")
	}
	t.Cleanup(func() { _ = s.Close() })
	must(t, s.SetDeadline(time.Now().Add(patience)))
	served := make(chan error, 1)
	go func() { served <- s.shakeHands() }()
	b := &browser{Conn: c, stream: websocket.NetConn(context.Background(), c, websocket.MessageBinary)}
	b.shakeHands(t)
	must(t, <-served)
	return b, s
}

// shakeHands does a server's part.
func (s *screen) shakeHands() error {
	steps := []struct {
		say  string
		hear int
	}{{"RFB 003.008\n", 12}, {"\x01\x01", 1}, {"\x00\x00\x00\x00", 1}}
	for _, step := range steps {
		if _, err := io.WriteString(s, step.say); err != nil {
			return err
		}
		if _, err := io.ReadFull(s.in, make([]byte, step.hear)); err != nil {
			return err
		}
	}
	_, err := io.WriteString(s, "\x05\x00\x03\x20\x20\x18\x00\x01\x00\xff\x00\xff\x00\xff\x10\x08\x00\x00\x00\x00\x00\x00\x00\x0bhost secret")
	return err
}

func (b *browser) shakeHands(t *testing.T) {
	t.Helper()
	read := func(n int) []byte {
		p := make([]byte, n)
		if _, err := io.ReadFull(b.stream, p); err != nil {
			t.Fatalf("shake hands: %v", err)
		}
		return p
	}
	write := func(s string) {
		_, err := io.WriteString(b.stream, s)
		must(t, err)
	}
	read(12)
	write("RFB 003.008\n")
	read(2)
	write("\x01")
	read(4)
	write("\x00") // for itself alone, which nobody gets
	head := read(24)
	b.name = string(read(int(binary.BigEndian.Uint32(head[20:]))))
}

// hears reads from the screen's side and fails where it is something else.
func (s *screen) hears(t *testing.T, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(s.in, got); err != nil || string(got) != want {
		t.Fatalf("the screen heard %q, %v; want %q", got, err, want)
	}
}

func (b *browser) hears(t *testing.T, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(b.stream, got); err != nil || string(got) != want {
		t.Fatalf("the browser heard %q, %v; want %q", got, err, want)
	}
}

// closes waits for the end and returns its code and reason.
func (b *browser) closes(t *testing.T) (int, string) {
	t.Helper()
	_, err := io.Copy(io.Discard, b.stream)
	var closed websocket.CloseError
	if !errors.As(err, &closed) {
		return int(websocket.StatusNormalClosure), ""
	}
	return int(closed.Code), closed.Reason
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
