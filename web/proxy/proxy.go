package proxy

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"strconv"
	"strings"
	"time"

	"sandpiper/sandbox"
	"sandpiper/web/auth"
	"sandpiper/web/preview"
	"sandpiper/web/reply"
)

// Limits of the connections into sandboxes.
const (
	bufferSize      = 64 << 10
	visitBuffer     = 16 << 10
	idlePerSandbox  = 8
	idlePerServer   = 64
	maxPerServer    = 512 // that visits of one port hold; more wait
	idleTotal       = 256
	idleTimeout     = 15 * time.Second // less than a toolbox keeps an idle connection
	continueTimeout = 5 * time.Second  // for a toolbox to want an announced body
	maxHeader       = 64 << 10         // of an answer

	// flushTime is how long a part of an answer whose length is known may wait for
	// the next: a small page goes out in one piece. What streams say, which have no
	// length, is passed on at once.
	flushTime = 5 * time.Millisecond
)

// Manager is what the proxy needs of the manager.
type Manager interface {
	Sandbox(ctx context.Context, org, idOrName string) (sandbox.Sandbox, error)
	ByID(ctx context.Context, id string) (sandbox.Sandbox, error)
	Dial(ctx context.Context, id string, port int) (net.Conn, error)
	Touch(ctx context.Context, org, idOrName string, source sandbox.ActivitySource) error
	ToolboxToken(s sandbox.Sandbox) string
	Start(ctx context.Context, org, idOrName string) (sandbox.Sandbox, error)
	PreviewToken(s sandbox.Sandbox) string
	SigningKey(s sandbox.Sandbox) string
}

// Config says what the proxy stands on.
type Config struct {
	Manager      Manager
	Guard        *auth.Guard
	Organization string              // that all callers with a key or a session belong to
	Errors       reply.ErrorWriter   // writes the proxy's own errors
	Site         *preview.Site       // where previews are
	Links        *preview.Links      // that open signed addresses of previews
	Warn         bool                // warn browsers' users before previews
	Ports        map[int]PortHandler // of pages of ours; nil for none
	Log          *slog.Logger        // nil means slog.Default()
}

// Proxy serves toolboxes, for which it implements web.Routes, and previews, for
// which it implements web.Previews.
type Proxy struct {
	manager Manager
	guard   *auth.Guard
	org     string
	errors  reply.ErrorWriter
	site    *preview.Site
	links   *preview.Links
	warn    bool
	codes   codes
	ports   map[int]PortHandler
	log     *slog.Logger
	reverse *httputil.ReverseProxy // to toolboxes
	visits  *httputil.ReverseProxy // to servers inside
	pool    *http.Transport        // of connections to toolboxes
	servers *http.Transport        // of connections to servers inside
	calls   reply.Lifelines
}

// New returns a Proxy.
func New(cfg Config) *Proxy {
	p := &Proxy{
		manager: cfg.Manager, guard: cfg.Guard, org: cfg.Organization, errors: cfg.Errors, log: cmp.Or(cfg.Log, slog.Default()),
		site: cfg.Site, links: cfg.Links, warn: cfg.Warn, ports: cfg.Ports,
	}
	p.pool = newTransport(p.dial, bufferSize)
	p.servers = newTransport(p.dialVisit, visitBuffer)
	p.servers.MaxIdleConnsPerHost, p.servers.MaxConnsPerHost = idlePerServer, maxPerServer
	p.reverse = p.newReverse(p.pool, rewrite, p.disarm)
	p.visits = p.newReverse(p.servers, p.rewriteVisit, p.dress)
	return p
}

func newTransport(dial func(ctx context.Context, network, address string) (net.Conn, error), buffer int) *http.Transport {
	return &http.Transport{
		DialContext:            dial,
		DisableCompression:     true,
		MaxIdleConns:           idleTotal,
		MaxIdleConnsPerHost:    idlePerSandbox,
		IdleConnTimeout:        idleTimeout,
		ExpectContinueTimeout:  continueTimeout,
		MaxResponseHeaderBytes: maxHeader,
		ReadBufferSize:         buffer,
		WriteBufferSize:        buffer,
	}
}

func (p *Proxy) newReverse(pool *http.Transport, rewrite func(*httputil.ProxyRequest), modify func(*http.Response) error) *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Rewrite:        rewrite,
		Transport:      pool,
		FlushInterval:  flushTime,
		BufferPool:     newBuffers(),
		ModifyResponse: modify,
		ErrorHandler:   p.failed,
		ErrorLog:       slog.NewLogLogger(p.log.Handler(), slog.LevelDebug),
	}
}

// Close ends connections that would last, such as those of terminals, and
// those that are idle: for http.Server.RegisterOnShutdown.
func (p *Proxy) Close() {
	p.calls.End()
	p.pool.CloseIdleConnections()
	p.servers.CloseIdleConnections()
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
	port    int
	path    string        // inside, escaped
	token   string        // of the toolbox
	touch   func()        // notes activity, now and then
	visit   *visit        // of a preview; nil for a toolbox
	from    *http.Request // what a visitor sent
}

type callKey struct{}

func callOf(ctx context.Context) call {
	c, _ := ctx.Value(callKey{}).(call)
	return c
}

func (p *Proxy) serve(w http.ResponseWriter, r *http.Request, s sandbox.Sandbox, path string) error {
	if err := p.reachable(r.Context(), s, sandbox.ToolboxPort); err != nil {
		return err
	}
	ctx, cancel := p.attach(r)
	defer cancel()
	touch := p.toucher(ctx, r, s, sandbox.ActivityToolbox)
	touch()
	ctx = context.WithValue(ctx, callKey{}, call{sandbox: s, port: sandbox.ToolboxPort, path: path, token: p.manager.ToolboxToken(s), touch: touch})
	r = r.WithContext(ctx)
	out := &stream{ResponseWriter: w, control: http.NewResponseController(w), header: http.Header{}}
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = &upload{ReadCloser: r.Body, control: out.control, left: r.ContentLength}
	}
	p.reverse.ServeHTTP(out, r)
	return out.err
}

// attach returns the context of a call, which ends with the server and with the
// credential that let it in.
func (p *Proxy) attach(r *http.Request) (context.Context, context.CancelFunc) {
	ctx, release := auth.Lasting(r.Context())
	ctx, cancel := p.calls.Attach(ctx)
	return ctx, func() {
		cancel()
		release()
	}
}

// reachable reports why s cannot be reached. A connection that is kept from
// before says nothing: what is paused holds it and does not answer.
func (p *Proxy) reachable(ctx context.Context, s sandbox.Sandbox, port int) error {
	if s.State == sandbox.StateStarted {
		return nil
	}
	conn, err := p.manager.Dial(ctx, s.ID, port)
	if err != nil && port != sandbox.ToolboxPort && sandbox.KindOf(err) == sandbox.KindNotFound {
		return errors.Join(errSilent, err)
	}
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

// host names a port of a sandbox since its last start: connections are kept for
// it alone.
func host(s sandbox.Sandbox, port int) string {
	return s.ID + "." + strconv.FormatInt(s.Incarnation, 10) + ".sandbox:" + strconv.Itoa(port)
}
