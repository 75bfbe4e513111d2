package session

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"sandpiper/sandbox/guest"
)

// PTYConfig says what a terminal is like.
type PTYConfig struct {
	ID   string
	Dir  string            // where its shell starts
	Env  map[string]string // added to the sandbox's
	Size guest.WinSize
	Lazy bool // its shell starts with its first use
}

// PTY is a terminal with a shell. It stays when nobody is connected, and is
// remembered when its shell has ended. It is safe for concurrent use.
type PTY struct {
	PTYConfig
	CreatedAt time.Time

	manager *Manager
	log     *Log
	input   *input
	done    chan struct{}
	ctx     context.Context
	cancel  context.CancelFunc

	mu      sync.Mutex
	process guest.Process // nil until it starts
	started bool
	killed  bool
	status  guest.ExitStatus // once done is closed
	err     error            // once done is closed: why it could not run
}

func newPTY(m *Manager, cfg PTYConfig) *PTY {
	p := &PTY{
		PTYConfig: cfg, CreatedAt: time.Now(), manager: m, log: m.store.newLog(terminalLimit),
		input: newInput(), done: make(chan struct{}),
	}
	p.log.modes = &modes{}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p
}

// Start starts the shell, if it has not been started before.
func (p *PTY) Start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.started {
		return p.err
	}
	p.started = true
	info := p.manager.guest.Info()
	if len(info.Shell) == 0 {
		p.end(guest.ExitStatus{Code: -1}, guest.ErrNoShell)
		return p.err
	}
	size := p.Size
	process, err := p.manager.guest.Start(p.ctx, guest.Cmd{
		Args: info.Shell, Dir: p.Dir, Env: WithEnv(append(info.Env, "TERM=xterm-256color"), p.Env),
		TTY: &size, Stdin: p.input, Stdout: p.log.writer(Stdout),
	})
	if err != nil {
		p.end(guest.ExitStatus{Code: -1}, err)
		return err
	}
	p.process = process
	p.manager.work.Go(func() {
		status, err := process.Wait()
		p.mu.Lock()
		defer p.mu.Unlock()
		p.end(status, err)
	})
	return nil
}

// end notes the end. Precondition: p.mu is held.
func (p *PTY) end(status guest.ExitStatus, err error) {
	p.status, p.err = status, err
	p.input.close()
	p.manager.store.ended(p.log)
	close(p.done)
	p.cancel()
}

// Log returns what the terminal shows, in one stream.
func (p *PTY) Log() *Log { return p.log }

// Epoch tells the terminal from others that had or will have its ID.
func (p *PTY) Epoch() string { return strconv.FormatInt(p.CreatedAt.UnixNano(), 36) }

// Modes returns the sequences that put a screen in the modes in which it was
// before the oldest byte of the log; "" when the log has lost nothing that
// changed any.
func (p *PTY) Modes() string {
	p.log.mu.Lock()
	defer p.log.mu.Unlock()
	return p.log.modes.String()
}

// Done is closed when the shell has ended and all of its output is in the log.
func (p *PTY) Done() <-chan struct{} { return p.done }

// Active reports whether the shell runs: it has started and not ended.
func (p *PTY) Active() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.started && !p.ended()
}

// ended reports whether the shell has ended, or will never start.
func (p *PTY) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Exit returns the shell's exit code and the reason of its end for people: ""
// when it exited with 0.
// Precondition: Done is closed.
func (p *PTY) Exit() (code int, reason string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.err != nil:
		return p.status.Code, p.err.Error()
	case p.killed:
		return p.status.Code, "the terminal was killed"
	case p.status.Signal != 0:
		return p.status.Code, fmt.Sprintf("the shell was ended by signal %d", p.status.Signal)
	case p.status.Code != 0:
		return p.status.Code, fmt.Sprintf("the shell exited with code %d", p.status.Code)
	}
	return 0, ""
}

// Write types data. It waits while the shell does not read, until ctx ends; the
// error is ErrEnded when the shell has.
func (p *PTY) Write(ctx context.Context, data []byte) error {
	err := p.input.put(ctx, data, nil)
	if errors.Is(err, ErrCompleted) {
		return fmt.Errorf("terminal %s %w", p.ID, ErrEnded)
	}
	return err
}

// Type is Write for those who must not wait: the error is ErrFull, and nothing is
// typed, while too much waits for a shell that does not read.
func (p *PTY) Type(data []byte) error {
	err := p.input.offer(data)
	if errors.Is(err, ErrCompleted) {
		return fmt.Errorf("terminal %s %w", p.ID, ErrEnded)
	}
	return err
}

// WinSize returns the terminal's size.
func (p *PTY) WinSize() guest.WinSize {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.Size
}

// Resize changes the terminal's size; of one whose shell has ended it is
// ErrEnded.
func (p *PTY) Resize(size guest.WinSize) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended() {
		return fmt.Errorf("terminal %s %w", p.ID, ErrEnded)
	}
	if p.process != nil {
		err := p.process.Resize(size)
		if errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("terminal %s %w", p.ID, ErrEnded)
		}
		if err != nil {
			return err
		}
	}
	p.Size = size
	return nil
}

// kill ends the shell and what runs in it, and waits for that.
func (p *PTY) kill() {
	p.mu.Lock()
	p.killed = true
	if !p.started {
		p.started = true
		p.end(guest.ExitStatus{Code: 128 + int(guest.SIGKILL), Signal: guest.SIGKILL}, nil)
	}
	if p.process != nil {
		_ = p.process.Signal(guest.SIGKILL)
	}
	p.mu.Unlock()
	p.log.close() // nobody waits for readers any more
	p.cancel()
	<-p.done
}
