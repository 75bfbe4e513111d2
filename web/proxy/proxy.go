package proxy

import (
	"cmp"
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"strconv"
	"strings"
	"time"

	"sandpiper/sandbox"
	"sandpiper/web/auth"
	"sandpiper/web/reply"
)

// Limits of the connections into sandboxes.
const (
	bufferSize      = 64 << 10
	idlePerSandbox  = 8
	idleTotal       = 256
	idleTimeout     = 15 * time.Second // less than a toolbox keeps an idle connection
	continueTimeout = 5 * time.Second  // for a toolbox to want an announced body
	maxHeader       = 64 << 10         // of an answer
)

// Manager is what the proxy needs of the manager.
type Manager interface {
	Sandbox(ctx context.Context, org, idOrName string) (sandbox.Sandbox, error)
	ByID(ctx context.Context, id string) (sandbox.Sandbox, error)
	Dial(ctx context.Context, id string, port int) (net.Conn, error)
	Touch(ctx context.Context, org, idOrName string, source sandbox.ActivitySource) error
	ToolboxToken(s sandbox.Sandbox) string
	PreviewToken(s sandbox.Sandbox) string
	SigningKey(s sandbox.Sandbox) string
}

// Config says what the proxy stands on.
type Config struct {
	Manager      Manager
	Guard        *auth.Guard
	Organization string              // that all callers with a key or a session belong to
	Errors       reply.ErrorWriter   // writes the proxy's own errors
	Ports        map[int]PortHandler // of pages of ours; nil for none
	Log          *slog.Logger        // nil means slog.Default()
}

// Proxy serves toolboxes. It implements web.Routes.
type Proxy struct {
	manager Manager
	guard   *auth.Guard
	org     string
	errors  reply.ErrorWriter
	ports   map[int]PortHandler
	log     *slog.Logger
	reverse *httputil.ReverseProxy
	pool    *http.Transport
	calls   reply.Lifelines
}

// New returns a Proxy.
func New(cfg Config) *Proxy {
	p := &Proxy{manager: cfg.Manager, guard: cfg.Guard, org: cfg.Organization, errors: cfg.Errors, ports: cfg.Ports, log: cmp.Or(cfg.Log, slog.Default())}
	p.pool = &http.Transport{
		DialContext:            p.dial,
		DisableCompression:     true,
		MaxIdleConns:           idleTotal,
		MaxIdleConnsPerHost:    idlePerSandbox,
		IdleConnTimeout:        idleTimeout,
		ExpectContinueTimeout:  continueTimeout,
		MaxResponseHeaderBytes: maxHeader,
		ReadBufferSize:         bufferSize,
		WriteBufferSize:        bufferSize,
	}
	p.reverse = &httputil.ReverseProxy{
		Rewrite:        rewrite,
		Transport:      p.pool,
		FlushInterval:  -1, // what a stream says is passed on at once
		BufferPool:     newBuffers(),
		ModifyResponse: p.disarm,
		ErrorHandler:   p.failed,
		ErrorLog:       slog.NewLogLogger(p.log.Handler(), slog.LevelDebug),
	}
	return p
}

// Close ends connections that would last, such as those of terminals, and
// those that are idle: for http.Server.RegisterOnShutdown.
func (p *Proxy) Close() {
	p.calls.End()
	p.pool.CloseIdleConnections()
}

// Register adds the routes.
func (p *Proxy) Register(mux *http.ServeMux) {
	mux.Handle("/toolbox/{sandbox}/{rest...}", p.handler("/toolbox/", "/"))
	mux.Handle("/api/toolbox/{sandbox}/toolbox/{rest...}", p.handler("/api/toolbox/", "/toolbox/")) // of clients before 0.113
}

// handler serves requests whose path is before, a sandbox, after, and a path of
// the toolbox.
func (p *Proxy) handler(before, after string) http.Handler {
	return reply.Handler(func(w http.ResponseWriter, r *http.Request) error {
		path, ok := innerPath(r.URL.EscapedPath(), before, after)
		if !ok {
			return sandbox.Errorf(sandbox.KindNotFound, "there is nothing at %.200s", r.URL.Path)
		}
		s, err := p.authorize(r, path)
		if err != nil {
			return err
		}
		return p.serve(w, r, s, path)
	}).With(p.errors)
}

// innerPath cuts the path of the toolbox out of an escaped path. It begins with
// a slash.
func innerPath(escaped, before, after string) (string, bool) {
	rest, ok := strings.CutPrefix(escaped, before)
	if !ok {
		return "", false
	}
	_, rest, _ = strings.Cut(rest, "/")
	rest, ok = strings.CutPrefix("/"+rest, after)
	if !ok {
		return "", false
	}
	return renamed("/" + rest), true
}

// renamed is a path of the toolbox as it is called today.
func renamed(path string) string {
	switch path {
	case "/project-dir":
		return "/user-home-dir"
	case "/lsp/workspace-symbols":
		return "/lsp/workspacesymbols"
	}
	return path
}

// call is one request on its way into a sandbox, for rewrite and the rest.
type call struct {
	sandbox sandbox.Sandbox
	path    string // of the toolbox, escaped
	token   string // of the toolbox
	touch   func() // notes activity, now and then
}

type callKey struct{}

func callOf(ctx context.Context) call {
	c, _ := ctx.Value(callKey{}).(call)
	return c
}

func (p *Proxy) serve(w http.ResponseWriter, r *http.Request, s sandbox.Sandbox, path string) error {
	if err := p.reachable(r.Context(), s); err != nil {
		return err
	}
	ctx, cancel := p.calls.Attach(r.Context())
	defer cancel()
	touch := p.toucher(ctx, r, s)
	touch()
	ctx = context.WithValue(ctx, callKey{}, call{sandbox: s, path: path, token: p.manager.ToolboxToken(s), touch: touch})
	r = r.WithContext(ctx)
	out := &stream{ResponseWriter: w, control: http.NewResponseController(w), header: http.Header{}}
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = &upload{ReadCloser: r.Body, control: out.control, left: r.ContentLength}
	}
	p.reverse.ServeHTTP(out, r)
	return out.err
}

// reachable reports why s cannot be reached. A connection that is kept from
// before says nothing: what is paused holds it and does not answer.
func (p *Proxy) reachable(ctx context.Context, s sandbox.Sandbox) error {
	if s.State == sandbox.StateStarted {
		return nil
	}
	conn, err := p.manager.Dial(ctx, s.ID, sandbox.ToolboxPort)
	if err != nil {
		return err
	}
	return conn.Close()
}

// dial connects to the toolbox of the sandbox that an address names.
func (p *Proxy) dial(ctx context.Context, _, address string) (net.Conn, error) {
	conn, err := p.manager.Dial(ctx, callOf(ctx).sandbox.ID, sandbox.ToolboxPort)
	if err != nil && sandbox.KindOf(err) == sandbox.KindNotFound {
		return nil, &sandbox.Error{Kind: sandbox.KindUnavailable, Message: "the sandbox's toolbox does not answer; it may still be starting, or was ended from inside", RetryAfter: time.Second, Err: err}
	}
	return conn, err
}

// host names a sandbox since its last start: connections are kept for it alone.
func host(s sandbox.Sandbox) string {
	return s.ID + "." + strconv.FormatInt(s.Incarnation, 10) + ".sandbox:" + strconv.Itoa(sandbox.ToolboxPort)
}
