package kernels

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"sandpiper/sandbox"
)

// NewSession is what a session is made from.
type NewSession struct {
	Language string // a Language.ID or one of its aliases
	Name     string // "" for the language's
	Env      map[string]string
	Files    []sandbox.File // in its folder from the start
}

// MaxName bounds the name of a session, in bytes.
const MaxName = 200

// checkName reports, as a *sandbox.Error, why a session cannot have a name.
func checkName(name string) error {
	switch {
	case len(name) > MaxName:
		return sandbox.FieldErrorf("name", "a name may have %d bytes at most", MaxName)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return sandbox.FieldErrorf("name", "a name must be text without control characters")
	}
	return nil
}

func (n NewSession) check() error {
	if err := checkName(n.Name); err != nil {
		return err
	}
	if len(n.Files) > 0 {
		if err := sandbox.ValidateFiles(n.Files); err != nil {
			return err
		}
	}
	return sandbox.ValidateEnv(n.Env)
}

// Create makes a session and opens its kernel.
//
// # Errors
//
//   - KindUnprocessed or KindTooLarge: Field says which part cannot be.
//   - KindBusy: the owner has as many sessions, or has stored as much, as it may, or
//     the server has; the message says what helps.
//   - KindUnavailable: the language is not ready, or the server shuts down.
func (k *Keeper) Create(ctx context.Context, o Owner, n NewSession) (Session, error) {
	if err := n.check(); err != nil {
		return Session{}, err
	}
	l, err := k.language(n.Language)
	if err != nil {
		return Session{}, err
	}
	if n.Name == "" {
		n.Name = l.Name
	}
	if err := k.join(); err != nil {
		return Session{}, err
	}
	defer k.work.Done()
	now := time.Now()
	s := newSession(k, sandbox.KernelSession{
		ID: sandbox.NewID(), Owner: o.key(), Name: n.Name, Language: l.ID, Env: n.Env,
		CreatedAt: now, LastUsedAt: now, SavedCount: -1,
	})
	err = k.add(ctx, o, s, 0, func() error {
		if err := s.writeFiles(n.Files); err != nil {
			return err
		}
		return s.revive(ctx)
	})
	if err != nil {
		return Session{}, err
	}
	return s.info(), nil
}

// add takes a session in that fill makes ready, with about size bytes to store, or
// leaves nothing of it.
func (k *Keeper) add(ctx context.Context, o Owner, s *session, size int64, fill func() error) (err error) {
	if err := k.checkStored(o, size); err != nil {
		return err
	}
	s.turn <- struct{}{} // until it is ready
	if err := k.register(o, s); err != nil {
		return err
	}
	defer s.release()
	defer func() {
		if err != nil {
			err = errors.Join(err, s.erase(context.WithoutCancel(ctx)))
		}
	}()
	if err := os.Mkdir(s.dir(), 0o700); err != nil {
		return fmt.Errorf("make a session's folder: %w", err)
	}
	if err := fill(); err != nil {
		return err
	}
	return s.store(ctx)
}

