package sshgateway

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"sandpiper/sandbox"
	"sandpiper/sandbox/sshaccess"
)

const (
	handshakeTime = 20 * time.Second // from the connection to the answer about the token
	goodbyeTime   = 2 * time.Second  // for sessions to say why they end
	keepAlive     = 30 * time.Second // between two questions whether the peer is there
	keepAliveTime = 60 * time.Second // that it may take to answer
	acceptPause   = 50 * time.Millisecond
)

// Manager is what the gateway needs of the manager of sandboxes.
type Manager interface {
	Sandbox(ctx context.Context, org, idOrName string) (sandbox.Sandbox, error)
	ByID(ctx context.Context, id string) (sandbox.Sandbox, error)
	WaitState(ctx context.Context, id string, states ...sandbox.State) (sandbox.Sandbox, error)
	Dial(ctx context.Context, id string, port int) (net.Conn, error)
	Touch(ctx context.Context, org, idOrName string, source sandbox.ActivitySource) error
	ToolboxToken(s sandbox.Sandbox) string
}

// Desk knows the tokens.
type Desk interface {
	Enter(ctx context.Context, token string) (*sshaccess.Visit, error)
}

// Config says what a Gateway stands on.
type Config struct {
	Manager Manager
	Desk    Desk
	HostKey ed25519.PrivateKey
	Log     *slog.Logger // nil means slog.Default()
}

// Gateway serves SSH. It is safe for concurrent use.
type Gateway struct {
	manager Manager
	desk    Desk
	signer  ssh.Signer
	log     *slog.Logger
	limits  *limits

	ctx context.Context // ends with the gateway; its cause is what sessions are told
	end context.CancelCauseFunc

	mu        sync.Mutex // orders what follows with the end
	listeners map[net.Listener]struct{}
	open      sync.WaitGroup
}

// errShutdown is what sessions are told when the server shuts down.
var errShutdown = sandbox.Errorf(sandbox.KindUnavailable, "the server is shutting down")

// New returns a Gateway, which the caller must Shutdown.
func New(cfg Config) (*Gateway, error) {
	signer, err := ssh.NewSignerFromKey(cfg.HostKey)
	if err != nil {
		return nil, fmt.Errorf("use the SSH host key: %w", err)
	}
	g := &Gateway{
		manager: cfg.Manager, desk: cfg.Desk, signer: signer, log: cmp.Or(cfg.Log, slog.Default()),
		limits: newLimits(), listeners: map[net.Listener]struct{}{},
	}
	g.ctx, g.end = context.WithCancelCause(context.Background())
	return g, nil
}

// Fingerprint returns the host key's, as OpenSSH shows it.
func (g *Gateway) Fingerprint() string { return ssh.FingerprintSHA256(g.signer.PublicKey()) }

// Serve serves the connections of a listener until Shutdown, after which it
// returns nil. It closes the listener.
func (g *Gateway) Serve(l net.Listener) error {
	defer l.Close()
	if !g.listen(l) {
		return nil
	}
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			if !g.begin() {
				_ = conn.Close()
				return nil
			}
			go func() {
				defer g.open.Done()
				g.serve(conn)
			}()
		case g.ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return err
		default: // out of descriptors: it passes
			g.log.Warn("accept an SSH connection", "error", err)
			select {
			case <-time.After(acceptPause):
			case <-g.ctx.Done():
			}
		}
	}
}

// listen notes a listener, unless it is too late.
func (g *Gateway) listen(l net.Listener) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ctx.Err() != nil {
		return false
	}
	g.listeners[l] = struct{}{}
	return true
}

// begin counts a connection, unless it is too late.
func (g *Gateway) begin() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ctx.Err() != nil {
		return false
	}
	g.open.Add(1)
	return true
}

// Shutdown tells all sessions that the server is shutting down, ends all
// connections and waits for that, or until ctx ends.
func (g *Gateway) Shutdown(ctx context.Context) error {
	g.mu.Lock()
	g.end(errShutdown)
	for l := range g.listeners {
		_ = l.Close()
	}
	g.mu.Unlock()
	done := make(chan struct{})
	go func() {
		g.open.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("end the SSH connections: %w", ctx.Err())
	}
}
