//go:build linux

package sshgateway_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"sandpiper/sandbox"
	"sandpiper/sandbox/guest/osguest"
	"sandpiper/sandbox/sandboxtest"
	"sandpiper/sandbox/sshaccess"
	"sandpiper/sandbox/toolbox/attach"
	"sandpiper/web/sshgateway"
)

// patience is how long something may take that is to happen.
const patience = 30 * time.Second

// The sandboxes of a fake. All answer with the same toolbox.
const (
	own      = "11111111-1111-1111-1111-111111111111"
	linked   = "22222222-2222-2222-2222-222222222222"
	stranger = "33333333-3333-3333-3333-333333333333"
)

// fake is a manager of sandboxes whose toolbox runs commands on this machine.
type fake struct {
	toolbox string // address

	mu      sync.Mutex
	all     map[string]sandbox.Sandbox
	changed chan struct{} // closed at the next change
	ports   map[string]string
	touches int
}

func (f *fake) Sandbox(ctx context.Context, _, idOrName string) (sandbox.Sandbox, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.all {
		if s.ID == idOrName || s.Name == idOrName {
			return s, nil
		}
	}
	return sandbox.Sandbox{}, sandbox.Errorf(sandbox.KindNotFound, "there is no sandbox %s", idOrName)
}

func (f *fake) ByID(ctx context.Context, id string) (sandbox.Sandbox, error) {
	return f.Sandbox(ctx, "", id)
}

func (f *fake) WaitState(ctx context.Context, id string, states ...sandbox.State) (sandbox.Sandbox, error) {
	for {
		f.mu.Lock()
		s, ok := f.all[id]
		changed := f.changed
		f.mu.Unlock()
		if !ok {
			return s, sandbox.Errorf(sandbox.KindNotFound, "it is gone")
		}
		for _, want := range states {
			if s.State == want {
				return s, nil
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return s, ctx.Err()
		}
	}
}

// change changes a sandbox, or deletes it for nil.
func (f *fake) change(id string, how func(*sandbox.Sandbox)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.all[id]
	if delete(f.all, id); how != nil {
		how(&s)
		f.all[id] = s
	}
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *fake) Dial(ctx context.Context, id string, port int) (net.Conn, error) {
	f.mu.Lock()
	address := f.ports[fmt.Sprintf("%s:%d", id, port)]
	f.mu.Unlock()
	if port == sandbox.ToolboxPort {
		address = f.toolbox
	}
	if address == "" {
		return nil, sandbox.Errorf(sandbox.KindNotFound, "nothing listens on port %d", port)
	}
	var d net.Dialer
	return d.DialContext(ctx, "tcp", address)
}

func (f *fake) Touch(context.Context, string, string, sandbox.ActivitySource) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.touches++
	return nil
}

func (f *fake) touched() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.touches
}

func (f *fake) ToolboxToken(sandbox.Sandbox) string { return "" }

// gate is a gateway that serves, with its tokens.
type gate struct {
	*testing.T
	fake    *fake
	desk    *sshaccess.Desk
	store   *sandboxtest.Store
	gateway *sshgateway.Gateway
	address string
	key     ssh.PublicKey
	served  chan error
}

