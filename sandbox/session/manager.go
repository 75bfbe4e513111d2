package session

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"unicode"

	"sandpiper/sandbox/guest"
)

const (
	// logLimit and terminalLimit are what one log may cost in memory, in bytes,
	// and storeLimit what all may together.
	logLimit      = 8 << 20
	terminalLimit = 1 << 20
	storeLimit    = 48 << 20

	maxSessions  = 256
	maxTerminals = 128
)

// EntrypointID is the name under which the main process appears among sessions.
const EntrypointID = "entrypoint"

// Manager holds a sandbox's sessions and terminals. It is safe for concurrent
// use.
type Manager struct {
	guest guest.Guest
	store *store
	work  sync.WaitGroup // what serves terminals and the main process

	mu         sync.Mutex
	sessions   map[string]*Session
	terminals  map[string]*PTY
	order      []string // of the terminals, the oldest first
	entrypoint *Command
	closed     bool
	cancel     context.CancelFunc // ends the main process; nil without one
}

// New returns a manager of sessions in a guest. The caller must Close it.
func New(g guest.Guest) *Manager {
	return &Manager{guest: g, store: newStore(storeLimit), sessions: map[string]*Session{}, terminals: map[string]*PTY{}}
}

// Close kills everything and waits until it has ended.
func (m *Manager) Close() {
	m.mu.Lock()
	m.closed = true
	sessions, terminals, cancel := m.sessions, m.terminals, m.cancel
	m.sessions, m.terminals = map[string]*Session{}, map[string]*PTY{}
	m.mu.Unlock()
	if cancel != nil {
		cancel()
	}
	for _, s := range sessions {
		s.close()
	}
	for _, p := range terminals {
		p.kill()
	}
	m.work.Wait()
}

// Create opens a session. The error is ErrBadID, ErrExists, ErrTooMany or the
// guest's.
func (m *Manager) Create(ctx context.Context, id string) (*Session, error) {
	if err := m.mayCreate(id); err != nil {
		return nil, err
	}
	info := m.guest.Info()
	shell, err := m.guest.OpenShell(ctx, guest.ShellConfig{Dir: info.WorkDir, Env: info.Env})
	if err != nil {
		return nil, err
	}
	s := newSession(id, m.store, shell)
	m.mu.Lock()
	err = m.mayCreateLocked(id)
	if err == nil {
		m.sessions[id] = s
	}
	m.mu.Unlock()
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (m *Manager) mayCreate(id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mayCreateLocked(id)
}

// Precondition: m.mu is held.
func (m *Manager) mayCreateLocked(id string) error {
	_, exists := m.sessions[id]
	switch {
	case m.closed:
		return ErrClosed
	case exists || id == EntrypointID:
		return fmt.Errorf("session %s %w", id, ErrExists)
	case len(m.sessions) >= maxSessions:
		return fmt.Errorf("%w sessions: %d", ErrTooMany, maxSessions)
	}
	return checkID(id)
}

// Session returns a session by its ID, or ErrNotFound.
func (m *Manager) Session(id string) (*Session, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s, ok := m.sessions[id]; ok {
		return s, nil
	}
	return nil, fmt.Errorf("session %s: %w", id, ErrNotFound)
}

// Sessions returns all sessions, sorted by ID.
func (m *Manager) Sessions() []*Session {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.SortedFunc(maps.Values(m.sessions), func(a, b *Session) int { return cmp.Compare(a.ID, b.ID) })
}

// Delete kills a session with all that it runs, and forgets it.
func (m *Manager) Delete(id string) error {
	m.mu.Lock()
	s, ok := m.sessions[id]
	delete(m.sessions, id)
	m.mu.Unlock()
	if !ok {
		return fmt.Errorf("session %s: %w", id, ErrNotFound)
	}
	s.close()
	return nil
}

// CreatePTY makes a terminal and, unless it is lazy, starts its shell. The error
// is ErrBadID, ErrExists, ErrTooMany or the guest's.
func (m *Manager) CreatePTY(cfg PTYConfig) (*PTY, error) {
	p, err := m.addPTY(cfg)
	if err != nil || cfg.Lazy {
		return p, err
	}
	if err := p.Start(); err != nil {
		_ = m.DeletePTY(cfg.ID) // it may be gone already
		return nil, err
	}
	return p, nil
}

func (m *Manager) addPTY(cfg PTYConfig) (*PTY, error) {
	if err := checkID(cfg.ID); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch _, exists := m.terminals[cfg.ID]; {
	case m.closed:
		return nil, ErrClosed
	case exists:
		return nil, fmt.Errorf("terminal %s %w", cfg.ID, ErrExists)
	case len(m.terminals) >= maxTerminals && !m.forgetEnded():
		return nil, fmt.Errorf("%w terminals: %d", ErrTooMany, maxTerminals)
	}
	p := newPTY(m, cfg)
	m.terminals[cfg.ID] = p
	m.order = append(m.order, cfg.ID)
	return p, nil
}

// forgetEnded forgets the oldest terminal whose shell has ended, and reports
// whether there was one. Precondition: m.mu is held.
func (m *Manager) forgetEnded() bool {
	for _, id := range m.order {
		if p := m.terminals[id]; p.ended() {
			m.removePTY(p)
			return true
		}
	}
	return false
}

// Precondition: m.mu is held.
func (m *Manager) removePTY(p *PTY) {
	delete(m.terminals, p.ID)
	m.order = slices.DeleteFunc(m.order, func(id string) bool { return id == p.ID })
	m.store.remove(p.log)
}

// PTY returns a terminal by its ID, or ErrNotFound.
func (m *Manager) PTY(id string) (*PTY, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p, ok := m.terminals[id]; ok {
		return p, nil
	}
	return nil, fmt.Errorf("terminal %s: %w", id, ErrNotFound)
}

// PTYs returns all terminals, the oldest first.
func (m *Manager) PTYs() []*PTY {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make([]*PTY, len(m.order))
	for i, id := range m.order {
		all[i] = m.terminals[id]
	}
	return all
}

// DeletePTY kills a terminal's shell and forgets the terminal.
func (m *Manager) DeletePTY(id string) error {
	p, err := m.PTY(id)
	if err != nil {
		return err
	}
	p.kill()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.terminals[id] == p {
		m.removePTY(p)
	}
	return nil
}

// checkID keeps identifiers usable in paths and logs.
func checkID(id string) error {
	bad := func(r rune) bool { return r == '/' || !unicode.IsPrint(r) }
	if id == "" || len(id) > 256 || strings.ContainsFunc(id, bad) {
		return ErrBadID
	}
	return nil
}

// WithEnv adds variables to an environment.
func WithEnv(env []string, more map[string]string) []string {
	env = slices.Clip(env)
	for _, key := range slices.Sorted(maps.Keys(more)) {
		env = append(env, key+"="+more[key])
	}
	return env
}
