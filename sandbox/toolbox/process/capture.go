package process

import (
	"fmt"
	"sync"
)

// captureLimit is how much of an output an answer holds: half of it from its
// beginning and half from its end.
const captureLimit = 16 << 20

// capture keeps an output in bounded memory. It is safe for concurrent use.
type capture struct {
	mu    sync.Mutex
	half  int // the size of head, and of tail
	head  []byte
	tail  []byte // a ring once it is full
	at    int    // where the ring begins
	total int64
}

func newCapture(limit int) *capture { return &capture{half: limit / 2} }

// Write implements io.Writer.
func (c *capture) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total += int64(len(p))
	n := min(len(p), c.half-len(c.head))
	c.head = append(c.head, p[:n]...)
	c.keepTail(p[n:])
	return len(p), nil
}

// Precondition: c.mu is held.
func (c *capture) keepTail(p []byte) {
	if skip := len(p) - c.half; skip > 0 {
		p = p[skip:]
	}
	n := min(len(p), c.half-len(c.tail))
	c.tail = append(c.tail, p[:n]...)
	for p = p[n:]; len(p) > 0; p = p[n:] {
		n = copy(c.tail[c.at:], p)
		c.at = (c.at + n) % c.half
	}
}

// String returns the output, with a note in place of what was dropped.
func (c *capture) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	tail := string(c.tail[c.at:]) + string(c.tail[:c.at])
	if dropped := c.total - int64(len(c.head)+len(c.tail)); dropped > 0 {
		return string(c.head) + droppedNote(dropped) + tail
	}
	return string(c.head) + tail
}

// droppedNote stands where output is no longer there.
func droppedNote(n int64) string {
	return fmt.Sprintf("\n[%d bytes of output were dropped here]\n", n)
}
