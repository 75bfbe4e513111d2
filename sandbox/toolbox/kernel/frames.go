package kernel

import (
	"bytes"
	"crypto/rand"
)

// maxFrame bounds one message of a harness, in bytes: a chart's picture is in it.
const maxFrame = 32 << 20

// newMark returns what begins each message of a harness in the midst of a
// program's output. Nobody can print it by chance, and programs that look for it
// on purpose fool nobody but their own user.
func newMark() string { return "\x1esandpiper " + rand.Text() + " " }

// frames tells a harness's messages, which begin with the mark and end with a
// newline, from the output around them. It keeps no output back but what may be
// the beginning of a mark.
type frames struct {
	mark  []byte
	text  func([]byte) // gets the output, in order with the messages
	frame func([]byte) // gets each message, without mark and newline

	held    []byte // the beginning of a mark, or a message so far
	inFrame bool
	tooLong bool // the message is dropped to its end
}

// Write implements io.Writer.
func (f *frames) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		if f.inFrame {
			rest = f.message(rest)
		} else {
			rest = f.output(rest)
		}
	}
	return len(p), nil
}

// output passes on output up to a mark, and returns what comes after that.
func (f *frames) output(p []byte) (rest []byte) {
	if len(f.held) > 0 {
		p = append(f.held, p...)
		f.held = nil
	}
	if i := bytes.Index(p, f.mark); i >= 0 {
		f.pass(p[:i])
		f.inFrame = true
		return p[i+len(f.mark):]
	}
	n := len(p) - partial(p, f.mark)
	f.pass(p[:n])
	f.held = append([]byte(nil), p[n:]...)
	return nil
}

// message collects a message up to its end, and returns what comes after that.
func (f *frames) message(p []byte) (rest []byte) {
	part, rest, whole := bytes.Cut(p, []byte("\n"))
	if len(f.held)+len(part) > maxFrame {
		f.tooLong, f.held = true, nil
	}
	if !f.tooLong {
		f.held = append(f.held, part...)
	}
	if !whole {
		return nil
	}
	if !f.tooLong {
		f.frame(f.held)
	}
	f.held, f.inFrame, f.tooLong = nil, false, false
	return rest
}

// flush passes on what is held: the output has ended.
func (f *frames) flush() {
	if !f.inFrame {
		f.pass(f.held)
	}
	f.held = nil
}

func (f *frames) pass(p []byte) {
	if len(p) > 0 {
		f.text(p)
	}
}

// partial returns how many bytes at the end of p may be the beginning of mark.
func partial(p, mark []byte) int {
	for n := min(len(p), len(mark)-1); n > 0; n-- {
		if bytes.HasPrefix(mark, p[len(p)-n:]) {
			return n
		}
	}
	return 0
}
