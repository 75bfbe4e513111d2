package main

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"

	"github.com/google/uuid"

	"sandpiper/components"
	"sandpiper/runtimes/docker"
	"sandpiper/runtimes/docker/runner"
	"sandpiper/runtimes/wasm/computer"
	"sandpiper/runtimes/wasm/program"
	"sandpiper/sandbox"
	"sandpiper/sandbox/datadir"
	"sandpiper/sandbox/gitrepo"
	"sandpiper/sandbox/guest"
	"sandpiper/sandbox/manager"
	"sandpiper/sandbox/scheduler"
	"sandpiper/sandbox/sqlite"
	"sandpiper/sandbox/sshaccess"
	"sandpiper/sandbox/toolbox"
	"sandpiper/static"
	"sandpiper/web"
	"sandpiper/web/api"
	"sandpiper/web/auth"
	"sandpiper/web/dashboard"
	"sandpiper/web/dashboard/sandboxpage"
	"sandpiper/web/desktop"
	"sandpiper/web/playground"
	"sandpiper/web/preview"
	"sandpiper/web/proxy"
	"sandpiper/web/sshgateway"
	"sandpiper/web/workbench"
)

// sandboxImage is the image of the built-in container snapshots, which
// `make docker` builds.
const sandboxImage = "sandpiper/sandbox:1"

// localRegion is the one region of a server on one machine. Clients that were
// made for servers with several ask for us or eu.
var localRegion = sandbox.Region{ID: "local", Name: "local", Aliases: []string{"us", "eu"}}

// maxEach is the most that one sandbox may ask for; what the machine has bounds
// it further.
var maxEach = sandbox.Resources{CPU: 16, MemoryGiB: 64, DiskGiB: 200}

// sandboxes is what serves whole sandboxes, and quick runs in containers.
type sandboxes struct {
	closers []io.Closer          // engines and what stands on them, in the order of their making
	runners []sandbox.CodeRunner // of single programs in containers; none without Docker
	manager *manager.Manager
	site    *preview.Site
	proxy   *proxy.Proxy
	api     *api.Handler
	ssh     *sshgateway.Gateway // nil where SSH is off
	frame   *sandboxpage.Pages

	workbench  *workbench.Handler
	playground *playground.Handler
	terminal   *workbench.Port
	desktop    *desktop.Handler
	dashboard  *dashboard.Handler
}

// sandboxConfig is what sandboxes stand on.
type sandboxConfig struct {
	dir       *datadir.Dir
	db        *sqlite.DB
	guard     *auth.Guard
	assets    *static.Assets
	languages program.Engine
	public    *url.URL
	previews  preview.Config
	warn      bool              // before previews
	ssh       string            // host:port of SSH for users; "" where it is off
	docker    bool              // containers may be used
	private   []netip.Prefix    // networks that lists of what sandboxes may reach may name
	quota     sandbox.Resources // of all sandboxes together; what is 0 has none
	open      bool              // everyone may run code
	ready     func() error
	log       *slog.Logger
}

// openSandboxes opens the engines and what stands on them. On an error it
// leaves nothing open.
func openSandboxes(ctx context.Context, cfg sandboxConfig) (_ *sandboxes, err error) {
	s := &sandboxes{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	secret, err := cfg.dir.SandboxSecret()
	if err != nil {
		return nil, fmt.Errorf("read the secret of sandboxes: %w", err)
	}
	engines, err := s.openEngines(cfg)
	if err != nil {
		return nil, err
	}
	owner, err := personalOrganization(cfg.dir, secret)
	if err != nil {
		return nil, err
	}
	owner.Quota = cfg.quota
	placer := scheduler.NewPlacer(scheduler.PlacerConfig{
		Engines: engines, Region: localRegion, Log: cfg.log,
		Quota: func(string) sandbox.Resources { return owner.Quota },
	})
	s.manager, err = manager.New(ctx, manager.Config{
		Engines: engines, Store: cfg.db, Placer: placer, Secret: secret,
		Organization: owner, Region: localRegion, Version: version, Image: sandboxImage, Log: cfg.log,
	})
	if err != nil {
		return nil, err
	}
	if s.site, err = preview.NewSite(cfg.previews); err != nil {
		return nil, err
	}
	links, err := preview.NewLinks(ctx, s.manager, cfg.db)
	if err != nil {
		return nil, err
	}
	s.openPages(cfg, owner.ID)
	s.proxy = proxy.New(proxy.Config{
		Manager: s.manager, Guard: cfg.guard, Organization: owner.ID, Errors: api.WriteError,
		Site: s.site, Links: links, Warn: cfg.warn, Ports: s.pagePorts(), Log: cfg.log,
	})
	shells, err := s.openSSH(cfg)
	if err != nil {
		return nil, err
	}
	s.api = api.New(api.Config{
		SSH: shells, SSHAddress: cfg.ssh, Manager: s.manager, Keys: cfg.db, Guard: cfg.guard, Organization: owner,
		PublicURL: cfg.public, Site: s.site, Links: links, Warn: cfg.warn, Toolbox: toolboxAPI(), Version: version, Ready: cfg.ready, Log: cfg.log,
	})
	s.openDashboard(cfg, owner, shells)
	return s, nil
}

// openSSH opens the SSH gateway, and returns where its tokens are given out; nil
// where SSH is off.
func (s *sandboxes) openSSH(cfg sandboxConfig) (sshDesk, error) {
	if cfg.ssh == "" {
		return nil, nil
	}
	seed, err := cfg.dir.SSHSeed()
	if err != nil {
		return nil, fmt.Errorf("read the seed of the SSH host key: %w", err)
	}
	desk := sshaccess.New(cfg.db, s.manager)
	s.ssh, err = sshgateway.New(sshgateway.Config{Manager: s.manager, Desk: desk, HostKey: ed25519.NewKeyFromSeed(seed), Log: cfg.log})
	return desk, err
}

// endSSH tells those who are connected by SSH that the server shuts down, and
// ends their connections.
func (s *sandboxes) endSSH(ctx context.Context) error {
	if s.ssh == nil {
		return nil
	}
	return s.ssh.Shutdown(ctx)
}

// openEngines opens the engines, the preferred one first.
func (s *sandboxes) openEngines(cfg sandboxConfig) ([]sandbox.Engine, error) {
	var engines []sandbox.Engine
	if cfg.docker {
		containers, err := s.openDocker(cfg)
		if err != nil {
			return nil, err
		}
		engines = append(engines, containers)
	}
	computers, err := computer.New(computer.Config{
		Dir: cfg.dir.Sandboxes(), Languages: cfg.languages, Version: version, Log: cfg.log,
		NewToolbox: func(g guest.Guest, spec sandbox.Spec) computer.Toolbox {
			return toolbox.New(toolbox.Config{Guest: g, Token: spec.Token, Version: version, Network: gitNetwork(spec.Network)})
		},
		Git: func(ctx context.Context, c computer.GitCall) int {
			return gitrepo.Command(ctx, c.FS, c.Dir, c.Env, c.Args, c.Stdout, c.Stderr, gitNetwork(c.Network))
		},
	})
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, computers)
	return append(engines, computers), nil
}

