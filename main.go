// Command sandpiper serves a place to run code: a playground in the browser and
// an API, with WebAssembly runtimes inside the process.
//
//	sandpiper serve     serve (the default)
//	sandpiper doctor    say what works here, what is missing and how to get it
//	sandpiper version   print the version
package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"sandpiper/runtimes/catalog"
	"sandpiper/runtimes/wasm"
	"sandpiper/sandbox"
	"sandpiper/sandbox/datadir"
	"sandpiper/sandbox/scheduler"
	"sandpiper/sandbox/sqlite"
	"sandpiper/static"
	"sandpiper/web"
	"sandpiper/web/auth"
	"sandpiper/web/run"
	"sandpiper/web/run/codapi"
	"sandpiper/web/run/piston"
	"sandpiper/web/ui"
)

// version is set by the linker.
var version = "development"

const (
	// drainTimeout is how long runs may go on after the server is told to stop.
	drainTimeout = 10 * time.Second
	// goodbyeTimeout is how long the last answers may take after that.
	goodbyeTimeout = 2 * time.Second
	// adminKeyID names the key of the data folder among the API keys.
	adminKeyID = "admin"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command(ctx, os.Args[1:], os.Stdout)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "sandpiper:", err)
		os.Exit(1)
	}
}

// command runs the subcommand that args name.
func command(ctx context.Context, args []string, out io.Writer) error {
	name := "serve"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		name, args = args[0], args[1:]
	}
	switch name {
	case "serve":
		cfg, err := parseConfig(name, args)
		if err != nil {
			return err
		}
		return serve(ctx, cfg, out)
	case "doctor":
		cfg, err := parseConfig(name, args)
		if err != nil {
			return err
		}
		return doctor(ctx, cfg, out)
	case "version":
		_, err := fmt.Fprintln(out, "sandpiper", version, runtime.Version(), runtime.GOOS+"/"+runtime.GOARCH)
		return err
	}
	return fmt.Errorf("unknown command %q: use serve, doctor or version", name)
}

// config is what the flags and their environment twins say.
type config struct {
	listen    string
	data      string
	publicURL string // empty: the address that is listened on
	open      bool
	proxies   prefixes
	verbose   bool
	apiKey    string // from the environment only, so that it shows in no process list
}

