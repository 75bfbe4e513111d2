package kernels

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/scheduler"
)

// Defaults of Config.
const (
	DefaultIdlePause      = 10 * time.Minute
	DefaultSettle         = 2 * time.Second
	DefaultRetention      = 30 * 24 * time.Hour
	DefaultGuestRetention = 24 * time.Hour
	DefaultPerOwner       = 2000
	DefaultPerGuest       = 10
	DefaultLive           = 1500
	DefaultMemoryBytes    = 1 << 30
	DefaultStateBytes     = 512 << 20
	DefaultFileBytes      = 32 << 20
	DefaultFiles          = 1000
	DefaultStoredBytes    = 4 << 30
	DefaultGuestBytes     = 256 << 20
)

// Config is what a Keeper needs. Zero numbers mean the defaults.
type Config struct {
	Engine sandbox.KernelEngine
	Store  sandbox.KernelSessionStore
	Dir    string // of files and states, an absolute path; of this keeper alone

	IdlePause      time.Duration // how long a session may be idle before it is paused
	Settle         time.Duration // how long it is idle before its state is saved
	Retention      time.Duration // how long a session is kept that nobody uses
	GuestRetention time.Duration // the same for owners who are not known

	PerOwner    int   // sessions of one owner
	PerGuest    int   // of one who is not known
	Running     int   // cells at once; default 4 per core
	Live        int   // kernels at once
	MemoryBytes int64 // of all live kernels together, beyond which idle ones are paused
	StateBytes  int64 // of one saved state
	FileBytes   int64 // of one session's files
	Files       int   // of one session, folders included
	StoredBytes int64 // files and states of one owner, beyond which nothing new is stored
	GuestBytes  int64 // the same for one who is not known

	Limits sandbox.Limits // of each kernel and cell, where they ask for nothing else
	Log    *slog.Logger   // nil means slog.Default()
}

func (c Config) withDefaults() Config {
	c.IdlePause = cmp.Or(c.IdlePause, DefaultIdlePause)
	c.Settle = cmp.Or(c.Settle, DefaultSettle)
	c.Retention = cmp.Or(c.Retention, DefaultRetention)
	c.GuestRetention = cmp.Or(c.GuestRetention, DefaultGuestRetention)
	c.PerOwner = cmp.Or(c.PerOwner, DefaultPerOwner)
	c.PerGuest = cmp.Or(c.PerGuest, DefaultPerGuest)
	c.Running = cmp.Or(c.Running, 4*runtime.GOMAXPROCS(0))
	c.Live = cmp.Or(c.Live, DefaultLive)
	c.MemoryBytes = cmp.Or(c.MemoryBytes, DefaultMemoryBytes)
	c.StateBytes = cmp.Or(c.StateBytes, DefaultStateBytes)
	c.FileBytes = cmp.Or(c.FileBytes, DefaultFileBytes)
	c.Files = cmp.Or(c.Files, DefaultFiles)
	c.StoredBytes = cmp.Or(c.StoredBytes, DefaultStoredBytes)
	c.GuestBytes = cmp.Or(c.GuestBytes, DefaultGuestBytes)
	c.Log = cmp.Or(c.Log, slog.Default())
	return c
}

// Owner is who a session belongs to.
type Owner struct {
	ID string

	// Guest says that nobody knows who this is: an address, behind which there may
	// be many people. Guests share tighter bounds and get no lists.
	Guest bool

	// Client is who of those that the owner is asks now. Cells that wait for a place
	// stand in its line.
	Client string
}

// OwnerOf returns the owner that a caller is. Those who signed in share their
// sessions, as they share the server's sandboxes: a browser and an API key of one
// person are two callers. Others are guests at their address.
func OwnerOf(caller string, signedIn bool) Owner {
	if signedIn {
		return Owner{ID: "signed-in", Client: caller}
	}
	return Owner{ID: caller, Guest: true, Client: caller}
}

// guestPrefix marks the sessions of guests in the store.
const guestPrefix = "guest:"

// key is how an owner is stored.
func (o Owner) key() string {
	if o.Guest {
		return guestPrefix + o.ID
	}
	return o.ID
}

// Keeper keeps sessions. It is safe for concurrent use.
type Keeper struct {
	cfg    Config
	log    *slog.Logger
	states states
	places *scheduler.Places // one for each cell that may run
	ctx    context.Context   // of all work; ends with Close
	end    context.CancelCauseFunc
	work   sync.WaitGroup // cells, and what goes on in the background

	mu       sync.Mutex
	closing  bool
	sessions map[string]*session
}

