package manager

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/scheduler"
)

// bootWait is how long Boot waits for the engines to say what they hold.
const bootWait = 15 * time.Second

// errClosing is why work is cut off when the manager closes.
var errClosing = errors.New("the manager closes")

// Manager is the truth about sandboxes. It is safe for concurrent use; Close
// ends it.
//
// All errors that are for users are a *sandbox.Error. What belongs to another
// organization is not there for a caller: KindNotFound.
type Manager struct {
	cfg    Config
	log    *slog.Logger
	store  sandbox.Store
	placer *scheduler.Placer

	root context.Context // what workers work under
	stop context.CancelCauseFunc
	wg   sync.WaitGroup // workers and loops

	writes [64]sync.Mutex // by sandbox: events come in the order of writes

	linking sync.Mutex // held while an engine links sandboxes

	refill chan struct{} // wakes the loop that fills pools
	booted chan struct{} // closed by Boot

	mu        sync.Mutex
	closed    bool
	live      map[string]*entry  // by ID: all that are not destroyed
	names     map[nameKey]string // to IDs: of all that are not to be destroyed
	subs      map[*subscriber]bool
	views     map[string]view // by runner: what it held when it last answered
	container bool            // the default container snapshot can be used
	sweeping  map[string]bool // by ID: what nobody knows and is being removed
	waits     map[string]wait // by pool: before it is filled again
}

type nameKey struct{ organization, name string }

// New returns a Manager, which knows nothing and does nothing before Boot.
func New(ctx context.Context, cfg Config) (*Manager, error) {
	cfg = cfg.withDefaults()
	if len(cfg.Secret) < 32 {
		return nil, errors.New("the manager's secret must have 32 bytes at least")
	}
	m := &Manager{
		cfg: cfg, log: cfg.Log, store: cfg.Store, placer: cfg.Placer,
		live: make(map[string]*entry), names: make(map[nameKey]string),
		subs: make(map[*subscriber]bool), views: make(map[string]view), sweeping: make(map[string]bool), waits: make(map[string]wait),
		refill: make(chan struct{}, 1), booted: make(chan struct{}),
	}
	m.root, m.stop = context.WithCancelCause(context.WithoutCancel(ctx))
	return m, nil
}

// Boot reads the store, compares it with the engines, and begins to work, also
// on what a crash has left half done. It waits a while for the engines, so that
// nobody sees what is no longer so. Nothing else may be called before it returns
// but Booted and Close; it is called once.
func (m *Manager) Boot(ctx context.Context) error {
	if err := m.takeStock(ctx); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return errClosing
	}
	m.wg.Go(m.keepTime)
	m.wg.Go(m.keepLooking)
	m.wg.Go(m.keepPools)
	close(m.booted)
	return nil
}

// Booted is closed when Boot has done its work.
func (m *Manager) Booted() <-chan struct{} { return m.booted }

// takeStock reads the store and compares it with the engines.
func (m *Manager) takeStock(ctx context.Context) error {
	all, err := m.store.LiveSandboxes(ctx)
	if err != nil {
		return fmt.Errorf("read the sandboxes: %w", err)
	}
	for _, s := range all {
		m.note(sandbox.Sandbox{}, s)
	}
	look, cancel := context.WithTimeout(ctx, bootWait)
	defer cancel()
	m.placer.Refresh(look)
	if err := m.ensureBuiltins(ctx); err != nil {
		return fmt.Errorf("store the built-in snapshots: %w", err)
	}
	if err := m.dropHalfSnapshots(ctx); err != nil {
		return fmt.Errorf("read the snapshots: %w", err)
	}
	for _, right := range m.reconcile(look) {
		select {
		case <-right:
		case <-look.Done():
		}
	}
	return nil
}

// Close cuts off what workers are at and waits for them. Sandboxes go on
// running; what was half done is finished after the next start.
func (m *Manager) Close() error {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	m.stop(errClosing)
	m.wg.Wait()
	err := m.flushActivity(context.Background(), true)
	m.mu.Lock()
	defer m.mu.Unlock()
	for s := range m.subs {
		m.dropLocked(s)
	}
	return err
}

// keepTime fires the timers and writes activity down.
func (m *Manager) keepTime() {
	tick := time.NewTicker(m.cfg.Tick)
	defer tick.Stop()
	for {
		select {
		case <-m.root.Done():
			return
		case <-tick.C:
			m.act(m.root, plan(time.Now(), m.wanted(), nil))
			if err := m.flushActivity(m.root, false); err != nil && m.root.Err() == nil {
				m.log.WarnContext(m.root, "write activity down", "err", err)
			}
		}
	}
}

// keepLooking compares records with engines, and forgets old records.
func (m *Manager) keepLooking() {
	tick := time.NewTicker(m.cfg.Reconcile)
	defer tick.Stop()
	for {
		select {
		case <-m.root.Done():
			return
		case <-tick.C:
			m.placer.Refresh(m.root)
			m.reconcile(m.root)
			m.noteWork(m.root)
			m.checkBuiltins(m.root)
			if _, err := m.store.PruneSandboxes(m.root, time.Now().Add(-m.cfg.Remember)); err != nil && m.root.Err() == nil {
				m.log.WarnContext(m.root, "forget destroyed sandboxes", "err", err)
			}
		}
	}
}
