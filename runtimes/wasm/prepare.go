package wasm

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"sandpiper/sandbox"
)

// prepare loads every language on a goroutine of its own, at most as many at
// once as there are CPUs for guests, the light ones first. Then it prunes the
// cache.
func (e *Engine) prepare() {
	queue := slices.Clone(e.languages)
	slices.SortStableFunc(queue, func(a, b *language) int { return cmp.Compare(a.weight, b.weight) })
	jobs := make(chan *language)
	var workers sync.WaitGroup
	for range e.host.CPUs() {
		workers.Go(func() {
			for l := range jobs {
				e.load(l)
			}
		})
	}
	e.preparing.Go(func() {
		for _, l := range queue {
			if l.snapshot().State == sandbox.LanguagePreparing {
				jobs <- l
			}
		}
		close(jobs)
		workers.Wait()
		// With a part of the catalogue, what is not in use is not stale.
		if e.closing.Err() == nil && len(e.cfg.Only) == 0 {
			if err := e.host.Prune(); err != nil {
				e.cfg.Log.Warn("pruning the module cache", "error", err)
			}
		}
	})
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
	wasm, err := l.read()
	if err != nil {
		return err
	}
	l.set(sandbox.LanguagePreparing, "compiling its module, which the first start needs to do once")
	return l.driver.Load(ctx, e.host, wasm)
}