// register adds a session where its owner may have another one.
func (k *Keeper) register(o Owner, s *session) error {
	most := k.cfg.PerOwner
	if o.Guest {
		most = k.cfg.PerGuest
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	has := 0
	for _, t := range k.sessions {
		if t.owner == s.owner {
			has++
		}
	}
	if has >= most {
		return sandbox.Errorf(sandbox.KindBusy, "you have %d sessions, which is as many as you may; delete one", has)
	}
	k.sessions[s.id] = s
	return nil
}

// spec is what the kernel of a session is made from. What its files take already
// counts against their limit.
func (k *Keeper) spec(s *session) (sandbox.KernelSpec, error) {
	if err := os.MkdirAll(s.dir(), 0o700); err != nil { // somebody has removed it
		return sandbox.KernelSpec{}, fmt.Errorf("make a session's folder: %w", err)
	}
	used, count, err := s.usage()
	if err != nil {
		return sandbox.KernelSpec{}, err
	}
	s.mu.Lock()
	env := s.row.Env
	s.mu.Unlock()
	limits := k.cfg.Limits
	limits.FileBytes, limits.Files = max(k.cfg.FileBytes-used, 1), max(k.cfg.Files-count, 1) // 0 would mean the default
	return sandbox.KernelSpec{Language: s.language, Dir: s.dir(), Env: env, Limits: limits}, nil
}

// Rename gives a session another name.
func (k *Keeper) Rename(ctx context.Context, o Owner, id, name string) (Session, error) {
	s, err := k.find(o, id)
	if err != nil {
		return Session{}, err
	}
	if name == "" {
		return Session{}, sandbox.FieldErrorf("name", "a name may not be empty")
	}
	if err := checkName(name); err != nil {
		return Session{}, err
	}
	s.mu.Lock()
	s.row.Name = name
	s.mu.Unlock()
	if err := s.store(ctx); err != nil {
		return Session{}, err
	}
	return s.info(), nil
}

// locked calls f with a session's turn, and says how long it took. It fails with
// KindConflict while a cell runs.
func (k *Keeper) locked(ctx context.Context, o Owner, id string, f func(s *session) error) (*session, time.Duration, error) {
	s, err := k.find(o, id)
	if err != nil {
		return nil, 0, err
	}
	if err := k.join(); err != nil {
		return nil, 0, err
	}
	defer k.work.Done()
	began := time.Now()
	s.mu.Lock()
	busy := s.busy != nil
	s.mu.Unlock()
	if busy {
		return nil, 0, errRunning
	}
	if err := s.take(ctx); err != nil {
		return nil, 0, err
	}
	defer s.release()
	s.use()
	return s, time.Since(began), f(s)
}

// timed is locked for what has a cost.
func (k *Keeper) timed(ctx context.Context, o Owner, id string, f func(s *session) (int64, error)) (Session, Cost, error) {
	var c Cost
	s, waited, err := k.locked(ctx, o, id, func(s *session) (err error) {
		began := time.Now()
		c.Bytes, err = f(s)
		c.Time = time.Since(began)
		return err
	})
	if err != nil {
		return Session{}, Cost{}, err
	}
	c.Time += waited
	return s.info(), c, nil
}

// Pause saves a session's state and ends its kernel. It fails with KindConflict while
// a cell runs. The cost is that of the saved state; there is none, but its size, when
// the session was paused already.
func (k *Keeper) Pause(ctx context.Context, o Owner, id string) (Session, Cost, error) {
	return k.timed(ctx, o, id, func(s *session) (int64, error) {
		if err := s.pause(ctx); err != nil {
			return 0, err
		}
		return s.info().StoredBytes, nil
	})
}

// Resume brings a paused session back; its next cell would, too. The cost is that of
// the state that was read, or nothing when the session was not paused.
func (k *Keeper) Resume(ctx context.Context, o Owner, id string) (Session, Cost, error) {
	return k.timed(ctx, o, id, func(s *session) (int64, error) {
		s.mu.Lock()
		live := s.kernel != nil && !gone(s.kernel)
		s.mu.Unlock()
		if err := s.revive(ctx); err != nil || live {
			return 0, err
		}
		return s.info().StoredBytes, nil
	})
}

// Restart gives a session a fresh state, and ends the cell that runs. Its files stay.
func (k *Keeper) Restart(ctx context.Context, o Owner, id string) (Session, error) {
	s, err := k.find(o, id)
	if err != nil {
		return Session{}, err
	}
	if err := k.join(); err != nil {
		return Session{}, err
	}
	defer k.work.Done()
	x := s.endCell(sandbox.ErrKilled)
	if err := s.take(ctx); err != nil {
		return Session{}, err
	}
	defer s.release()
	if x != nil {
		<-x.done // which it is a moment after it gave its turn back: until then no other cell may begin
	}
	s.drop()
	if err := k.states.remove(s.id); err != nil {
		return Session{}, err
	}
	s.mu.Lock()
	s.row.LastUsedAt, s.row.Failure = time.Now(), ""
	s.row.ExecutionCount, s.row.SavedCount, s.row.StateBytes = 0, -1, 0
	s.mu.Unlock()
	if err := errors.Join(s.revive(ctx), s.store(context.WithoutCancel(ctx))); err != nil {
		return Session{}, err
	}
	return s.info(), nil
}

// endCell ends the cell that runs, and does not wait for its end. It returns the
// cell; nil for none.
func (s *session) endCell(cause error) *Execution {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy == nil {
		return nil
	}
	s.busy.stop(cause)
	if s.kernel != nil && s.busy.executing() {
		go s.kernel.Close() // no grace: the state is not wanted any more
	}
	return s.busy
}

// executing reports whether a kernel executes the cell.
func (x *Execution) executing() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.kernel != nil
}

