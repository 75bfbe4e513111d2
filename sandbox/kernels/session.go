package kernels

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"sandpiper/sandbox"
)

// State is what a session is doing.
type State string

// The states of a session, as on the wire.
const (
	StateStarting State = "starting" // its kernel is being opened or brought back
	StateIdle     State = "idle"     // its kernel waits for a cell
	StateBusy     State = "busy"     // a cell runs
	StatePaused   State = "paused"   // only its saved state is there; the next cell brings it back
	StateFailed   State = "failed"   // it cannot go on without a restart; Message says why
)

// Session is a session as it is at one moment.
type Session struct {
	ID             string
	Name           string
	Language       string // a Language.ID
	State          State
	Message        string // for people, with StateFailed
	CreatedAt      time.Time
	LastUsedAt     time.Time
	ExecutionCount int
	MemoryBytes    int64  // that its kernel has for itself, 0 while it is paused
	StoredBytes    int64  // of its saved state, 0 when there is none
	ForkOf         string // the ID of the session that it was forked from, or ""
}

// Cost is what pausing, resuming or forking a session took.
type Cost struct {
	Time  time.Duration
	Bytes int64 // written, read or copied
}

// session is a session in its keeper.
type session struct {
	keeper   *Keeper
	id       string
	owner    string
	language string

	turn    chan struct{} // full while somebody uses the kernel, or changes which one it is
	storing sync.Mutex    // held while the row is written

	mu       sync.Mutex
	row      sandbox.KernelSession
	kernel   sandbox.Kernel // nil while the session is paused; changed by who has the turn
	changed  bool           // the saved state is not what the kernel has
	starting bool
	notice   string     // for the next answer
	memory   int64      // of the kernel, as last looked at
	files    int64      // bytes in the folder, as last measured; -1 when never
	busy     *Execution // that has been accepted and has not ended
	last     *Execution
	saving   context.CancelFunc // ends the saving in the background, if there is one
	timer    *time.Timer        // of the next step of an idle session
	deleted  bool
}

// newSession returns a session that is paused.
func newSession(k *Keeper, row sandbox.KernelSession) *session {
	return &session{keeper: k, id: row.ID, owner: row.Owner, language: row.Language, row: row, files: -1, turn: make(chan struct{}, 1)}
}

// dir is the session's folder.
func (s *session) dir() string { return filepath.Join(s.keeper.filesDir(), s.id) }

// info returns the session as it is now.
func (s *session) info() Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := Session{
		ID: s.row.ID, Name: s.row.Name, Language: s.row.Language, State: s.state(), Message: s.row.Failure,
		CreatedAt: s.row.CreatedAt, LastUsedAt: s.row.LastUsedAt, ExecutionCount: s.row.ExecutionCount,
		StoredBytes: s.row.StateBytes, ForkOf: s.row.ForkOf,
	}
	if s.kernel != nil {
		i.MemoryBytes = s.memory
	}
	return i
}

// state returns the state. Preconditions: s.mu must be held.
func (s *session) state() State {
	switch {
	case s.row.Failure != "":
		return StateFailed
	case s.starting:
		return StateStarting
	case s.busy != nil:
		return StateBusy
	case s.kernel != nil:
		return StateIdle
	}
	return StatePaused
}

func (s *session) lastUsed() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.row.LastUsedAt
}

// take waits for the turn, which must be given back with release.
func (s *session) take(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if s.isDeleted() {
		<-s.turn
		return errNoSession
	}
	return nil
}

// takeIdle is take that does not wait; it fails while anybody uses the session.
func (s *session) takeIdle() bool {
	select {
	case s.turn <- struct{}{}:
	default:
		return false
	}
	s.mu.Lock()
	free := s.busy == nil && !s.deleted
	s.mu.Unlock()
	if !free {
		<-s.turn
	}
	return free
}

// release gives the turn back, and begins the wait after which the state is saved.
func (s *session) release() {
	s.mu.Lock()
	if s.kernel != nil && !s.deleted {
		s.after(s.keeper.cfg.Settle, s.settle)
	}
	s.mu.Unlock()
	<-s.turn
}

// after plans the session's next step. Preconditions: s.mu must be held.
func (s *session) after(d time.Duration, step func()) {
	if s.timer != nil {
		s.timer.Stop()
	}
	s.timer = time.AfterFunc(d, func() {
		if s.keeper.join() == nil {
			defer s.keeper.work.Done()
			step()
		}
	})
}

func (s *session) isDeleted() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.deleted
}

// use notes that somebody used the session.
func (s *session) use() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.row.LastUsedAt = time.Now()
}

// store writes the session's row.
func (s *session) store(ctx context.Context) error {
	s.storing.Lock()
	defer s.storing.Unlock()
	s.mu.Lock()
	row, deleted := s.row, s.deleted
	s.mu.Unlock()
	if deleted {
		return nil
	}
	return s.keeper.cfg.Store.PutKernelSession(ctx, row)
}

// storeLater is store for changes that are not worth an error.
func (s *session) storeLater() {
	if err := s.store(context.Background()); err != nil {
		s.keeper.log.Error("a session was not stored", "session", s.id, "error", err)
	}
}

