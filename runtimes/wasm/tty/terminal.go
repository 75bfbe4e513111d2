package tty

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// Terminal is an open terminal. What is written to it is what a person types.
type Terminal struct {
	master, program *os.File
	copied          chan struct{} // closed when no output comes any more

	cols atomic.Int64
	keys sync.Mutex // held while keys go where they belong, and while that changes

	mu        sync.Mutex
	interrupt func()
	line      func()
	history   []string
	editing   *editor // while a line is read
	result    chan lineResult
	closed    bool
}

type lineResult struct {
	text string
	err  error
}

// ErrInterrupted is what ReadLine returns when the line was interrupted.
var ErrInterrupted = errors.New("interrupted")

// Open opens a terminal that shows its output on out.
func Open(out io.Writer, rows, cols int) (*Terminal, error) {
	master, program, err := pty.Open()
	if err != nil {
		return nil, err
	}
	t := &Terminal{master: master, program: program, copied: make(chan struct{})}
	if err := errors.Join(t.Resize(rows, cols), t.noSignals()); err != nil {
		return nil, errors.Join(err, master.Close(), program.Close())
	}
	go func() {
		defer close(t.copied)
		_, _ = io.Copy(out, master) // ends with an error when the program's end is closed
	}()
	return t, nil
}

// noSignals keeps the terminal from swallowing the keys that make signals.
func (t *Terminal) noSignals() error {
	return t.change(func(attributes *unix.Termios) { attributes.Lflag &^= unix.ISIG })
}

// change changes the terminal's attributes.
func (t *Terminal) change(f func(attributes *unix.Termios)) error {
	return control(t.program, func(fd int) error {
		attributes, err := unix.IoctlGetTermios(fd, getTermios)
		if err != nil {
			return fmt.Errorf("look at the terminal: %w", err)
		}
		f(attributes)
		return unix.IoctlSetTermios(fd, setTermios, attributes)
	})
}

// control calls f with f's descriptor.
func control(f *os.File, call func(fd int) error) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = call(int(fd)) }); err != nil {
		return err
	}
	return failed
}

// Program is the end that programs have open. It stays the Terminal's.
func (t *Terminal) Program() *os.File { return t.program }

// OnInterrupt sets what Ctrl-C calls while no line is read.
func (t *Terminal) OnInterrupt(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.interrupt = f
}

// OnLine sets what is called when a line has been typed, before ReadLine returns it
// and before any key that was typed behind it does something.
func (t *Terminal) OnLine(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.line = f
}

// Resize sets the size in characters.
func (t *Terminal) Resize(rows, cols int) error {
	t.cols.Store(int64(cols))
	size := &unix.Winsize{Row: uint16(min(max(rows, 1), 1000)), Col: uint16(min(max(cols, 1), 1000))}
	return control(t.master, func(fd int) error { return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, size) })
}

const ctrlC = 0x03

