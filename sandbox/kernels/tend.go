package kernels

import (
	"context"
	"errors"
	"time"

	"sandpiper/sandbox"
)

// saveTime bounds the saving of a state in the background.
const saveTime = time.Minute

// saveAgain is when a state that could not be saved is tried again.
const saveAgain = time.Minute

// join adds one to the work that Close waits for, or says that it is too late.
func (k *Keeper) join() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closing {
		return errClosing
	}
	k.work.Add(1)
	return nil
}

// settle saves the state of a session that has been idle for a moment. The next
// cell does not wait for that: it is given up.
func (s *session) settle() {
	if !s.takeIdle() {
		return // whoever uses the session comes back here
	}
	defer func() { <-s.turn }()
	ctx, cancel := context.WithTimeout(s.keeper.ctx, saveTime)
	defer cancel()
	s.mu.Lock()
	due := s.kernel != nil && s.changed
	s.saving = cancel
	overtaken := s.busy != nil
	s.mu.Unlock()
	var err error
	if due && !overtaken {
		err = s.save(ctx)
		s.measure()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.saving = nil
	switch {
	case s.kernel == nil || s.busy != nil:
	case err == nil:
		s.after(s.keeper.cfg.IdlePause-s.keeper.cfg.Settle, s.retreat)
	case !errors.Is(ctx.Err(), context.Canceled): // it was not given up
		s.keeper.log.Error("the state of a session was not saved", "session", s.id, "error", err)
		s.after(saveAgain, s.settle)
	}
}

// retreat pauses a session that nobody has used for long.
func (s *session) retreat() {
	if !s.takeIdle() {
		return
	}
	defer func() { <-s.turn }()
	err := s.pause(s.keeper.ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keeper.ctx.Err() != nil {
		return
	}
	if err != nil {
		s.keeper.log.Error("an idle session was not paused", "session", s.id, "error", err)
		s.after(saveAgain, s.retreat)
		return
	}
	s.last = nil // nobody has come for it
}

// makeRoom pauses idle sessions until another kernel, that of s, may be opened.
func (k *Keeper) makeRoom(ctx context.Context, s *session) error {
	for {
		live, memory, idle := k.load(s)
		if live < k.cfg.Live && memory < k.cfg.MemoryBytes {
			return nil
		}
		if idle == nil {
			return errFull
		}
		if err := k.pauseIdle(ctx, idle); err != nil {
			k.log.Error("a session was not paused to make room", "session", idle.id, "error", err)
			return errFull
		}
	}
}

var errFull = &sandbox.Error{Kind: sandbox.KindBusy, RetryAfter: 5 * time.Second, Message: "all places for live sessions are taken by sessions that are busy; try again in a moment"}

// pauseIdle pauses a session unless somebody began to use it.
func (k *Keeper) pauseIdle(ctx context.Context, s *session) error {
	if !s.takeIdle() {
		return context.Cause(ctx)
	}
	defer func() { <-s.turn }()
	err := s.pause(ctx)
	if err != nil {
		s.mu.Lock()
		s.after(saveAgain, s.settle)
		s.mu.Unlock()
	}
	return err
}

// load returns how many kernels are live and what memory they have, and, of those
// that can be paused, the session but s that has been idle for longest.
func (k *Keeper) load(s *session) (live int, memory int64, idle *session) {
	k.mu.Lock()
	all := make([]*session, 0, len(k.sessions))
	for _, t := range k.sessions {
		all = append(all, t)
	}
	k.mu.Unlock()
	var oldest time.Time
	for _, t := range all {
		t.mu.Lock()
		if t.kernel != nil {
			live++
			memory += t.memory
			free := t != s && t.busy == nil && len(t.turn) == 0
			if free && (idle == nil || t.row.LastUsedAt.Before(oldest)) {
				idle, oldest = t, t.row.LastUsedAt
			}
		}
		t.mu.Unlock()
	}
	return live, memory, idle
}

// trim pauses idle sessions while the live ones have more memory than they may.
func (k *Keeper) trim() {
	for k.ctx.Err() == nil {
		_, memory, idle := k.load(nil)
		if memory <= k.cfg.MemoryBytes || idle == nil {
			return
		}
		if err := k.pauseIdle(k.ctx, idle); err != nil {
			k.log.Error("a session was not paused to save memory", "session", idle.id, "error", err)
			return
		}
	}
}

// retirePeriod is how often unused sessions are looked for.
const retirePeriod = time.Hour

// retire deletes sessions that nobody has used for long.
func (k *Keeper) retire() {
	tick := time.NewTicker(retirePeriod)
	defer tick.Stop()
	for {
		now := time.Now()
		for _, s := range k.unused(now) {
			if err := s.remove(k.ctx); err != nil {
				k.log.Error("a session that nobody uses was not deleted", "session", s.id, "error", err)
			}
		}
		select {
		case <-tick.C:
		case <-k.ctx.Done():
			return
		}
	}
}

// unused returns the sessions whose time is over.
func (k *Keeper) unused(now time.Time) []*session {
	k.mu.Lock()
	defer k.mu.Unlock()
	var old []*session
	for _, s := range k.sessions {
		kept := k.cfg.Retention
		if isGuest(s.owner) {
			kept = k.cfg.GuestRetention
		}
		s.mu.Lock()
		if s.busy == nil && now.Sub(s.row.LastUsedAt) > kept {
			old = append(old, s)
		}
		s.mu.Unlock()
	}
	return old
}
