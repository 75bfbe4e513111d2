package wasm

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"sandpiper/sandbox"
)

// turns is the order in which languages are prepared: the light ones first, but
// before them those that somebody waits for. These have the machine to themselves.
type turns struct {
	mu        sync.Mutex
	changed   sync.Cond
	next      []*language
	preferred map[*language]bool
	taken     map[*language]bool // and not done
}

func newTurns(all []*language) *turns {
	t := &turns{preferred: map[*language]bool{}, taken: map[*language]bool{}}
	t.changed.L = &t.mu
	for _, l := range all {
		if l.snapshot().State == sandbox.LanguagePreparing {
			t.next = append(t.next, l)
		}
	}
	slices.SortStableFunc(t.next, func(a, b *language) int { return cmp.Compare(a.weight, b.weight) })
	return t
}

// take returns the language whose turn it is, or nil after the last. done ends its
// turn.
func (t *turns) take() *language {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.next) > 0 {
		i := slices.IndexFunc(t.next, func(l *language) bool { return t.preferred[l] })
		if i < 0 && t.awaited() {
			t.changed.Wait()
			continue
		}
		l := t.next[max(0, i)]
		t.next = slices.DeleteFunc(t.next, func(o *language) bool { return o == l })
		t.taken[l] = true
		return l
	}
	return nil
}

// awaited reports whether somebody waits for what is being prepared. t.mu must be
// held.
func (t *turns) awaited() bool {
	for l := range t.taken {
		if t.preferred[l] {
			return true
		}
	}
	return false
}

func (t *turns) done(l *language) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.taken, l)
	t.changed.Broadcast()
}

// prefer notes that somebody waits for l.
func (t *turns) prefer(l *language) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.preferred[l] = true
	t.changed.Broadcast()
}

// prepare loads the languages, at most as many at once as there are CPUs for
// guests. Then it prunes the cache.
func (e *Engine) prepare() {
	var loaders sync.WaitGroup
	for range e.host.CPUs() {
		loaders.Go(func() {
			for l := e.turns.take(); l != nil; l = e.turns.take() {
				e.load(l)
				e.turns.done(l)
			}
		})
	}
	e.preparing.Go(func() {
		loaders.Wait()
		// With a part of the catalogue, what is not in use is not stale.
		if e.closing.Err() == nil && len(e.cfg.Only) == 0 {
			if err := e.host.Prune(); err != nil {
				e.cfg.Log.Warn("pruning the module cache", "error", err)
			}
		}
	})
}

// Prefer implements sandbox.Preparer.
func (e *Engine) Prefer(language string) {
	for _, l := range e.languages {
		if l.info.ID == language {
			e.turns.prefer(l)
		}
	}
}

// await waits until l is prepared, or failed, or ctx is done.
func (e *Engine) await(ctx context.Context, l *language) {
	e.turns.prefer(l)
	select {
	case <-l.done:
	case <-ctx.Done():
	}
}

// load prepares one language and records how that went.
func (e *Engine) load(l *language) {
	l.set(sandbox.LanguagePreparing, "reading its module")
	err := e.loadModule(e.closing, l)
	if err != nil {
		l.set(sandbox.LanguageFailed, err.Error())
		if e.closing.Err() == nil {
			e.cfg.Log.Error("language not available", "language", l.info.ID, "error", err)
		}
		return
	}
	l.set(sandbox.LanguageReady, "")
}

func (e *Engine) loadModule(ctx context.Context, l *language) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	source, err := l.source()
	if err != nil {
		return err
	}
	l.set(sandbox.LanguagePreparing, "compiling its module, which the first start needs to do once")
	return l.driver.Load(ctx, e.host, source)
}
