package proxy

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sandpiper/sandbox"
	"sandpiper/web/reply"
)

const (
	// uploadTimeout is how long a client may be silent in the middle of a body.
	uploadTimeout = time.Minute
	// takeTimeout is how long a client may take to accept what a WebSocket says.
	takeTimeout = time.Minute
	// touchInterval is how exactly activity on a long connection is known.
	touchInterval = 20 * time.Second
	// skipActivity is the header of calls that do not count as use.
	skipActivity = "X-Daytona-Skip-Last-Activity-Update"
)

// buffers are what bodies are copied through.
type buffers struct{ pool sync.Pool }

func newBuffers() *buffers {
	return &buffers{sync.Pool{New: func() any { b := make([]byte, bufferSize); return &b }}}
}

// Get implements httputil.BufferPool.
func (b *buffers) Get() []byte { return *b.pool.Get().(*[]byte) }

// Put implements httputil.BufferPool.
func (b *buffers) Put(buf []byte) { b.pool.Put(&buf) }

// toucher returns a function that notes that s is in use, at most once in
// touchInterval.
func (p *Proxy) toucher(ctx context.Context, r *http.Request, s sandbox.Sandbox, source sandbox.ActivitySource) func() {
	if r.Header.Get(skipActivity) == "true" {
		return func() {}
	}
	var last atomic.Int64
	return func() {
		now, before := time.Now().UnixNano(), last.Load()
		if now-before < int64(touchInterval) || !last.CompareAndSwap(before, now) {
			return
		}
		if err := p.manager.Touch(ctx, s.Organization, s.ID, source); err != nil && ctx.Err() == nil {
			p.log.DebugContext(ctx, "note activity", "sandbox", s.ID, "error", err)
		}
	}
}

// watch makes what is read of an answer, or written to the connection that it
// became, call touch. On a WebSocket pings do not.
func watch(res *http.Response, touch func()) {
	both, ok := res.Body.(io.ReadWriteCloser)
	switch {
	case !ok:
		res.Body = &watchedBody{res.Body, touch}
	case strings.EqualFold(res.Header.Get("Upgrade"), "websocket"):
		res.Body = &watchedSocket{ReadWriteCloser: both, touch: touch}
	default:
		res.Body = &watchedConn{both, touch}
	}
}

type watchedBody struct {
	io.ReadCloser
	touch func()
}

// Read implements io.Reader.
func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.touch()
	}
	return n, err
}

type watchedConn struct {
	io.ReadWriteCloser
	touch func()
}

// Read implements io.Reader.
func (c *watchedConn) Read(p []byte) (int, error) {
	n, err := c.ReadWriteCloser.Read(p)
	if n > 0 {
		c.touch()
	}
	return n, err
}

// Write implements io.Writer.
func (c *watchedConn) Write(p []byte) (int, error) {
	c.touch()
	return c.ReadWriteCloser.Write(p)
}

// watchedSocket is a watchedConn of a WebSocket.
type watchedSocket struct {
	io.ReadWriteCloser
	touch    func()
	from, to frames // each is of one goroutine
}

// Read implements io.Reader.
func (c *watchedSocket) Read(p []byte) (int, error) {
	n, err := c.ReadWriteCloser.Read(p)
	if c.from.says(p[:n]) {
		c.touch()
	}
	return n, err
}

// Write implements io.Writer.
func (c *watchedSocket) Write(p []byte) (int, error) {
	if c.to.says(p) {
		c.touch()
	}
	return c.ReadWriteCloser.Write(p)
}

// upload is a request's body that may take as long as it goes on: the server's
// limit for whole requests is moved along. Once a body of known length has been
// read, it is not touched again: a transport looks for more when the toolbox may
// have begun to answer, and with the answer the server closes the body, for which
// the transport would break the answer off.
type upload struct {
	io.ReadCloser
	control *http.ResponseController
	left    int64 // bytes to come; below 0 where that is not known
}

// Read implements io.Reader.
func (u *upload) Read(p []byte) (int, error) {
	if u.left == 0 {
		return 0, io.EOF
	}
	_ = u.control.SetReadDeadline(time.Now().Add(uploadTimeout)) // writers of tests have none
	n, err := u.ReadCloser.Read(p)
	if u.left > 0 {
		u.left = max(0, u.left-int64(n))
	}
	return n, err
}

// stream is where an answer goes. It takes the error for which there is no
// answer, and bounds how long a WebSocket's client may be slow. Its headers are
// apart from the server's own until the answer begins, so that what a sandbox
// says before (103 Early Hints, say) is dropped and takes nothing away.
type stream struct {
	http.ResponseWriter
	control *http.ResponseController
	header  http.Header
	err     error
}

// Header implements http.ResponseWriter.
func (s *stream) Header() http.Header { return s.header }

// WriteHeader implements http.ResponseWriter.
func (s *stream) WriteHeader(status int) {
	if status < http.StatusOK {
		return
	}
	for name, values := range s.header {
		s.ResponseWriter.Header()[name] = values
	}
	s.ResponseWriter.WriteHeader(status)
}

// trail passes on what came after an answer's body.
func (s *stream) trail() {
	for name, values := range s.header {
		if strings.HasPrefix(name, http.TrailerPrefix) || s.announced(name) {
			s.ResponseWriter.Header()[name] = values
		}
	}
}

// announced reports whether an answer said that a header comes after its body.
func (s *stream) announced(name string) bool {
	for _, line := range s.header["Trailer"] {
		for one := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(one), name) {
				return true
			}
		}
	}
	return false
}

// Unwrap lets http.ResponseController reach the writer below.
func (s *stream) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// Hijack implements http.Hijacker.
func (s *stream) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := s.control.Hijack()
	if err != nil {
		return nil, nil, err
	}
	return &slowConn{conn}, rw, nil
}

// slowConn gives its peer a time for each piece that is written.
type slowConn struct{ net.Conn }

// Write implements io.Writer.
func (c *slowConn) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(takeTimeout)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// errBroken is that a server inside gave no answer.
var errBroken = sandbox.Errorf(sandbox.KindUnavailable, "the server inside broke the connection off")

// failed notes why there is no answer, for the handler to return.
func (p *Proxy) failed(w http.ResponseWriter, r *http.Request, err error) {
	s, ok := w.(*stream)
	if !ok {
		p.errors(w, r, reply.Public(err))
		return
	}
	var e *sandbox.Error
	switch {
	case r.Context().Err() != nil:
		s.err = errors.Join(sandbox.ErrClientGone, err)
	case errors.As(err, &e) || errors.Is(err, errSilent):
		s.err = err
	case callOf(r.Context()).visit != nil:
		s.err = errors.Join(errBroken, err)
	default:
		s.err = &sandbox.Error{Kind: sandbox.KindUnavailable, Message: "the sandbox's toolbox broke the connection off; try again", RetryAfter: time.Second, Err: err}
	}
}
