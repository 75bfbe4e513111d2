package docker

import (
	"context"
	"sync"
)

// keyed is one lock for each sandbox, so that calls for the same one follow each
// other.
type keyed struct {
	mu   sync.Mutex
	held map[string]chan struct{} // closed when the lock is given back
}

// lock waits for the lock of id until ctx is done.
func (k *keyed) lock(ctx context.Context, id string) (unlock func(), err error) {
	for {
		held := k.try(id)
		if held == nil {
			return func() { k.unlock(id) }, nil
		}
		select {
		case <-held:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// try takes the lock, or returns what is closed when its holder is done.
func (k *keyed) try(id string) (held <-chan struct{}) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if c, ok := k.held[id]; ok {
		return c
	}
	if k.held == nil {
		k.held = map[string]chan struct{}{}
	}
	k.held[id] = make(chan struct{})
	return nil
}

func (k *keyed) unlock(id string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	close(k.held[id])
	delete(k.held, id)
}
