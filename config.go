package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"sandpiper/sandbox"
	"sandpiper/web/preview"
)

// config is what the flags and their environment twins say.
type config struct {
	listen    string
	data      string
	publicURL string // empty: the address that is listened on

	previewListen  string // "off" for no listener of the previews' own
	previewDomain  string
	previewWarning bool
	previewPaths   *url.URL // where that listener is; nil for none

	sshListen  string // "off" for none
	sshAddress string // host:port for users; "" for the public URL's host and the port that is listened on

	open    bool
	proxies prefixes
	docker  dockerUse
	private prefixes

	quota    sandbox.Resources // of all sandboxes together; what is 0 has none
	sessions sessionBounds

	wasmInProcess bool // guests run inside the server
	wasmWorkers   int  // processes that guests run in otherwise

	verbose bool
	apiKey  string // from the environment only, so that it shows in no process list
}

// parseConfig reads flags; each unset one is taken from SANDPIPER_ and its name
// in capitals.
func parseConfig(name string, args []string) (config, error) {
	var c config
	fs := flag.NewFlagSet("sandpiper "+name, flag.ContinueOnError)
	fs.StringVar(&c.listen, "listen", "127.0.0.1:8080", "address of the pages and the API; port 0 picks one")
	fs.StringVar(&c.data, "data", defaultData(), "folder for state, keys and the compilation cache")
	fs.StringVar(&c.publicURL, "public-url", "", "where users reach this server, such as https://run.example.org")
	fs.StringVar(&c.previewListen, "preview-listen", "127.0.0.1:8081", "address of a listener for previews alone, also by paths /p/SANDBOX/PORT/; port 0 picks one, off is none")
	fs.StringVar(&c.previewDomain, "preview-domain", "localhost", "domain that the hosts of previews are below, such as 3000-SANDBOX.localhost")
	fs.BoolVar(&c.previewWarning, "preview-warning", true, "warn browsers' users once a day that a preview comes from a sandbox")
	fs.StringVar(&c.sshListen, "ssh-listen", "127.0.0.1:2222", "address of SSH into sandboxes; port 0 picks one, off is none")
	fs.StringVar(&c.sshAddress, "ssh-address", "", "host:port where users reach SSH, if it is not the public URL's host and the port listened on")
	fs.BoolVar(&c.open, "open-playground", false, "let everyone run code without signing in, rate-limited by address")
	fs.Var(&c.proxies, "trusted-proxies", "networks of proxies whose X-Forwarded-For names the client, such as 127.0.0.1/32,10.0.0.0/8")
	fs.Var(&c.docker, "docker", "containers: auto uses Docker where it answers, off never does")
	fs.Var(&c.private, "sandbox-private-networks", "private networks that a sandbox's networkAllowList may name, such as 10.1.0.0/16; all are closed otherwise")
	fs.IntVar(&c.quota.CPU, "quota-cpu", 0, "cores that started sandboxes may have together; 0 is what the machine allows")
	fs.IntVar(&c.quota.MemoryGiB, "quota-memory", 0, "GiB of memory that started sandboxes may have together; 0 is what the machine allows")
	fs.IntVar(&c.quota.DiskGiB, "quota-disk", 0, "GiB of disk that sandboxes may have together; 0 is what the machine allows")
	c.sessions.register(fs)
	fs.BoolVar(&c.wasmInProcess, "wasm-in-process", false, "run WebAssembly guests inside the server and not in a worker process: for debugging")
	fs.IntVar(&c.wasmWorkers, "wasm-workers", 1, "worker processes for WebAssembly guests; each compiles and keeps in memory what it runs")
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
	return c, errors.Join(checkPublicURL(c.publicURL), checkSSHAddress(c.sshAddress), checkQuota(c.quota), c.sessions.check())
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

func checkSSHAddress(s string) error {
	if s == "" {
		return nil
	}
	if host, port, err := net.SplitHostPort(s); err != nil || host == "" || port == "" {
		return fmt.Errorf("--ssh-address %q: give host and port, such as ssh.example.org:22", s)
	}
	return nil
}

func checkQuota(q sandbox.Resources) error {
	if q.CPU < 0 || q.MemoryGiB < 0 || q.DiskGiB < 0 {
		return fmt.Errorf("--quota-cpu %d, --quota-memory %d, --quota-disk %d: a quota is a number from 1 on, or 0 for none", q.CPU, q.MemoryGiB, q.DiskGiB)
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

// previews says where previews are, for an app that browsers reach at public.
func (c config) previews(public *url.URL) preview.Config {
	return preview.Config{Domain: c.previewDomain, Public: public, Paths: c.previewPaths}
}

// dockerUse is a flag that says whether Docker may be used. The zero value is auto.
type dockerUse struct{ off bool }

func (d *dockerUse) String() string {
	if d.off {
		return "off"
	}
	return "auto"
}

// Set implements flag.Value.
func (d *dockerUse) Set(s string) error {
	if s != "auto" && s != "off" {
		return errors.New("it is auto or off")
	}
	d.off = s == "off"
	return nil
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
