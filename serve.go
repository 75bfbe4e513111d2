package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"time"

	"sandpiper/runtimes/needs"
	"sandpiper/runtimes/wasm"
	"sandpiper/sandbox"
	"sandpiper/sandbox/datadir"
	"sandpiper/sandbox/scheduler"
	"sandpiper/sandbox/sqlite"
	"sandpiper/static"
	"sandpiper/web"
	"sandpiper/web/api"
	"sandpiper/web/auth"
	"sandpiper/web/proxy"
	"sandpiper/web/run"
	"sandpiper/web/run/codapi"
	"sandpiper/web/run/piston"
	"sandpiper/web/ui"
)

// lockPatience is how long a start waits for the data folder of a server that
// was just killed.
const lockPatience = 2 * time.Second

// serve runs the server until ctx ends, and then until what it accepted is done.
func serve(ctx context.Context, cfg config, out io.Writer) (err error) {
	log := newLog(cfg.verbose)
	dir, err := datadir.Await(cfg.data, lockPatience)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	listener, err := net.Listen("tcp", cfg.listen)
	if err != nil {
		return err
	}
	defer listener.Close() // again after the server's own; for the returns before it serves
	local := "http://" + listener.Addr().String()
	if cfg.publicURL == "" {
		cfg.publicURL = local
	}
	previews, err := listenPreviews(cfg.previewListen)
	if err != nil {
		return err
	}
	if previews != nil {
		defer previews.Close()
		cfg.previewPaths = &url.URL{Scheme: "http", Host: previews.Addr().String()}
	}
	shells, err := listenSSH(&cfg)
	if err != nil {
		return err
	}
	if shells != nil {
		defer shells.Close()
	}

	key, made, err := dir.AdminKey(cfg.apiKey)
	if err != nil {
		return err
	}
	s, err := assemble(ctx, cfg, dir, key, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := dir.Announce(local); err != nil {
		return err
	}
	greet(out, cfg, s, local, dir, key, made)
	return s.serve(ctx, listener, previews, shells)
}

// listenPreviews listens for previews alone; nil for off.
func listenPreviews(address string) (net.Listener, error) {
	if address == "off" {
		return nil, nil
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("--preview-listen: %w", err)
	}
	return listener, nil
}

// listenSSH listens for SSH, and notes where users reach it; nil for off.
func listenSSH(cfg *config) (net.Listener, error) {
	if cfg.sshListen == "off" {
		return nil, nil
	}
	listener, err := net.Listen("tcp", cfg.sshListen)
	if err != nil {
		return nil, fmt.Errorf("--ssh-listen: %w (is another server there? off is for no SSH)", err)
	}
	if cfg.sshAddress != "" {
		return listener, nil
	}
	cfg.sshAddress = listener.Addr().String()
	// Who listens everywhere is reached by the public URL's host.
	if addr, ok := listener.Addr().(*net.TCPAddr); ok && addr.IP.IsUnspecified() {
		cfg.sshAddress = fmt.Sprintf(":%d", addr.Port)
	}
	return listener, nil
}

func newLog(verbose bool) *slog.Logger {
	level := slog.LevelInfo
	if verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
}

// greet prints where the server is and how to get in. The first line is for
// programs, too.
func greet(out io.Writer, cfg config, s *server, local string, dir *datadir.Dir, key string, made bool) {
	fmt.Fprintf(out, "sandpiper: serving %s\n", local)
	if cfg.open {
		fmt.Fprintf(out, "  playground  %s  (open to everyone)\n", cfg.publicURL)
	}
	fmt.Fprintf(out, "  previews    %s\n", s.sandboxes.site.Template())
	if cfg.previewPaths != nil {
		fmt.Fprintf(out, "              %s  (previews alone; also /p/SANDBOX/PORT/)\n", cfg.previewPaths)
	}
	if s.sandboxes.ssh != nil {
		fmt.Fprintf(out, "  SSH         ssh://%s  (host key %s)\n", cfg.sshAddress, s.sandboxes.ssh.Fingerprint())
	}
	link, expires := s.guard.SignInURL()
	fmt.Fprintf(out, "  sign in     %s  (once, until %s)\n", link, expires.Format("15:04"))
	switch {
	case made:
		fmt.Fprintf(out, "  API key     %s  (shown once; kept in %s)\n", key, dir.KeyFile())
	case cfg.apiKey == "":
		fmt.Fprintf(out, "  API key     in %s\n", dir.KeyFile())
	default:
		fmt.Fprintf(out, "  API key     from SANDPIPER_API_KEY\n")
	}
}

// server is everything that serve puts together.
type server struct {
	db        *sqlite.DB
	guests    *guests
	sessions  *sessions
	scheduler *scheduler.Scheduler
	sandboxes *sandboxes
	guard     *auth.Guard
	ui        *ui.Handler // pages of quick runs
	http      *web.Server
	previews  *web.Server // of their own listener
}

// assemble opens and wires all parts. On an error it leaves nothing open.
func assemble(ctx context.Context, cfg config, dir *datadir.Dir, key string, log *slog.Logger) (_ *server, err error) {
	s := &server{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	public, err := url.Parse(cfg.publicURL)
	if err != nil {
		return nil, err
	}
	assets, err := static.Embedded()
	if err != nil {
		return nil, err
	}
	salt, err := dir.Salt()
	if err != nil {
		return nil, fmt.Errorf("read the salt of shared programs: %w", err)
	}
	// They start while what follows is opened.
	if s.guests, err = openGuests(cfg, dir, log); err != nil {
		return nil, err
	}
	if s.db, err = sqlite.Open(ctx, dir.Database()); err != nil {
		return nil, err
	}
	hash := sha256.Sum256([]byte(key))
	if err := s.db.PutAPIKey(ctx, sandbox.APIKey{ID: adminKeyID, Name: "admin", Hash: hash[:], CreatedAt: time.Now()}); err != nil {
		return nil, fmt.Errorf("store the admin key: %w", err)
	}
	s.guard, err = auth.New(auth.Config{Store: s.db, PublicURL: public, Open: cfg.open, TrustedProxies: cfg.proxies, Log: log})
	if err != nil {
		return nil, err
	}
	if err := s.guests.await(ctx); err != nil {
		return nil, err
	}
	if s.sessions, err = openSessions(ctx, s.guests.kernels, dir, s.db, s.guard, cfg.sessions, log); err != nil {
		return nil, err
	}
	ready := func() error { return ready(ctx) }
	s.sandboxes, err = openSandboxes(ctx, sandboxConfig{
		dir: dir, db: s.db, guard: s.guard, assets: assets, languages: s.guests.languages, public: public, previews: cfg.previews(public), warn: cfg.previewWarning, ssh: cfg.sshAddress, docker: !cfg.docker.off, private: cfg.private, quota: cfg.quota, open: cfg.open, ready: ready, log: log,
	})
	if err != nil {
		return nil, err
	}
	s.scheduler = scheduler.New(scheduler.Config{
		Runners: append([]sandbox.CodeRunner{s.guests.runner}, s.sandboxes.runners...), Needs: needs.Reason, Missing: wasm.Missing, Store: s.db, Log: log,
	})
	handlers := s.handlers(ui.Config{Snippets: s.db, Assets: assets, PublicURL: public, Salt: salt, Log: log}, ready)
	s.http, s.previews = web.NewServer(web.New(handlers), log), web.NewServer(web.NewPreviews(handlers), log)
	s.http.RegisterOnShutdown(s.sandboxes.hangUp)
	s.http.RegisterOnShutdown(s.sessions.hangUp)
	s.http.RegisterOnShutdown(s.ui.HangUp)
	return s, nil
}

// handlers is what the server serves. pages is what those of quick runs stand on.
func (s *server) handlers(pages ui.Config, ready func() error) web.Config {
	desk := run.Desk{Scheduler: s.scheduler, Guard: s.guard}
	pages.Desk, pages.Operations = desk, s.sandboxes.operations()
	pages.Sessions, pages.SessionOperations = s.guests.kernels.KernelLanguages, s.sessions.operations()
	s.ui = ui.New(pages)
	return web.Config{
		Guard: s.guard,
		API: append(append(s.sandboxes.routes(), s.sessions.routes()...),
			run.New(run.Config{Desk: desk, Version: version, More: s.sessions.api.Operations()}),
			piston.New(desk, sandbox.Limits{}),
			codapi.New(desk),
		),
		Pages:    append(s.sandboxes.pages(), s.ui, s.notebooks(pages), proxy.Pages{Proxy: s.sandboxes.proxy}),
		Gate:     web.Gate{Open: s.sandboxes.manager.Booted(), Errors: api.WriteError},
		Previews: s.sandboxes.proxy,
		Ready:    ready,
		Version:  version,
		Log:      pages.Log,
	}
}

// ready says why a server that ends with ctx takes no more work.
func ready(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	return &sandbox.Error{Kind: sandbox.KindUnavailable, Message: "the server is shutting down", RetryAfter: drainTimeout}
}

// serve answers requests until ctx ends; those about sandboxes wait until the
// engines have said what they hold. Then it lets the accepted runs end and their
// last answers out.
func (s *server) serve(ctx context.Context, listener, previews, shells net.Listener) error {
	ctx, giveUp := context.WithCancel(ctx)
	defer giveUp()
	booted := make(chan error, 1)
	go func() {
		err := s.sandboxes.manager.Boot(ctx)
		if err != nil && ctx.Err() == nil {
			err = fmt.Errorf("take over the sandboxes: %w", err)
			giveUp()
		}
		booted <- err
	}()
	failed := make(chan error, 3)
	servers := []*web.Server{s.http}
	go func() { failed <- s.http.Serve(listener) }()
	if previews != nil {
		servers = append(servers, s.previews)
		go func() { failed <- s.previews.Serve(previews) }()
	}
	if shells != nil {
		go func() {
			select { // who connects meanwhile waits to be accepted
			case <-s.sandboxes.manager.Booted():
			case <-ctx.Done():
			}
			if err := s.sandboxes.ssh.Serve(shells); err != nil {
				failed <- err
			}
		}()
	}
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	err := <-booted
	if errors.Is(err, context.Canceled) {
		err = nil // the end came first
	}
	drain, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	err = errors.Join(err, s.scheduler.Drain(drain))
	goodbye, cancel := context.WithTimeout(context.Background(), goodbyeTimeout)
	defer cancel()
	err = errors.Join(err, s.sandboxes.endSSH(goodbye))
	for _, server := range servers {
		if server.Shutdown(goodbye) != nil { // somebody keeps a connection busy
			err = errors.Join(err, server.Close())
		}
		<-failed
	}
	return err
}

// close ends the parts in the reverse order of their making.
func (s *server) close() error {
	var errs []error
	if s.scheduler != nil {
		errs = append(errs, s.scheduler.Close())
	}
	if s.sandboxes != nil {
		errs = append(errs, s.sandboxes.close())
	}
	if s.sessions != nil {
		errs = append(errs, s.sessions.close())
	}
	if s.guests != nil {
		errs = append(errs, s.guests.close())
	}
	if s.guard != nil {
		s.guard.Close()
	}
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	return errors.Join(errs...)
}