// gone reports whether a kernel has ended by itself, where it can tell.
func gone(k sandbox.Kernel) bool {
	g, ok := k.(interface{ Gone() bool })
	return ok && g.Gone()
}

// drop ends the kernel. Preconditions: the caller has the turn.
func (s *session) drop() {
	s.mu.Lock()
	kernel := s.kernel
	s.kernel, s.changed, s.memory = nil, false, 0
	s.mu.Unlock()
	if kernel == nil {
		return
	}
	if err := kernel.Close(); err != nil {
		s.keeper.log.Warn("a kernel did not close well", "session", s.id, "error", err)
	}
}

// revive makes sure that there is a kernel. Where it has not all that the session
// did, the next answer has a notice that says so. Preconditions: the caller has the
// turn.
func (s *session) revive(ctx context.Context) error {
	s.mu.Lock()
	kernel, failure := s.kernel, s.row.Failure
	s.mu.Unlock()
	if failure != "" {
		return sandbox.Errorf(sandbox.KindConflict, "%s", failure)
	}
	if kernel != nil {
		if !gone(kernel) {
			return nil
		}
		s.drop()
	}
	if err := s.keeper.makeRoom(ctx, s); err != nil {
		return err
	}
	s.setStarting(true)
	defer s.setStarting(false)
	kernel, err := s.open(ctx)
	if err != nil {
		return s.fail(ctx, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kernel, s.memory = kernel, kernel.Memory()
	s.notice = lost(s.row)
	s.changed = s.notice != ""
	return nil
}

func (s *session) setStarting(v bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.starting = v
}

// open starts a kernel with the saved state, or a fresh one where none was saved.
func (s *session) open(ctx context.Context) (sandbox.Kernel, error) {
	spec, err := s.keeper.spec(s)
	if err != nil {
		return nil, err
	}
	state, err := s.keeper.states.open(s.id)
	if err != nil {
		return nil, err
	}
	if state == nil {
		s.mu.Lock()
		saved := s.row.SavedCount >= 0
		s.mu.Unlock()
		if saved {
			return nil, errMissing
		}
		return s.keeper.cfg.Engine.OpenKernel(ctx, spec)
	}
	defer state.Close()
	return s.keeper.cfg.Engine.ResumeKernel(ctx, spec, state)
}

// fail returns err, and notes that the session cannot go on where that is what it
// means.
func (s *session) fail(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var e *sandbox.Error
	if !errors.As(err, &e) {
		return fmt.Errorf("bring session %s back: %w", s.id, err)
	}
	if errors.Is(err, sandbox.ErrStateStale) || e.Kind == sandbox.KindUnprocessed {
		s.mu.Lock()
		s.row.Failure = e.Message
		s.mu.Unlock()
		s.storeLater()
	}
	return err
}

// lost says what a session that was brought back from its saved state does not have.
func lost(row sandbox.KernelSession) string {
	saved := max(row.SavedCount, 0)
	if row.ExecutionCount <= saved {
		return ""
	}
	what := fmt.Sprintf("cells %d to %d", saved+1, row.ExecutionCount)
	if saved+1 == row.ExecutionCount {
		what = fmt.Sprintf("cell %d", row.ExecutionCount)
	}
	from := fmt.Sprintf("goes on from the state after cell %d", saved)
	if row.SavedCount < 0 {
		from = "started afresh"
	}
	return fmt.Sprintf("The interpreter had ended. The session %s; what %s changed in its memory is lost, files are not.", from, what)
}

// save writes the kernel's state. Preconditions: the caller has the turn, and there
// is a kernel.
func (s *session) save(ctx context.Context) error {
	s.mu.Lock()
	kernel, count := s.kernel, s.row.ExecutionCount
	s.mu.Unlock()
	size, err := s.keeper.states.write(ctx, s.id, kernel.Save)
	if err != nil {
		if errors.Is(err, sandbox.ErrKernelGone) {
			s.drop()
		}
		return err
	}
	s.mu.Lock()
	s.row.StateBytes, s.row.SavedCount, s.changed = size, count, false
	s.mu.Unlock()
	return s.store(context.WithoutCancel(ctx))
}

// pause saves the state where that is not done yet and ends the kernel.
// Preconditions: the caller has the turn.
func (s *session) pause(ctx context.Context) error {
	s.mu.Lock()
	live, save := s.kernel != nil, s.changed || s.row.SavedCount < 0
	s.mu.Unlock()
	if live && save {
		if err := s.save(ctx); err != nil {
			return err
		}
	}
	s.drop()
	return nil
}

// shut is pause at the end of the keeper.
func (s *session) shut(ctx context.Context) error {
	s.mu.Lock()
	if s.timer != nil {
		s.timer.Stop()
	}
	changed := s.changed
	s.mu.Unlock()
	if err := s.take(ctx); err != nil {
		return nil // it was deleted
	}
	defer func() { <-s.turn }()
	defer s.drop()
	if !changed {
		return nil
	}
	if err := s.pause(ctx); err != nil {
		return fmt.Errorf("save session %s: %w", s.id, err)
	}
	return nil
}
