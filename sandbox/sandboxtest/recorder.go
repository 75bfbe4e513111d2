package sandboxtest

import (
	"bytes"
	"slices"
	"sync"
	"testing"

	"sandpiper/sandbox"
)

// Recorder is a sandbox.Sink that keeps what it is given and holds the engine to
// the contract: one call at a time, none after the run.
type Recorder struct {
	t testing.TB

	busy sync.Mutex // held by the one call that may be under way

	mu       sync.Mutex
	streams  [3]bytes.Buffer
	displays []sandbox.Display
	closed   bool
	changed  chan struct{} // closed and replaced when something was added
}

var _ sandbox.Sink = (*Recorder)(nil)

// NewRecorder returns a recorder that reports breaches of the contract to t.
func NewRecorder(t testing.TB) *Recorder {
	return &Recorder{t: t, changed: make(chan struct{})}
}

// Output implements sandbox.Sink.
func (r *Recorder) Output(s sandbox.Stream, p []byte) {
	r.record("Output", func() { r.streams[s].Write(p) })
}

// Display implements sandbox.Sink.
func (r *Recorder) Display(d sandbox.Display) {
	r.record("Display", func() { r.displays = append(r.displays, d) })
}

func (r *Recorder) record(call string, add func()) {
	if !r.busy.TryLock() {
		r.t.Errorf("%s is called while another call is under way", call)
		return
	}
	defer r.busy.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		r.t.Errorf("%s is called after the run", call)
		return
	}
	add()
	close(r.changed)
	r.changed = make(chan struct{})
}

// Close says that the run is over: later calls are reported.
func (r *Recorder) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
}

// Stdout returns what was written to stdout until now.
func (r *Recorder) Stdout() string { return r.stream(sandbox.Stdout) }

// Stderr returns what was written to stderr until now.
func (r *Recorder) Stderr() string { return r.stream(sandbox.Stderr) }

func (r *Recorder) stream(s sandbox.Stream) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.streams[s].String()
}

// Displays returns what was displayed until now.
func (r *Recorder) Displays() []sandbox.Display {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.displays)
}

// change returns what was written to stdout, and a channel that is closed when
// there is more of anything.
func (r *Recorder) change() (stdout string, more <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.streams[sandbox.Stdout].String(), r.changed
}