func newGate(t *testing.T) *gate {
	t.Helper()
	g := &gate{T: t, store: &sandboxtest.Store{}, served: make(chan error, 1), fake: &fake{
		toolbox: newToolbox(t), all: map[string]sandbox.Sandbox{}, changed: make(chan struct{}), ports: map[string]string{},
	}}
	for id, name := range map[string]string{own: "own", linked: "linked", stranger: "stranger"} {
		s := sandboxtest.Sandbox(id)
		s.Name, s.State, s.Desired = name, sandbox.StateStarted, sandbox.DesiredStarted
		if id == linked {
			s.Linked = own
		}
		g.fake.all[id] = s
		if err := g.store.AddSandbox(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	g.desk = sshaccess.New(g.store, g.fake)
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	if g.key, err = ssh.NewPublicKey(public); err != nil {
		t.Fatal(err)
	}
	if g.gateway, err = sshgateway.New(sshgateway.Config{Manager: g.fake, Desk: g.desk, HostKey: private}); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g.address = l.Addr().String()
	go func() { g.served <- g.gateway.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := g.gateway.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	return g
}

// newToolbox serves what runs processes, and returns its address.
func newToolbox(t *testing.T) string {
	t.Helper()
	home := t.TempDir() // a shell that is reached by SSH reads what it finds at home
	os, err := osguest.New(osguest.Config{Home: home, WorkDir: home, Env: []string{"PATH=/usr/bin:/bin"}})
	if err != nil {
		t.Fatal(err)
	}
	mux, h := http.NewServeMux(), attach.New(os)
	h.Register(mux)
	server := httptest.NewServer(mux)
	t.Cleanup(func() { server.Close(); h.Close(); os.Close() })
	return server.Listener.Addr().String()
}

// token makes one for the sandbox own.
func (g *gate) token(life time.Duration) string {
	g.Helper()
	_, token, err := g.desk.Create(g.Context(), "", own, life)
	if err != nil {
		g.Fatal(err)
	}
	return token
}

// dial connects as a user; the banner is what it was told before it was let in.
func (g *gate) dial(user string, methods ...ssh.AuthMethod) (client *ssh.Client, banner string, err error) {
	client, err = ssh.Dial("tcp", g.address, &ssh.ClientConfig{
		User: user, Auth: methods, Timeout: patience, HostKeyCallback: ssh.FixedHostKey(g.key),
		BannerCallback: func(text string) error { banner += text; return nil },
	})
	return client, banner, err
}

func (g *gate) mustDial(token string) *ssh.Client {
	g.Helper()
	client, banner, err := g.dial(token)
	if err != nil {
		g.Fatalf("%v %s", err, banner)
	}
	g.Cleanup(func() { _ = client.Close() })
	return client
}

// run runs a command and returns all that the session said.
func run(client *ssh.Client, script, input string) (stdout, stderr string, err error) {
	session, err := client.NewSession()
	if err != nil {
		return "", "", err
	}
	defer session.Close()
	var out, errs bytes.Buffer
	session.Stdin, session.Stdout, session.Stderr = strings.NewReader(input), &out, &errs
	err = session.Run(script)
	return out.String(), errs.String(), err
}

func exitOf(err error) int {
	var exit *ssh.ExitError
	if errors.As(err, &exit) {
		return exit.ExitStatus()
	}
	if err != nil {
		return -1
	}
	return 0
}

// errsOf reads from a reader of standard error until its end.
func errsOf(r io.Reader) <-chan string {
	all := make(chan string, 1)
	go func() {
		b, _ := io.ReadAll(r) // to wherever it comes
		all <- string(b)
	}()
	return all
}

func await[T any](t testing.TB, what string, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatalf("%s did not come", what)
	}
	return v
}

func TestATokenIsTheOnlyWayIn(t *testing.T) {
	g := newGate(t)
	good, spent := g.token(time.Hour), g.token(time.Hour)
	if _, err := g.desk.Revoke(t.Context(), "", own, spent); err != nil {
		t.Fatal(err)
	}
	ofAnother, err := func() (string, error) {
		_, token, err := g.desk.Create(t.Context(), "", stranger, time.Hour)
		return token, err
	}()
	if err != nil {
		t.Fatal(err)
	}
	g.fake.change(stranger, nil)
	for _, tt := range []struct {
		name, user string
		methods    []ssh.AuthMethod
	}{
		{name: "forged", user: "ssh_forged"},
		{name: "empty", user: ""},
		{name: "an ID", user: own},
		{name: "cut", user: good[:len(good)-1]},
		{name: "in capitals", user: strings.ToUpper(good)},
		{name: "longer than any", user: good + strings.Repeat("a", 1000)},
		{name: "revoked", user: spent},
		{name: "of a sandbox that is gone", user: ofAnother},
		{name: "as a password", user: "root", methods: []ssh.AuthMethod{ssh.Password(good)}},
	} {
		client, banner, err := g.dial(tt.user, tt.methods...)
		if err == nil {
			_ = client.Close()
			t.Errorf("%s: let in", tt.name)
			continue
		}
		if !strings.Contains(banner, "not known, or no longer valid: make a new one") {
			t.Errorf("%s: told %q", tt.name, banner)
		}
	}
	out, errs, err := run(g.mustDial(good), "cat; echo err >&2; exit 3", "in")
	if out != "in" || errs != "err\n" || exitOf(err) != 3 {
		t.Errorf("with a good token: %q, %q, %v", out, errs, err)
	}
}

func TestGuessingIsSlow(t *testing.T) {
	g := newGate(t)
	var err error
	tries := 0
	for banner := "."; banner != "" && tries < 100; tries++ { // whoever has failed too often hears nothing
		_, banner, err = g.dial("ssh_guessed")
	}
	if err == nil || tries == 100 {
		t.Errorf("after %d guesses: %v", tries, err)
	}
}

// Whoever is connected hears why that ends, also in the middle of a command.
func TestWhatEndsAConnection(t *testing.T) {
	for _, tt := range []struct {
		name, say string
		do        func(g *gate, token string) error
	}{
		{name: "its token is revoked", say: "was revoked", do: func(g *gate, token string) error {
			_, err := g.desk.Revoke(context.Background(), "", own, token)
			return err
		}},
		{name: "all tokens are revoked", say: "was revoked", do: func(g *gate, _ string) error {
			_, err := g.desk.Revoke(context.Background(), "", own, "")
			return err
		}},
		{name: "the sandbox stops", say: "sandbox own was stopped", do: func(g *gate, _ string) error {
			g.fake.change(own, func(s *sandbox.Sandbox) { s.State = sandbox.StateStopping })
			return nil
		}},
		{name: "the sandbox is deleted", say: "sandbox own was deleted", do: func(g *gate, _ string) error {
			g.fake.change(own, nil)
			return nil
		}},
		{name: "the server shuts down", say: "the server is shutting down", do: func(g *gate, _ string) error {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			if err := g.gateway.Shutdown(ctx); err != nil {
				return err
			}
			return await(g, "the end of Serve", g.served)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGate(t)
			token := g.token(time.Hour)
			client := g.mustDial(token)
			said, err := busy(client)
			if err != nil {
				t.Fatal(err)
			}
			if err := tt.do(g, token); err != nil {
				t.Fatal(err)
			}
			if text := await(t, "what the session is told", said); !strings.Contains(text, tt.say) {
				t.Errorf("told %q", text)
			}
			over := make(chan error, 1)
			go func() { over <- client.Wait() }()
			await(t, "the end of the connection", over)
		})
	}
}

// busy starts a command that goes on, and returns what the session will have been
// told at its end.
func busy(client *ssh.Client) (said <-chan string, err error) {
	session, err := client.NewSession()
	if err != nil {
		return nil, err
	}
	stderr, err := session.StderrPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := session.StdoutPipe()
	if err != nil {
		return nil, err
	}
	said = errsOf(stderr)
	if err := session.Start("echo ready; exec sleep 300"); err != nil {
		return nil, err
	}
	if line := make([]byte, 6); !reads(stdout, line, "ready\n") {
		return nil, fmt.Errorf("the command said %q", line)
	}
	return said, nil
}

// A token that expires ends what goes on by it. On a busy machine it may have
// expired before anything does: then another is given more time.
func TestATokenThatExpires(t *testing.T) {
	g := newGate(t)
	for life := time.Second; ; life *= 2 {
		client, _, err := g.dial(g.token(life))
		var said <-chan string
		if err == nil {
			defer client.Close()
			said, err = busy(client)
		}
		if err != nil && life < patience {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if text := await(t, "what the session is told", said); !strings.Contains(text, "expired") {
			t.Errorf("told %q", text)
		}
		_ = client.Wait()
		return
	}
}

func reads(r io.Reader, into []byte, want string) bool {
	_, err := io.ReadFull(r, into)
	return err == nil && string(into) == want
}

func TestWhatIsForwarded(t *testing.T) {
	g := newGate(t)
	inside, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = inside.Close() })
	go func() {
		for {
			conn, err := inside.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, _ = io.Copy(conn, conn) // until its peer has said all
			}()
		}
	}()
	for _, id := range []string{own, linked, stranger} {
		g.fake.ports[id+":3000"] = inside.Addr().String()
	}
	client := g.mustDial(g.token(time.Hour))
	for _, tt := range []struct {
		target string
		say    string // of the refusal; "" for none
	}{
		{"localhost:3000", ""},
		{"127.0.0.1:3000", ""},
		{"[::1]:3000", ""},
		{"linked:3000", ""},
		{"localhost:3001", "nothing listens on port 3001"},
		{"localhost:2280", "there is no such port"},
		{"linked:2280", "there is no such port"},
		{"stranger:3000", "only ports of this sandbox and of those linked to it"},
		{stranger + ":3000", "only ports of this sandbox and of those linked to it"},
		{"169.254.169.254:80", "only ports of this sandbox and of those linked to it"},
		{"example.org:3000", "only ports of this sandbox and of those linked to it"},
	} {
		conn, err := client.Dial("tcp", tt.target)
		if tt.say != "" {
			if err == nil {
				_ = conn.Close()
			}
			if err == nil || !strings.Contains(err.Error(), tt.say) {
				t.Errorf("%s: %v", tt.target, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.target, err)
			continue
		}
		if _, err := io.WriteString(conn, "hello"); err != nil {
			t.Error(err)
		}
		if answer := make([]byte, 5); !reads(conn, answer, "hello") {
			t.Errorf("%s: %q", tt.target, answer)
		}
		_ = conn.Close()
	}
	for name, open := range map[string]func() error{
		"a socket without a path": func() error { _, err := client.Dial("unix", "relative"); return err },
		"a channel of X11":        func() error { _, _, err := client.OpenChannel("x11", nil); return err },
		"a broken payload":        func() error { _, _, err := client.OpenChannel("direct-tcpip", []byte{1}); return err },
		"a socket that listens":   func() error { _, err := client.ListenUnix("/tmp/agent.sock"); return err },
		"a tunnel":                func() error { _, _, err := client.OpenChannel("tun@openssh.com", nil); return err },
	} {
		if open() == nil {
			t.Errorf("%s is opened", name)
		}
	}
	if out, _, err := run(client, "echo still", ""); out != "still\n" {
		t.Errorf("after all that was refused: %q, %v", out, err)
	}
}

// An open line does not keep a sandbox alive; what is said on it does.
func TestOnlyTrafficIsActivity(t *testing.T) {
	g := newGate(t)
	client := g.mustDial(g.token(time.Hour))
	for range 3 {
		if ok, _, err := client.SendRequest("keepalive@openssh.com", true, nil); err != nil || !ok {
			t.Fatalf("a question whether the server is there: %v, %v", ok, err)
		}
	}
	if n := g.fake.touched(); n != 0 {
		t.Errorf("an idle connection was noted as activity %d times", n)
	}
	if _, _, err := run(client, "echo traffic", ""); err != nil {
		t.Fatal(err)
	}
	if g.fake.touched() == 0 {
		t.Error("a command was not noted as activity")
	}
}

func TestAStoppedSandboxSaysSo(t *testing.T) {
	g := newGate(t)
	g.fake.change(own, func(s *sandbox.Sandbox) { s.State, s.Desired = sandbox.StateStopped, sandbox.DesiredStopped })
	_, errs, err := run(g.mustDial(g.token(time.Hour)), "true", "")
	if exitOf(err) != 255 || !strings.Contains(errs, "sandbox own is stopped: start it first") {
		t.Errorf("%q, %v", errs, err)
	}
}

func TestASandboxHasSoManyConnections(t *testing.T) {
	g := newGate(t)
	token := g.token(time.Hour)
	const most = 32
	for range most {
		g.mustDial(token)
	}
	client, banner, err := g.dial(token)
	if err == nil {
		_ = client.Close()
	}
	if err == nil || !strings.Contains(banner, "there are 32 SSH connections to this sandbox already") {
		t.Errorf("%v, told %q", err, banner)
	}
}