// parseConfig reads flags; each unset one is taken from SANDPIPER_ and its name
// in capitals.
func parseConfig(name string, args []string) (config, error) {
	var c config
	fs := flag.NewFlagSet("sandpiper "+name, flag.ContinueOnError)
	fs.StringVar(&c.listen, "listen", "127.0.0.1:8080", "address of the pages and the API; port 0 picks one")
	fs.StringVar(&c.data, "data", defaultData(), "folder for state, keys and the compilation cache")
	fs.StringVar(&c.publicURL, "public-url", "", "where users reach this server, such as https://run.example.org")
	fs.BoolVar(&c.open, "open-playground", false, "let everyone run code without signing in, rate-limited by address")
	fs.Var(&c.proxies, "trusted-proxies", "networks of proxies whose X-Forwarded-For names the client, such as 127.0.0.1/32,10.0.0.0/8")
	fs.BoolVar(&c.verbose, "verbose", false, "log every request")
	if err := fs.Parse(args); err != nil {
		return c, err
	}
	if fs.NArg() > 0 {
		return c, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	if err := fromEnvironment(fs, os.LookupEnv); err != nil {
		return c, err
	}
	c.apiKey = os.Getenv("SANDPIPER_API_KEY")
	return c, checkPublicURL(c.publicURL)
}

// fromEnvironment sets each flag that the command line left alone from its
// environment twin: --public-url from SANDPIPER_PUBLIC_URL.
func fromEnvironment(fs *flag.FlagSet, lookup func(string) (string, bool)) error {
	given := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	var errs []error
	fs.VisitAll(func(f *flag.Flag) {
		twin := "SANDPIPER_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value, ok := lookup(twin)
		if !ok || given[f.Name] {
			return
		}
		if err := f.Value.Set(value); err != nil {
			errs = append(errs, fmt.Errorf("%s=%q: %w", twin, value, err))
		}
	})
	return errors.Join(errs...)
}

func checkPublicURL(s string) error {
	if s == "" {
		return nil
	}
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || strings.Trim(u.Path, "/") != "" {
		return fmt.Errorf("--public-url %q: give scheme and host only, such as https://run.example.org", s)
	}
	return nil
}

// defaultData is a folder of the user's own, or one beside the program where
// the user has no home.
func defaultData() string {
	if dir := os.Getenv("XDG_DATA_HOME"); dir != "" {
		return filepath.Join(dir, "sandpiper")
	}
	if home, err := os.UserHomeDir(); err == nil {
		return filepath.Join(home, ".local", "share", "sandpiper")
	}
	return "data"
}

// prefixes is a flag of comma-separated networks.
type prefixes []netip.Prefix

func (p *prefixes) String() string { return "" }

// Set implements flag.Value.
func (p *prefixes) Set(s string) error {
	for _, field := range strings.Split(s, ",") {
		prefix, err := netip.ParsePrefix(strings.TrimSpace(field))
		if err != nil {
			return err
		}
		*p = append(*p, prefix)
	}
	return nil
}

// serve runs the server until ctx ends, and then until what it accepted is done.
func serve(ctx context.Context, cfg config, out io.Writer) (err error) {
	log := newLog(cfg.verbose)
	dir, err := datadir.Open(cfg.data)
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
	return s.serve(ctx, listener)
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
	engine    *wasm.Engine
	scheduler *scheduler.Scheduler
	guard     *auth.Guard
	http      *web.Server
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
	s.engine, err = wasm.New(wasm.Config{CacheDir: dir.Cache(), RunDir: dir.Runs(), LanguageDir: dir.Languages(), Log: log})
	if err != nil {
		return nil, err
	}
	s.scheduler = scheduler.New(scheduler.Config{Runners: []sandbox.CodeRunner{s.engine}, Store: s.db, Log: log})
	desk := run.Desk{Scheduler: s.scheduler, Guard: s.guard}
	s.http = web.NewServer(web.New(web.Config{
		Guard: s.guard,
		API: []web.Routes{
			run.New(run.Config{Desk: desk, Version: version}),
			piston.New(desk, sandbox.Limits{}),
			codapi.New(desk),
		},
		Pages:   ui.New(ui.Config{Desk: desk, Snippets: s.db, Assets: assets, PublicURL: public, Salt: salt, Log: log}),
		Ready:   func() error { return ready(ctx) },
		Version: version,
		Log:     log,
	}), log)
	return s, nil
}

// ready says why a server that ends with ctx takes no more work.
func ready(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	return &sandbox.Error{Kind: sandbox.KindUnavailable, Message: "the server is shutting down", RetryAfter: drainTimeout}
}

// serve answers requests until ctx ends. Then it lets the accepted runs end and
// their last answers out.
func (s *server) serve(ctx context.Context, listener net.Listener) error {
	failed := make(chan error, 1)
	go func() { failed <- s.http.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	err := s.scheduler.Drain(drain)
	goodbye, cancel := context.WithTimeout(context.Background(), goodbyeTimeout)
	defer cancel()
	if s.http.Shutdown(goodbye) != nil { // somebody keeps a connection busy
		err = errors.Join(err, s.http.Close())
	}
	<-failed
	return err
}

// close ends the parts in the reverse order of their making.
func (s *server) close() error {
	var errs []error
	if s.scheduler != nil {
		errs = append(errs, s.scheduler.Close())
	}
	if s.engine != nil {
		errs = append(errs, s.engine.Close())
	}
	if s.guard != nil {
		s.guard.Close()
	}
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	return errors.Join(errs...)
}

// doctor says what works here, what is missing and how to get it. It looks at
// this program and machine, and asks the server of the data folder when one runs.
func doctor(ctx context.Context, cfg config, out io.Writer) error {
	fmt.Fprintf(out, "sandpiper %s, %s/%s, %d cores\n", version, runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	bad := false
	report := func(name string, err error, fine string) {
		if err != nil {
			bad = true
			fmt.Fprintf(out, "  missing  %-12s %v\n", name, err)
			return
		}
		fmt.Fprintf(out, "  ok       %-12s %s\n", name, fine)
	}
	assets, err := static.Embedded()
	if err == nil && !assets.Built() {
		err = errors.New("this binary was built without its pages: run make build")
	}
	report("pages", err, "built in")
	for _, l := range catalog.Languages() {
		m, err := catalog.OpenModule(l.Module)
		if err == nil {
			err = m.Close()
		}
		report(l.ID, err, l.Name+" "+l.Version+", built in")
	}
	report("data", checkData(cfg.data), cfg.data)
	if _, err := exec.LookPath("docker"); err != nil {
		fmt.Fprintln(out, "  note     docker       not installed; nothing of this version needs it")
	}
	if err := askServer(ctx, cfg, out); err != nil {
		fmt.Fprintf(out, "  note     server       %v\n", err)
	}
	if bad {
		return errors.New("something is missing: see above")
	}
	return nil
}

// checkData reports why a server could not keep its data in a folder. A folder
// that a running server holds is fine.
func checkData(path string) error {
	dir, err := datadir.Open(path)
	if errors.Is(err, datadir.ErrLocked) {
		return nil
	}
	if err != nil {
		return err
	}
	return dir.Close()
}

// askServer prints the state of each language on the data folder's server.
func askServer(ctx context.Context, cfg config, out io.Writer) error {
	address, err := datadir.ServerURL(cfg.data)
	if err != nil {
		return errors.New("none has run in this data folder yet: sandpiper serve starts one")
	}
	ctx, cancel := context.WithTimeout(ctx, goodbyeTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/v1/languages", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("none answers at %s: sandpiper serve starts one", address)
	}
	defer resp.Body.Close()
	var answer struct {
		Languages []struct{ ID, State, Stage string }
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&answer); err != nil {
		return fmt.Errorf("the server at %s gave an answer that is not ours: %w", address, err)
	}
	fmt.Fprintf(out, "server at %s\n", address)
	for _, l := range answer.Languages {
		fmt.Fprintf(out, "  %-9s %-12s %s\n", l.State, l.ID, l.Stage)
	}
	return nil
}