// Write implements io.Writer: it takes what a person types.
func (t *Terminal) Write(p []byte) (int, error) {
	for i := range p {
		if err := t.writeKey(p[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(p), nil
}

// writeKey hands on one byte.
func (t *Terminal) writeKey(key []byte) error {
	t.keys.Lock()
	defer t.keys.Unlock()
	t.mu.Lock()
	edit, interrupt := t.editing, t.interrupt
	t.mu.Unlock()
	switch {
	case edit != nil:
		t.key(edit, key[0])
	case key[0] == ctrlC:
		_ = control(t.program, dropInput) // what was typed before is void
		_, _ = io.WriteString(t.program, "^C\n")
		if interrupt != nil {
			interrupt()
		}
	default:
		_, err := t.master.Write(key)
		return err
	}
	return nil
}

// key hands a byte to the line editor. Preconditions: t.keys must be held.
func (t *Terminal) key(e *editor, b byte) {
	e.resize(int(t.cols.Load()))
	shown, result, done := e.key(b)
	_, _ = io.WriteString(t.program, shown)
	if !done {
		return
	}
	t.mu.Lock()
	typed := t.line
	t.mu.Unlock()
	if typed != nil && result.err == nil {
		typed()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.editing != e {
		return
	}
	t.editing = nil
	if result.err == nil {
		t.remember(result.text)
	}
	t.result <- result // never blocks: room for one, and one at most
}

const maxHistory = 200

// remember adds a line to the history. Preconditions: t.mu must be held.
func (t *Terminal) remember(line string) {
	line = line[:len(line)-1]
	if line == "" || len(t.history) > 0 && t.history[len(t.history)-1] == line {
		return
	}
	t.history = append(t.history, line)
	if len(t.history) > maxHistory {
		t.history = t.history[1:]
	}
}

// ReadLine shows a prompt and lets a person edit a line, which is returned with
// its newline, and with others when it was pasted so. complete, which may be nil, is
// for Tab. Ctrl-D on an empty line is io.EOF, Ctrl-C ErrInterrupted.
func (t *Terminal) ReadLine(ctx context.Context, prompt string, complete Completer) (string, error) {
	result, err := t.edit(prompt, complete)
	if err != nil {
		return "", err
	}
	select {
	case r := <-result:
		return r.text, r.err
	case <-ctx.Done():
		t.mu.Lock()
		t.editing = nil
		t.mu.Unlock()
		return "", ErrInterrupted
	}
}

// edit begins a line with what was typed ahead. The result comes when it has ended.
func (t *Terminal) edit(prompt string, complete Completer) (<-chan lineResult, error) {
	typed := t.takeKeys()
	defer t.keys.Unlock()
	t.mu.Lock()
	if t.closed || t.editing != nil {
		t.mu.Unlock()
		return nil, io.EOF
	}
	e := newEditor(prompt, t.history, int(t.cols.Load()))
	e.complete = complete
	t.editing, t.result = e, make(chan lineResult, 1)
	result := t.result
	t.mu.Unlock()
	if _, err := io.WriteString(t.program, e.begin()); err != nil {
		return nil, io.EOF
	}
	for i, b := range typed {
		t.key(e, b)
		if e.done {
			_, _ = t.master.Write(typed[i+1:])
			break
		}
	}
	return result, nil
}

// takeKeys locks t.keys and returns what was typed ahead. Whoever has the lock may
// wait for room that only reading makes.
func (t *Terminal) takeKeys() (typed []byte) {
	for !t.keys.TryLock() {
		typed = append(typed, t.typedAhead()...)
		time.Sleep(time.Millisecond)
	}
	return append(typed, t.typedAhead()...)
}

// typedAhead takes what no program has read, the beginning of a line included, which
// a terminal that reads by lines would keep to itself. The system hands keys over
// some time after they were written, but before it says that there are none.
func (t *Terminal) typedAhead() []byte {
	byLines := false
	err := t.change(func(attributes *unix.Termios) {
		byLines = attributes.Lflag&unix.ICANON != 0
		attributes.Lflag &^= unix.ICANON
	})
	if err != nil {
		return nil
	}
	if byLines {
		defer t.change(func(attributes *unix.Termios) { attributes.Lflag |= unix.ICANON }) // it worked a moment ago
	}
	raw, err := t.program.SyscallConn()
	if err != nil {
		return nil
	}
	var typed []byte
	buf := make([]byte, 4096)
	for {
		n := 0
		err := raw.Read(func(fd uintptr) bool {
			n, _ = unix.Read(int(fd), buf)
			return true
		})
		if err != nil || n <= 0 {
			return typed
		}
		typed = append(typed, buf[:n]...)
	}
}

// closeDelay is how long Close waits for output of processes that keep the
// terminal open.
const closeDelay = 100 * time.Millisecond

// Close ends the terminal once its output has been shown.
func (t *Terminal) Close() {
	t.mu.Lock()
	t.closed = true
	if t.editing != nil {
		t.editing = nil
		t.result <- lineResult{err: io.EOF}
	}
	t.mu.Unlock()
	_ = t.program.Close()
	select {
	case <-t.copied:
	case <-time.After(closeDelay):
		_ = t.master.SetReadDeadline(time.Now())
		<-t.copied
	}
	_ = t.master.Close()
}