// New returns a Keeper of the sessions in the store, all of them paused. It removes
// what is in the folder of none of them. It must be closed before its engine.
func New(ctx context.Context, cfg Config) (*Keeper, error) {
	cfg = cfg.withDefaults()
	if !filepath.IsAbs(cfg.Dir) {
		return nil, fmt.Errorf("the folder of sessions %q is not an absolute path", cfg.Dir)
	}
	k := &Keeper{cfg: cfg, log: cfg.Log, states: states{filepath.Join(cfg.Dir, "states"), cfg.StateBytes, (*os.File).Sync}}
	for _, dir := range []string{k.filesDir(), k.states.dir} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("make the folder of sessions: %w", err)
		}
	}
	k.places = scheduler.NewPlaces(cfg.Running)
	k.sessions = map[string]*session{}
	rows, err := cfg.Store.KernelSessions(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the sessions: %w", err)
	}
	k.ctx, k.end = context.WithCancelCause(context.Background())
	for _, row := range rows {
		k.sessions[row.ID] = newSession(k, row)
	}
	k.sweep()
	k.work.Go(k.retire)
	return k, nil
}

// filesDir is the folder that has those of all sessions.
func (k *Keeper) filesDir() string { return filepath.Join(k.cfg.Dir, "files") }

// sweep removes folders and states that belong to no session: of one that was made
// or removed when the server was killed.
func (k *Keeper) sweep() {
	for _, dir := range []string{k.filesDir(), k.states.dir} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			k.log.Error("the folder of sessions cannot be read", "error", err)
		}
		for _, e := range entries {
			if k.sessions[e.Name()] == nil {
				if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
					k.log.Error("what a session left cannot be removed", "error", err)
				}
			}
		}
	}
}

// closeTime bounds the saving of states at the end.
const closeTime = 10 * time.Second

// Close stops the cells that run, saves the states of all live sessions and ends
// their kernels. What could not be saved within ten seconds keeps its older state.
func (k *Keeper) Close() error {
	k.mu.Lock()
	if k.closing {
		k.mu.Unlock()
		return nil
	}
	k.closing = true
	all := make([]*session, 0, len(k.sessions))
	for _, s := range k.sessions {
		all = append(all, s)
	}
	k.mu.Unlock()
	k.end(sandbox.ErrShutdown)
	k.work.Wait()

	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	slices.SortFunc(all, func(a, b *session) int { return b.lastUsed().Compare(a.lastUsed()) }) // who was here last minds most
	errs := make([]error, len(all))
	var wait sync.WaitGroup
	savers := make(chan struct{}, 2*runtime.GOMAXPROCS(0))
	for i, s := range all {
		savers <- struct{}{}
		wait.Go(func() {
			errs[i] = s.shut(ctx)
			<-savers
		})
	}
	wait.Wait()
	return errors.Join(errs...)
}

// errClosing is for work that comes while the keeper closes.
var errClosing = &sandbox.Error{Kind: sandbox.KindUnavailable, RetryAfter: 5 * time.Second, Message: "the server is restarting; try again in a moment"}

// Languages returns the languages that have sessions, with the state of each now.
func (k *Keeper) Languages() []sandbox.Language { return k.cfg.Engine.KernelLanguages() }

// language returns the language that name means.
func (k *Keeper) language(name string) (sandbox.Language, error) {
	all := k.Languages()
	for _, l := range all {
		if l.Is(name) {
			return l, nil
		}
	}
	switch {
	case len(all) == 0:
		return sandbox.Language{}, sandbox.FieldErrorf("language", "no language has sessions here")
	case name == "":
		return sandbox.Language{}, sandbox.FieldErrorf("language", "say which language the session is in")
	}
	return sandbox.Language{}, sandbox.FieldErrorf("language", "language %.60q has no sessions here", name)
}

// find returns a session of an owner.
func (k *Keeper) find(o Owner, id string) (*session, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if s := k.sessions[id]; s != nil && s.owner == o.key() {
		return s, nil
	}
	return nil, errNoSession
}

var errNoSession = sandbox.Errorf(sandbox.KindNotFound, "there is no such session, or it was deleted because nobody used it")

// List returns an owner's sessions, the one that was used last first. A guest has
// none to list: others may come from the same address.
func (k *Keeper) List(o Owner) []Session {
	if o.Guest {
		return nil
	}
	var list []Session
	for _, s := range k.ownedBy(o.key()) {
		list = append(list, s.info())
	}
	slices.SortFunc(list, func(a, b Session) int {
		return cmp.Or(b.LastUsedAt.Compare(a.LastUsedAt), cmp.Compare(a.ID, b.ID))
	})
	return list
}

func (k *Keeper) ownedBy(owner string) []*session {
	k.mu.Lock()
	defer k.mu.Unlock()
	var all []*session
	for _, s := range k.sessions {
		if s.owner == owner {
			all = append(all, s)
		}
	}
	return all
}

// Get returns a session.
func (k *Keeper) Get(o Owner, id string) (Session, error) {
	s, err := k.find(o, id)
	if err != nil {
		return Session{}, err
	}
	return s.info(), nil
}