// Fork makes a second session with the state and the files that a session has now. A
// paused session stays paused, and so is its fork. It fails with KindConflict while a
// cell runs, and otherwise as Create does. The cost counts the files and the state,
// of which, when the session is live, the fork has a copy of its own.
func (k *Keeper) Fork(ctx context.Context, o Owner, id, name string) (Session, Cost, error) {
	if err := checkName(name); err != nil {
		return Session{}, Cost{}, err
	}
	var fork *session
	_, c, err := k.timed(ctx, o, id, func(s *session) (n int64, err error) {
		fork = s.twin(name)
		err = k.add(ctx, o, fork, s.stored(), func() error {
			n, err = s.copyTo(ctx, fork)
			return err
		})
		return n, err
	})
	if err != nil {
		return Session{}, Cost{}, fullDisk(err, "so the session was not forked; it is as it was")
	}
	return fork.info(), c, nil
}

// twin returns a session like s, without its state.
func (s *session) twin(name string) *session {
	s.mu.Lock()
	row := s.row
	s.mu.Unlock()
	source := row.Name
	row.ID, row.ForkOf = sandbox.NewID(), s.id
	row.CreatedAt = time.Now()
	row.LastUsedAt = row.CreatedAt
	if row.Name = name; name == "" {
		row.Name = forkName(source)
	}
	return newSession(s.keeper, row)
}

// forkName is what the fork of a session is called.
func forkName(name string) string {
	const suffix = " (fork)"
	if strings.HasSuffix(name, suffix) || len(name)+len(suffix) > MaxName {
		return name
	}
	return name + suffix
}

// copyTo gives fork the files and the state of s. Preconditions: the caller has the
// turns of both.
func (s *session) copyTo(ctx context.Context, fork *session) (int64, error) {
	copied, err := copyFolder(ctx, s.dir(), fork.dir(), s.keeper.cfg.FileBytes)
	if err != nil {
		return 0, fmt.Errorf("copy the files of a session: %w", err)
	}
	s.mu.Lock()
	kernel, failure := s.kernel, s.row.Failure
	s.mu.Unlock()
	switch {
	case failure != "":
		return 0, sandbox.Errorf(sandbox.KindConflict, "%s", failure)
	case kernel == nil || gone(kernel):
		return copied + s.info().StoredBytes, s.keeper.states.copy(s.id, fork.id)
	}
	if err := s.keeper.makeRoom(ctx, s); err != nil {
		return 0, err
	}
	spec, err := s.keeper.spec(fork)
	if err != nil {
		return 0, err
	}
	twin, err := kernel.Fork(ctx, spec)
	if err != nil {
		return 0, fmt.Errorf("fork session %s: %w", s.id, err)
	}
	fork.mu.Lock()
	defer fork.mu.Unlock()
	fork.kernel, fork.memory, fork.changed = twin, twin.Memory(), true
	fork.row.SavedCount, fork.row.StateBytes = -1, 0
	return copied + fork.memory, nil
}

// Delete removes a session with its files, and ends the cell that runs.
func (k *Keeper) Delete(ctx context.Context, o Owner, id string) error {
	s, err := k.find(o, id)
	if err != nil {
		return err
	}
	if err := k.join(); err != nil {
		return err
	}
	defer k.work.Done()
	return s.remove(context.WithoutCancel(ctx)) // once begun it is finished
}

// removeTime bounds the wait for a cell that must end first.
const removeTime = 30 * time.Second

// remove ends what the session does and erases it.
func (s *session) remove(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, removeTime)
	defer cancel()
	s.endCell(sandbox.ErrKilled)
	if err := s.take(ctx); err != nil {
		return err
	}
	defer s.release()
	return s.erase(ctx)
}

// erase removes everything of a session. Preconditions: the caller has the turn.
func (s *session) erase(ctx context.Context) error {
	s.mu.Lock()
	s.deleted, s.last = true, nil
	busy := s.busy
	if s.timer != nil {
		s.timer.Stop()
	}
	s.mu.Unlock()
	if busy != nil { // it waits for the turn, and will find nothing
		busy.stop(sandbox.ErrKilled)
	}
	s.drop()
	k := s.keeper
	k.mu.Lock()
	delete(k.sessions, s.id)
	k.mu.Unlock()
	s.storing.Lock()
	defer s.storing.Unlock()
	return errors.Join(
		k.cfg.Store.DeleteKernelSession(ctx, s.id),
		k.states.remove(s.id),
		os.RemoveAll(s.dir()),
	)
}
