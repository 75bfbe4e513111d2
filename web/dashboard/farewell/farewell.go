// Package farewell deletes things a little later than asked, so that it can be
// taken back. The waiting is the server's: closing the page changes nothing. A
// server that ends first deletes nothing.
package farewell

import (
	"sync"
	"time"
)

// Wait is how long a deletion can be taken back.
const Wait = 10 * time.Second

// Desk holds the deletions that have not begun. It is safe for concurrent use.
type Desk struct {
	wait    time.Duration
	changed func()

	mu      sync.Mutex
	closed  bool
	waiting map[string]*farewell
	failed  map[string]error
	running sync.WaitGroup
}

// maxFailed bounds the failures that are remembered; any gives way to a new one.
const maxFailed = 1000

type farewell struct {
	at    time.Time
	timer *time.Timer
}

// New returns a Desk whose deletions begin after a while. changed is called
// whenever one was added or taken back.
func New(wait time.Duration, changed func()) *Desk {
	return &Desk{wait: wait, changed: changed, waiting: map[string]*farewell{}, failed: map[string]error{}}
}

// Add lets remove be called later, once, unless Undo comes first. Adding it again
// changes nothing. The error of remove is there to be seen until the next try.
func (d *Desk) Add(id string, remove func() error) {
	d.mu.Lock()
	if d.closed || d.waiting[id] != nil {
		d.mu.Unlock()
		return
	}
	f := &farewell{at: time.Now().Add(d.wait)}
	f.timer = time.AfterFunc(d.wait, func() {
		if d.take(id, f) {
			defer d.running.Done()
			d.note(id, remove())
			d.changed()
		}
	})
	d.waiting[id] = f
	delete(d.failed, id)
	d.mu.Unlock()
	d.changed()
}

// note remembers how a deletion failed.
func (d *Desk) note(id string, err error) {
	if err == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for other := range d.failed {
		if len(d.failed) < maxFailed {
			break
		}
		delete(d.failed, other)
	}
	d.failed[id] = err
}

// Failed returns why the last deletion of a thing failed, nil where none did.
func (d *Desk) Failed(id string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.failed[id]
}

// take makes sure that a deletion begins once, and not after it was taken back.
func (d *Desk) take(id string, f *farewell) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || d.waiting[id] != f {
		return false
	}
	delete(d.waiting, id)
	d.running.Add(1)
	return true
}

// Undo takes a deletion back, and reports whether it had not begun.
func (d *Desk) Undo(id string) bool {
	d.mu.Lock()
	f := d.waiting[id]
	if f != nil {
		f.timer.Stop()
		delete(d.waiting, id)
	}
	d.mu.Unlock()
	if f != nil {
		d.changed()
	}
	return f != nil
}

// At returns when the deletion of a thing begins, and false where none waits.
func (d *Desk) At(id string) (time.Time, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f := d.waiting[id]; f != nil {
		return f.at, true
	}
	return time.Time{}, false
}

// Close drops what has not begun and waits for what has.
func (d *Desk) Close() {
	d.mu.Lock()
	d.closed = true
	for id, f := range d.waiting {
		f.timer.Stop()
		delete(d.waiting, id)
	}
	d.mu.Unlock()
	d.running.Wait()
}
