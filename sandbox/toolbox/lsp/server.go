package lsp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"time"

	"sandpiper/sandbox/guest"
	"sandpiper/sandbox/toolbox/answer"
)

// server is a running language server of one project.
type server struct {
	lang    *language
	project string
	fs      guest.FS
	proc    guest.Process
	conn    *conn
	stderr  *tail
	kill    context.CancelFunc
	ended   chan struct{} // closed when the process is gone and all is cleared away
	idle    *time.Timer

	// finds tells whether the server can search the whole project itself.
	finds bool

	mu   sync.Mutex // one request about documents at a time
	docs map[string]*document
}

// document is a file that the server knows the content of.
type document struct {
	version int
	text    string
}

// launch starts a language server and introduces itself to it. ctx is the
// server's life; starting is given at most limit.
func launch(ctx context.Context, g guest.Guest, lang *language, project string, limit time.Duration) (*server, error) {
	ctx, kill := context.WithCancel(ctx)
	s := &server{lang: lang, project: project, fs: g.FS(), stderr: &tail{}, kill: kill, ended: make(chan struct{}), docs: map[string]*document{}}
	stdin, in := io.Pipe()
	out, stdout := io.Pipe()
	proc, err := g.Start(ctx, guest.Cmd{Args: lang.command, Dir: project, Env: g.Info().Env, Stdin: stdin, Stdout: stdout, Stderr: s.stderr})
	if err != nil {
		kill()
		return nil, startError(g, lang, err)
	}
	s.proc = proc
	var wg sync.WaitGroup
	s.conn = newConn(ctx, out, in, &wg)
	wg.Go(func() { // a server that cannot be talked to is of no use
		<-s.conn.done
		kill()
		_ = out.Close()
	})
	go func() {
		defer close(s.ended)
		status, err := proc.Wait()
		s.conn.close(s.reason(status, err))
		_ = stdin.Close()
		_ = stdout.Close()
		kill()
		wg.Wait()
	}()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := s.initialize(ctx); err != nil {
		s.kill()
		<-s.ended
		return nil, s.initError(g, err)
	}
	return s, nil
}

// startError is the error of a program that cannot be started.
func startError(g guest.Guest, lang *language, err error) error {
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, errors.ErrUnsupported) {
		return notInstalled(g, lang, err)
	}
	return fmt.Errorf("start %s: %w", lang.command[0], err)
}

func notInstalled(g guest.Guest, lang *language, err error) error {
	message := fmt.Sprintf("%s, the language server for %s, is not installed in this sandbox; install it with %q, or use the default container snapshot, which has it", lang.command[0], lang.id, lang.install)
	if len(g.Info().Lacks) > 0 {
		message = fmt.Sprintf("this sandbox cannot run %s, the language server for %s; use a sandbox of a container snapshot such as sandpiper-small, which can", lang.command[0], lang.id)
	}
	return &answer.Error{Status: http.StatusBadRequest, Code: "BAD_REQUEST", Message: message, Err: err}
}

// initError is the error of a server that started and then was of no use. Exit
// codes 126 and 127 are those of a shell that finds no program.
func (s *server) initError(g guest.Guest, err error) error {
	var ended *endedError
	var exit *exitError
	switch {
	case errors.As(err, &ended) && errors.As(ended.reason, &exit) && (exit.code == 126 || exit.code == 127):
		return notInstalled(g, s.lang, err)
	case errors.As(err, &ended):
		return &answer.Error{Status: http.StatusInternalServerError, Code: "INTERNAL_SERVER_ERROR", Message: s.lang.command[0] + " ended as it started: " + ended.Error(), Err: err}
	case errors.Is(err, context.DeadlineExceeded):
		return answer.Errorf(http.StatusRequestTimeout, "REQUEST_TIMEOUT", "%s did not get ready in time", s.lang.command[0])
	}
	return s.public(err)
}

// exitError is how a server's process ended.
type exitError struct {
	code   int
	stderr string
}

// Error implements error.
func (e *exitError) Error() string {
	text := fmt.Sprintf("its exit code was %d", e.code)
	if e.stderr != "" {
		text += " after it wrote: " + e.stderr
	}
	return text
}

func (s *server) reason(status guest.ExitStatus, err error) error {
	if err != nil {
		return err
	}
	return &exitError{status.Code, s.stderr.String()}
}

// initialize makes the server ready for requests about the project.
func (s *server) initialize(ctx context.Context) error {
	root := fileURI(s.project)
	params := map[string]any{
		"processId": nil, "rootUri": root, "rootPath": s.project,
		"workspaceFolders": []any{map[string]any{"uri": root, "name": s.project}},
		"capabilities": map[string]any{
			"textDocument": map[string]any{
				"synchronization": map[string]any{},
				"completion":      map[string]any{"completionItem": map[string]any{"snippetSupport": false}, "contextSupport": true},
				"documentSymbol":  map[string]any{"hierarchicalDocumentSymbolSupport": false},
			},
			"workspace": map[string]any{"symbol": map[string]any{}, "configuration": true, "workspaceFolders": true},
		},
	}
	var result struct {
		Capabilities struct {
			WorkspaceSymbolProvider any `json:"workspaceSymbolProvider"`
		} `json:"capabilities"`
	}
	if err := s.conn.call(ctx, "initialize", params, &result); err != nil {
		return err
	}
	p := result.Capabilities.WorkspaceSymbolProvider
	s.finds = p != nil && p != false
	return s.conn.notify(ctx, "initialized", map[string]any{})
}

// stop asks the server to end, and kills it when it does not.
func (s *server) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	if s.conn.call(ctx, "shutdown", nil, nil) == nil {
		_ = s.conn.notify(ctx, "exit", nil)
		select {
		case <-s.ended:
		case <-ctx.Done():
		}
	}
	s.kill()
	<-s.ended
}

// running tells whether the server has not ended.
func (s *server) running() bool {
	select {
	case <-s.conn.done:
		return false
	default:
		return true
	}
}

// fileURI returns the address of a file.
func fileURI(name string) string { return (&url.URL{Scheme: "file", Path: name}).String() }

// tail keeps the end of what a server writes to its standard error.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const maxTail = 2 << 10

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p[max(0, len(p)-maxTail):]...)
	t.text = t.text[max(0, len(t.text)-maxTail):]
	return len(p), nil
}

// String returns the end, without broken characters.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(strings.ToValidUTF8(string(t.text), ""))
}
