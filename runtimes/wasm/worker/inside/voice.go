package inside

import (
	"sync"
	"time"

	"sandpiper/runtimes/wasm/worker/link"
	"sandpiper/sandbox"
)

const (
	// gatherTime is how long output may be kept so that more of it goes together.
	gatherTime = time.Millisecond

	// gatherBytes is when it is sent at once.
	gatherBytes = 32 << 10
)

// voice is what a call says while it goes on. It is a sandbox.Sink: calls do not
// block, whatever the connection does.
type voice struct {
	link *link.Link
	id   uint64

	sending sync.Mutex // held from taking what there is until it is sent

	mu     sync.Mutex
	said   link.Said
	data   []byte
	timer  *time.Timer // runs when there is something to send
	full   bool        // it has been told not to wait any longer
	hungry bool        // the program waits for input
	ended  bool
}

// Output implements sandbox.Sink.
func (v *voice) Output(s sandbox.Stream, p []byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.data = append(v.data, p...)
	if n := len(v.said.Pieces); n > 0 && v.said.Pieces[n-1].Stream == s {
		v.said.Pieces[n-1].Bytes += len(p)
	} else {
		v.said.Pieces = append(v.said.Pieces, link.Piece{Stream: s, Bytes: len(p)})
	}
	v.wake(len(v.data) >= gatherBytes)
}

// Display implements sandbox.Sink.
func (v *voice) Display(d sandbox.Display) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.said.Pieces = append(v.said.Pieces, link.Piece{Display: &d})
	v.wake(false)
}

// wanted tells the server that the program waits for input, after what it has said.
func (v *voice) wanted() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.hungry = true
	v.wake(true)
}

// wake has what there is sent soon, or at once. Preconditions: v.mu must be held.
func (v *voice) wake(atOnce bool) {
	wait := gatherTime
	if atOnce {
		wait = 0
	}
	switch {
	case v.timer == nil:
		v.timer, v.full = time.AfterFunc(wait, v.flush), atOnce
	case atOnce && !v.full:
		v.timer.Reset(0)
		v.full = true
	}
}

// take returns what there is and forgets it.
func (v *voice) take() (said link.Said, data []byte, hungry bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	said, data, hungry = v.said, v.data, v.hungry
	v.said, v.data, v.hungry, v.timer, v.full = link.Said{}, nil, false, nil, false
	if v.ended {
		return link.Said{}, nil, false
	}
	return said, data, hungry
}

// flush sends what there is. When the connection has ended, so does the worker.
func (v *voice) flush() {
	v.sending.Lock()
	defer v.sending.Unlock()
	said, data, hungry := v.take()
	if len(said.Pieces) > 0 {
		_ = v.link.Send(link.OpSaid, v.id, said, data)
	}
	if hungry {
		_ = v.link.Send(link.OpHungry, v.id, nil, nil)
	}
}

// end sends the end of the call with what has not been sent.
func (v *voice) end(e link.End, files []sandbox.File) {
	v.sending.Lock()
	defer v.sending.Unlock()
	var data []byte
	e.Said, data, _ = v.take()
	for _, f := range files {
		e.Files = append(e.Files, link.Content{Name: f.Name, Bytes: len(f.Content)})
		data = append(data, f.Content...)
	}
	v.mu.Lock()
	v.ended = true
	v.mu.Unlock()
	if err := v.link.Send(link.OpEnd, v.id, e, data); err != nil {
		// What cannot be sent (too large, or no JSON) must still end the call.
		_ = v.link.Send(link.OpEnd, v.id, link.End{Fault: link.NewFault(err)}, nil)
	}
}
