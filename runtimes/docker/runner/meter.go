package runner

import "sandpiper/sandbox"

// tailBytes is how much of stderr is kept to read messages from.
const tailBytes = 16 << 10

// meter passes on output up to a limit.
type meter struct {
	sink      sandbox.Sink
	left      int64
	full      func() // called when the limit is met, perhaps again
	truncated struct{ Stdout, Stderr bool }
	stderr    []byte
}

// take passes a piece on. It is called from one goroutine at a time.
func (m *meter) take(s sandbox.Stream, p []byte) {
	kept := p[:min(int64(len(p)), m.left)]
	m.left -= int64(len(kept))
	if len(kept) > 0 {
		m.sink.Output(s, kept)
	}
	if s == sandbox.Stderr {
		m.stderr = append(m.stderr, kept...)
		m.stderr = m.stderr[max(0, len(m.stderr)-tailBytes):]
	}
	if len(kept) == len(p) {
		return
	}
	if s == sandbox.Stderr {
		m.truncated.Stderr = true
	} else {
		m.truncated.Stdout = true
	}
	m.full()
}

// tail returns the end of stderr.
func (m *meter) tail() string { return string(m.stderr) }
