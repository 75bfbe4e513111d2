package vm

import (
	"slices"
	"sync"
)

// idleInstances are the instances of a module that have a guest and do nothing with
// it. Only some may: where many are used by turns, each would find that no guest is
// left for it and have one made, so the one that has been idle longest gives its own
// back instead.
type idleInstances struct {
	most int

	mu   sync.Mutex
	list []*Instance // the longest idle first
}

// add adds an instance whose use has ended.
func (d *idleInstances) add(i *Instance) {
	d.mu.Lock()
	d.list = append(d.list, i)
	var surplus *Instance
	if len(d.list) > d.most {
		surplus = d.list[0]
		d.list = slices.Delete(d.list, 0, 1)
	}
	d.mu.Unlock()
	if surplus != nil {
		go surplus.Park() // it does nothing to one that is used again, or was closed
	}
}

// remove forgets an instance that is used again, or gives its guest back.
func (d *idleInstances) remove(i *Instance) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if at := slices.Index(d.list, i); at >= 0 {
		d.list = slices.Delete(d.list, at, at+1)
	}
}
