package manager

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"strings"

	"sandpiper/sandbox"
)

// derive returns 128 bits that only the secret's holder can know, different for
// each purpose and each list of parts.
func (m *Manager) derive(purpose string, parts ...string) string {
	mac := hmac.New(sha256.New, m.cfg.Secret)
	fmt.Fprintf(mac, "%s\x00%s", purpose, strings.Join(parts, "\x00"))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// ToolboxToken returns what a sandbox's toolbox asks of its callers in
// sandbox.TokenHeader. It is the same for all of the sandbox's life.
func (m *Manager) ToolboxToken(s sandbox.Sandbox) string { return m.derive("toolbox", s.ID) }

// PreviewToken returns the token of a sandbox's previews. It changes with every
// start, and when the sandbox's keys are rotated.
func (m *Manager) PreviewToken(s sandbox.Sandbox) string {
	return m.derive("preview", s.ID, fmt.Sprint(s.Incarnation), fmt.Sprint(s.KeyVersion))
}

// SigningKey returns the key that signs a sandbox's links.
func (m *Manager) SigningKey(s sandbox.Sandbox) string {
	return m.derive("signing", s.ID, fmt.Sprint(s.KeyVersion))
}

// PreviewKey returns the key that signs addresses of a sandbox's previews, which
// survive restarts.
func (m *Manager) PreviewKey(s sandbox.Sandbox) string {
	return m.derive("preview-link", s.ID, fmt.Sprint(s.KeyVersion))
}

// RotateSigningKey makes a sandbox's signing key, preview token and signed
// previews invalid.
func (m *Manager) RotateSigningKey(ctx context.Context, org, idOrName string) (sandbox.Sandbox, error) {
	return m.change(ctx, org, idOrName, func(s *sandbox.Sandbox) error {
		s.KeyVersion++
		return nil
	})
}

// spec returns what an engine needs to know of a sandbox.
func (m *Manager) spec(s sandbox.Sandbox) sandbox.Spec {
	spec := s.Spec()
	spec.Token = m.ToolboxToken(s)
	return spec
}

// Dial connects to a TCP port of a started sandbox. A sandbox in another state
// is a *sandbox.Error of KindConflict that names it; a port on which nothing
// listens is KindNotFound.
func (m *Manager) Dial(ctx context.Context, id string, port int) (net.Conn, error) {
	s, err := m.byID(id)
	if err != nil {
		return nil, err
	}
	switch s.State {
	case sandbox.StateStarted, sandbox.StateResizing, sandbox.StateForking, sandbox.StateSnapping:
	default:
		return nil, sandbox.Errorf(sandbox.KindConflict, "sandbox %s is %s; start it to reach it", s.Name, s.State)
	}
	engine, ok := m.placer.Engine(s.Runner)
	if !ok {
		return nil, sandbox.Errorf(sandbox.KindUnavailable, "the runner of sandbox %s is not part of this server now", s.Name)
	}
	return engine.Dial(ctx, id, port)
}
