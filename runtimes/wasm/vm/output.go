package vm

import (
	"sandpiper/sandbox"
)

// tailSize is how much of stderr is kept for finding diagnostics.
const tailSize = 64 << 10

// outputMeter counts a run's output, cuts it off at the limit and remembers the
// end of stderr.
type outputMeter struct {
	sink      func(s sandbox.Stream, p []byte)
	left      int64 // bytes that may still be written
	truncated struct{ Stdout, Stderr bool }
	tail      []byte
	midLine   bool // stderr stands in the middle of a line
}

// write sends what fits of p and reports whether that was all of it.
func (o *outputMeter) write(s sandbox.Stream, p []byte) bool {
	fits := int64(len(p)) <= o.left
	if !fits {
		p = p[:o.left]
		o.markTruncated(s)
	}
	o.left -= int64(len(p))
	o.send(s, p)
	return fits
}

// note writes a line of Sandpiper's own to stderr, on a line of its own.
func (o *outputMeter) note(msg string) {
	line := "sandpiper: " + msg + "\n"
	if o.midLine {
		line = "\n" + line
	}
	o.send(sandbox.Stderr, []byte(line))
}

func (o *outputMeter) send(s sandbox.Stream, p []byte) {
	if len(p) == 0 {
		return
	}
	if s == sandbox.Stderr {
		o.midLine = p[len(p)-1] != '\n'
		o.remember(p)
	}
	o.sink(s, p)
}

// remember keeps the last tailSize bytes, moving them only when twice as many
// have come together.
func (o *outputMeter) remember(p []byte) {
	if len(p) > tailSize {
		p = p[len(p)-tailSize:]
	}
	o.tail = append(o.tail, p...)
	if len(o.tail) > 2*tailSize {
		o.tail = append(o.tail[:0], o.tail[len(o.tail)-tailSize:]...)
	}
}

func (o *outputMeter) stderrTail() []byte {
	return o.tail[max(0, len(o.tail)-tailSize):]
}

func (o *outputMeter) markTruncated(s sandbox.Stream) {
	if s == sandbox.Stderr {
		o.truncated.Stderr = true
	} else {
		o.truncated.Stdout = true
	}
}
