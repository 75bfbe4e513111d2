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
)

// Process is a process in a sandbox, as its caller sees it.
type Process struct {
	conn net.Conn
	r    *bufio.Reader
	room chan struct{} // has something in it when the sandbox takes input
	done chan struct{} // closed when Wait has returned

	mu sync.Mutex // orders frames
}

// maxHead bounds the head of the answer.
const maxHead = 64 << 10

// Start starts a command on a connection to a sandbox's toolbox, which it takes
// over: after an error it is closed. The process is killed when ctx ends or the
// Process is closed.
func Start(ctx context.Context, conn net.Conn, token string, c Command) (*Process, error) {
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	p, err := start(ctx, conn, token, c)
	if err != nil {
		stop()
		conn.Close()
		return nil, err
	}
	return p, nil
}

func start(ctx context.Context, conn net.Conn, token string, c Command) (*Process, error) {
	body, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://toolbox/attach", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", Protocol)
	req.Header.Set(sandbox.TokenHeader, token)
	if err := req.Write(conn); err != nil {
		return nil, fmt.Errorf("ask the toolbox to run a process: %w", err)
	}
	head := &io.LimitedReader{R: conn, N: maxHead}
	r := bufio.NewReaderSize(head, headSize+maxFrame)
	resp, err := http.ReadResponse(r, req)
	if err != nil {
		return nil, fmt.Errorf("ask the toolbox to run a process: %w", err)
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
		return nil, fmt.Errorf("ask the toolbox to run a process: it answered %s: %s", resp.Status, text)
	}
	head.N = 1<<63 - 1
	p := &Process{conn: conn, r: r, room: make(chan struct{}, 1), done: make(chan struct{})}
	p.room <- struct{}{}
	return p, nil
}

// Wait passes the process's output to out, from one goroutine, until the process
// has ended. A nil content never comes. It may be called once.
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

// Close lets go of the process, which is killed when it still runs.
func (p *Process) Close() error { return p.conn.Close() }
