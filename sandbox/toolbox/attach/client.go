package attach

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"

	"sandpiper/sandbox"
	"sandpiper/sandbox/toolbox/upgrade"
)

// Process is a process in a sandbox, as its caller sees it.
type Process struct {
	conn    net.Conn
	r       *bufio.Reader
	room    chan struct{} // has as much in it as the sandbox takes frames of input
	done    chan struct{} // closed when Wait has returned
	release func() bool   // lets go of the context

	mu sync.Mutex // orders frames
}

// Start starts a command on a connection to a sandbox's toolbox, which it takes
// over: after an error it is closed. A toolbox that refuses is an
// *upgrade.Refusal. The process is let go of when ctx ends or the Process is
// closed.
func Start(ctx context.Context, conn net.Conn, token string, c Command) (*Process, error) {
	body, err := json.Marshal(c)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://toolbox/attach", bytes.NewReader(body))
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(sandbox.TokenHeader, token)
	if conn, err = upgrade.Ask(ctx, conn, req, Protocol); err != nil {
		return nil, fmt.Errorf("run a process: %w", err)
	}
	p := &Process{conn: conn, r: bufio.NewReaderSize(conn, headSize+maxFrame), room: make(chan struct{}, c.window()), done: make(chan struct{})}
	p.release = context.AfterFunc(ctx, func() { conn.Close() })
	for range c.window() {
		p.room <- struct{}{}
	}
	return p, nil
}

// Wait passes the process's output to out, from one goroutine, until the process
// has ended. A nil content never comes. An error with an Exit whose Error is set
// says why the process could not be started; any other, that it was lost. It may
// be called once.
func (p *Process) Wait(out func(s sandbox.Stream, content []byte)) (Exit, error) {
	defer close(p.done)
	buf := make([]byte, maxFrame)
	for {
		k, content, err := readFrame(p.r, buf)
		if err != nil {
			return Exit{}, fmt.Errorf("the sandbox's process was lost: %w", err)
		}
		switch k {
		case frameStdout:
			out(sandbox.Stdout, content)
		case frameStderr:
			out(sandbox.Stderr, content)
		case frameTaken:
			select {
			case p.room <- struct{}{}:
			default:
				return Exit{}, errFrame
			}
		case frameExit:
			return readExit(content)
		default:
			return Exit{}, errFrame
		}
	}
}

func readExit(content []byte) (Exit, error) {
	var e Exit
	if err := json.Unmarshal(content, &e); err != nil {
		return e, fmt.Errorf("%w: the exit: %w", errFrame, err)
	}
	if e.Error != "" {
		return e, errors.New(e.Error)
	}
	return e, nil
}

func (p *Process) send(k kind, content []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return writeFrame(p.conn, k, content)
}

// Write implements io.Writer: it sends input. It blocks while the process does
// not read, and needs a Wait under way. After the process's end it fails with
// io.ErrClosedPipe.
func (p *Process) Write(input []byte) (n int, err error) {
	for len(input) > 0 {
		part := input[:min(len(input), maxFrame)]
		select {
		case <-p.room:
		case <-p.done:
			return n, io.ErrClosedPipe
		}
		if err := p.send(frameStdin, part); err != nil {
			return n, err
		}
		n += len(part)
		input = input[len(part):]
	}
	return n, nil
}

// CloseInput ends the input.
func (p *Process) CloseInput() error { return p.send(frameEOF, nil) }

// Signal signals the process and its descendants of the same process group.
func (p *Process) Signal(number byte) error { return p.send(frameSignal, []byte{number}) }

// Resize tells the process the size of its terminal.
func (p *Process) Resize(s Size) error {
	return p.send(frameResize, []byte{byte(s.Rows >> 8), byte(s.Rows), byte(s.Cols >> 8), byte(s.Cols)})
}

// Close lets go of the process, which is killed or hung up when it still runs.
func (p *Process) Close() error {
	p.release()
	return p.conn.Close()
}