// openDocker opens what containers are for: sandboxes, and single programs.
// Docker need not be there: the engine says so, and looks again.
func (s *sandboxes) openDocker(cfg sandboxConfig) (sandbox.Engine, error) {
	containers, err := docker.New(docker.Config{DataDir: filepath.Join(cfg.dir.Docker(), "sandboxes"), PrivateNetworks: cfg.private, Log: cfg.log})
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, containers)
	return containers, s.openRunner(cfg)
}

// maxGitTransfer is how much one git operation of a WebAssembly sandbox may
// receive, in bytes: the server itself unpacks it.
const maxGitTransfer = 256 << 20

// gitNetwork says which remotes git reaches for a WebAssembly sandbox. The
// connections are the server's own, so they go to public addresses only.
func gitNetwork(n sandbox.Network) gitrepo.Network {
	if n.BlockAll {
		return gitrepo.Nowhere("the sandbox's network is blocked")
	}
	return gitrepo.Public(gitrepo.PublicConfig{MaxBytes: maxGitTransfer})
}

// openRunner opens what runs single programs in containers. Where everyone may
// run code, those programs reach no network.
func (s *sandboxes) openRunner(cfg sandboxConfig) error {
	containers, err := docker.New(docker.Config{DataDir: filepath.Join(cfg.dir.Docker(), "runs"), Log: cfg.log})
	if err != nil {
		return err
	}
	s.closers = append(s.closers, containers)
	programs, err := runner.New(runner.Config{
		Engine: containers, Image: sandboxImage, Network: sandbox.Network{BlockAll: cfg.open}, Log: cfg.log,
	})
	if err != nil {
		return err
	}
	s.closers = append(s.closers, programs)
	s.runners = append(s.runners, programs)
	return nil
}

// routes returns what the server serves of them.
func (s *sandboxes) routes() []web.Routes { return []web.Routes{s.api, s.proxy} }

// operations lists the control API for the page about it.
func (s *sandboxes) operations() []components.DocsOperation {
	var all []components.DocsOperation
	for _, o := range s.api.Operations() {
		all = append(all, components.DocsOperation(o))
	}
	return all
}

// hangUp ends connections that would last, so that the server can shut down.
func (s *sandboxes) hangUp() {
	s.proxy.Close()
	s.api.Close()
	s.frame.Close()
	s.desktop.Close()
}

// close ends the management of sandboxes. The sandboxes themselves go on, and
// are found again at the next start.
func (s *sandboxes) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), goodbyeTimeout)
	defer cancel()
	errs := []error{s.endSSH(ctx)}
	if s.dashboard != nil {
		s.dashboard.Close()
	}
	if s.manager != nil {
		errs = append(errs, s.manager.Close())
	}
	for _, c := range slices.Backward(s.closers) {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// personalOrganization is the one that every key and session of the server
// belongs to. Its ids are those of the data folder.
func personalOrganization(dir *datadir.Dir, secret []byte) (sandbox.Organization, error) {
	created, err := dir.CreatedAt()
	if err != nil {
		return sandbox.Organization{}, err
	}
	id := func(what string) (string, error) {
		sum := sha256.Sum256(append([]byte("sandpiper "+what+" "), secret...))
		u, err := uuid.FromBytes(sum[:16])
		return u.String(), err
	}
	organization, err := id("organization")
	if err != nil {
		return sandbox.Organization{}, err
	}
	owner, err := id("user")
	return sandbox.Organization{
		ID: organization, Name: "Personal", Personal: true, Owner: owner,
		Region: localRegion.ID, MaxEach: maxEach, Created: created,
	}, err
}
