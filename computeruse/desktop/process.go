package desktop

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"sandpiper/sandbox/guest"
)

// maxLog is how much of a process's output is kept, in bytes of each stream.
const maxLog = 64 << 10

// process is one process of the desktop.
type process struct {
	guest.Process
	name   string
	out    tail
	errors tail
	ended  context.Context // ends with the process

	mu      sync.Mutex
	stopped bool // somebody asked for its end
	status  guest.ExitStatus
}

// startProcess starts a process that lives until it is ended or ctx is.
func startProcess(ctx context.Context, g guest.Guest, s spec, env []string) (*process, error) {
	p := &process{name: s.args[0]}
	p.out.firstLine, p.errors.firstLine = make(chan struct{}), make(chan struct{})
	started, err := g.Start(ctx, guest.Cmd{Args: s.args, Dir: g.Info().Home, Env: env, Stdout: &p.out, Stderr: &p.errors})
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", s.args[0], err)
	}
	p.Process = started
	ended, cancel := context.WithCancel(context.WithoutCancel(ctx))
	p.ended = ended
	go func() {
		status, _ := started.Wait() // a status that cannot be known is shown as such
		p.mu.Lock()
		p.status = status
		p.mu.Unlock()
		cancel()
	}()
	return p, nil
}

func (p *process) endedContext() context.Context { return p.ended }

func (p *process) hasEnded() bool { return p.ended.Err() != nil }

// end asks the process to end, or kills it, and waits for its end. One that
// cannot even be killed is shown as running.
func (p *process) end(signal guest.Signal) {
	p.mu.Lock()
	p.stopped = true
	p.mu.Unlock()
	if p.hasEnded() {
		return
	}
	for _, signal := range []guest.Signal{signal, guest.SIGKILL} {
		_ = p.Signal(signal) // it may have ended just now
		timer := time.NewTimer(stopTime)
		select {
		case <-p.ended.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// ending says how the process ended; "" while it runs.
func (p *process) ending() string {
	if !p.hasEnded() {
		return ""
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.stopped:
		return "was stopped"
	case p.status.Signal != 0:
		return fmt.Sprintf("was ended by signal %d", p.status.Signal)
	}
	return fmt.Sprintf("ended by itself with exit code %d", p.status.Code)
}

// lastWords returns the end of what the process wrote, for an error message.
func (p *process) lastWords() string {
	const enough = 600
	text := strings.TrimSpace(p.errors.String())
	if text == "" {
		text = strings.TrimSpace(p.out.String())
	}
	if len(text) > enough {
		text = "…" + text[len(text)-enough:]
	}
	if text == "" {
		return "it wrote nothing"
	}
	return "it wrote: " + strings.ToValidUTF8(text, "")
}

// tail keeps the end of what is written to it.
type tail struct {
	mu        sync.Mutex
	data      []byte
	firstLine chan struct{} // closed once a line has been written
	seen      bool
}

// Write implements io.Writer. It always takes all.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.data = append(t.data, p...)
	if over := len(t.data) - maxLog; over > 0 {
		t.data = append(t.data[:0], t.data[over:]...)
	}
	if !t.seen && strings.Contains(string(p), "\n") {
		t.seen = true
		close(t.firstLine)
	}
	return len(p), nil
}

// String returns what is kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.ToValidUTF8(string(t.data), "\uFFFD")
}
