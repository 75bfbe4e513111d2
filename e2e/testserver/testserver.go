// Package testserver starts the built sandpiper binary as a process of its own,
// for tests and benchmarks that see the server only from outside.
package testserver

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Key is the API key of every server that this package starts.
const Key = "sp_testserver_0123456789abcdef"

// servingPrefix begins the line on standard output that tells the address.
const servingPrefix = "sandpiper: serving "

// startTimeout bounds the time from the start of the process to its address.
const startTimeout = 2 * time.Minute

// stopTimeout is how long a server may take to drain and to take its containers
// away before it is killed. It is for a busy machine: it gives runs 10 seconds.
const stopTimeout = time.Minute

// Config says how to start a server.
type Config struct {
	Binary string   // path of the sandpiper binary
	Data   string   // its data folder
	Args   []string // added to the command line of serve
	Env    []string // added to this process's environment
	Log    io.Writer
}

// Server is a running server.
type Server struct {
	URL string // http://127.0.0.1:port, without a slash at the end

	cmd    *exec.Cmd
	exited chan struct{} // closed once err is set
	err    error
	mu     sync.Mutex
	output strings.Builder // what it printed so far
}

// Start runs "sandpiper serve" on a loopback port that the kernel picks and
// waits until it says where. The caller must Stop it.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	args := append([]string{"serve", "--listen", "127.0.0.1:0", "--preview-listen", "127.0.0.1:0", "--ssh-listen", "127.0.0.1:0", "--data", cfg.Data}, cfg.Args...)
	cmd := exec.Command(cfg.Binary, args...)
	cmd.Env = append(append(os.Environ(), "SANDPIPER_API_KEY="+Key), cfg.Env...)
	cmd.Stderr = cfg.Log
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("open the server's output: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w (is it built? run make build)", cfg.Binary, err)
	}
	s := &Server{cmd: cmd, exited: make(chan struct{})}
	address := make(chan string, 1)
	go s.watch(stdout, address)

	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	select {
	case s.URL = <-address:
		return s, nil
	case <-s.exited:
		return nil, fmt.Errorf("the server ended before it served: %w\n%s", s.err, s.Output())
	case <-ctx.Done():
		s.Kill()
		return nil, fmt.Errorf("the server did not say where it serves: %w\n%s", ctx.Err(), s.Output())
	}
}

// watch keeps what the server prints, reports its address, and reaps it.
func (s *Server) watch(stdout io.Reader, address chan<- string) {
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		line := lines.Text()
		s.mu.Lock()
		s.output.WriteString(line + "\n")
		s.mu.Unlock()
		if url, ok := strings.CutPrefix(line, servingPrefix); ok {
			address <- strings.TrimSuffix(url, "/")
		}
	}
	s.err = s.cmd.Wait()
	close(s.exited)
}

// Output returns what the server has printed on standard output.
func (s *Server) Output() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.output.String()
}

// PID returns the server's process id.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Stop asks the server to drain and end, waits for it, and returns an error
// when it had to be killed or failed.
func (s *Server) Stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop the server: %w", err)
	}
	select {
	case <-s.exited:
		return s.err
	case <-time.After(stopTimeout):
		s.Kill()
		return fmt.Errorf("the server did not end within %v of SIGTERM and was killed", stopTimeout)
	}
}

// Kill ends the server at once, as kill -9 does, and waits until it is gone.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill() // it may be gone already, which is what is wanted
	<-s.exited
}

// Request makes an authorised request to path on the server.
func (s *Server) Request(ctx context.Context, method, path string, body io.Reader) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.URL+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+Key)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}
