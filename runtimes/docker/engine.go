package docker

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/docker/docker/client"
	"golang.org/x/sync/semaphore"

	"sandpiper/runtimes/docker/network"
	"sandpiper/sandbox"
)

// Config configures an Engine. Zero fields mean the default.
type Config struct {
	// Host is where the Docker engine is: "unix:///var/run/docker.sock". It must
	// be on this machine. Default: DOCKER_HOST, else Docker's own default.
	Host string

	// DataDir keeps the boxes and records of sandboxes. Two engines never share
	// one. Required.
	DataDir string

	// Agent is the file of toolboxd. Default: beside this program's own file.
	Agent string

	// Resolvers are the DNS servers of sandboxes. Default: those of the host
	// that can be reached from elsewhere than the host itself.
	Resolvers []netip.Addr

	// PrivateNetworks are private ranges that a sandbox's list of what it may reach
	// may name. Without it such lists open public addresses only.
	PrivateNetworks []netip.Prefix

	// Volumes has a folder for each volume, called by its ID. "" for none.
	Volumes string

	// Concurrency bounds how many containers are made or started at the same
	// time. Default: two for each of the engine's cores.
	Concurrency int

	// Watch is how often disk use is read where the storage driver has no
	// quotas. Default: DefaultWatch.
	Watch time.Duration

	Log *slog.Logger
}

// DefaultWatch is how often disk use is read. It is read at once when the disk
// fills quickly.
const DefaultWatch = 30 * time.Second

// Engine runs sandboxes as containers of a Docker engine. It implements
// sandbox.Engine and all of its optional powers.
type Engine struct {
	cfg     Config
	log     *slog.Logger
	api     *client.Client
	names   names
	records records
	agent   string // the folder with toolboxd that containers see

	locks keyed
	gate  *semaphore.Weighted // in front of creating and starting
	disks disks

	linking sync.Mutex // held while sandboxes are linked

	setupMu  sync.Mutex // held while the Docker engine is looked at
	failed   error      // why it could not be used the last time
	failedAt time.Time

	mu   sync.Mutex
	host *host // nil until the Docker engine was there once

	stop context.CancelFunc
	done sync.WaitGroup
}

var (
	_ sandbox.Engine      = (*Engine)(nil)
	_ sandbox.Pauser      = (*Engine)(nil)
	_ sandbox.Resizer     = (*Engine)(nil)
	_ sandbox.Archiver    = (*Engine)(nil)
	_ sandbox.Forker      = (*Engine)(nil)
	_ sandbox.Snapshotter = (*Engine)(nil)
	_ sandbox.Networker   = (*Engine)(nil)
	_ sandbox.Linker      = (*Engine)(nil)
	_ sandbox.LogReader   = (*Engine)(nil)
	_ sandbox.Meter       = (*Engine)(nil)
)

// New opens the data folder and begins to look at the Docker engine in the
// background. One that is not there is no error, nor is a missing agent:
// Fingerprint says what is wrong, and the engine works as soon as it is there. The
// caller must Close the Engine; sandboxes go on running.
func New(cfg Config) (*Engine, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	e := &Engine{cfg: cfg, log: cfg.Log, records: records{filepath.Join(cfg.DataDir, "records")}, agent: filepath.Join(cfg.DataDir, "agent")}
	for _, dir := range []string{cfg.DataDir, e.records.dir, e.agent, e.boxDir()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("make the Docker engine's folder: %w", err)
		}
	}
	if e.names.instance, err = loadInstance(cfg.DataDir); err != nil {
		return nil, err
	}
	if e.api, err = newClient(cfg.Host); err != nil {
		return nil, err
	}
	e.gate = semaphore.NewWeighted(int64(cfg.Concurrency))
	ctx, cancel := context.WithCancel(context.Background())
	e.stop = cancel
	e.done.Go(func() { e.watch(ctx) })
	return e, nil
}

func (c Config) withDefaults() (Config, error) {
	if c.DataDir == "" {
		return c, errors.New("docker: a data folder is required")
	}
	dir, err := filepath.Abs(c.DataDir)
	if err != nil {
		return c, fmt.Errorf("docker: the data folder: %w", err)
	}
	c.DataDir = dir
	if c.Volumes != "" {
		// Staging refuses links anywhere on the way.
		if c.Volumes, err = filepath.EvalSymlinks(c.Volumes); err != nil {
			return c, fmt.Errorf("docker: the folder of volumes: %w", err)
		}
	}
	if err := network.CheckOpened(c.PrivateNetworks); err != nil {
		return c, err
	}
	if c.Agent == "" {
		self, err := os.Executable()
		if err != nil {
			return c, fmt.Errorf("docker: find this program: %w", err)
		}
		c.Agent = filepath.Join(filepath.Dir(self), agentFile)
	}
	if len(c.Resolvers) == 0 {
		c.Resolvers = hostResolvers()
	}
	if c.Concurrency <= 0 {
		c.Concurrency = 2 * runtime.NumCPU()
	}
	if c.Watch <= 0 {
		c.Watch = DefaultWatch
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c, nil
}

func newClient(host string) (*client.Client, error) {
	options := []client.Opt{client.FromEnv, client.WithAPIVersionNegotiation()}
	if host != "" {
		options = append(options, client.WithHost(host))
	}
	api, err := client.NewClientWithOpts(options...)
	if err != nil {
		return nil, fmt.Errorf("docker: %w", err)
	}
	return api, nil
}

// installAgent puts toolboxd into the folder that containers see. A file that
// differs is replaced under a running one; sandboxes have it from their next
// start on.
func installAgent(from, dir string) error {
	program, err := os.ReadFile(from)
	if err != nil {
		return &sandbox.Error{
			Kind:    sandbox.KindUnavailable,
			Message: "the agent of container sandboxes is missing: put " + agentFile + " beside the server's program (make build makes both)",
			Err:     err,
		}
	}
	to := filepath.Join(dir, agentFile)
	if old, err := os.ReadFile(to); err == nil && sha256.Sum256(old) == sha256.Sum256(program) {
		return nil
	}
	temp := to + ".new"
	err = os.WriteFile(temp, program, 0o755)
	if err == nil {
		err = os.Chmod(temp, 0o755)
	}
	if err == nil {
		err = os.Chmod(dir, 0o755) // whoever runs in a container may look at it
	}
	if err == nil {
		err = os.Rename(temp, to)
	}
	if err != nil {
		return fmt.Errorf("install the agent of sandboxes: %w", err)
	}
	return nil
}

// Close ends what the engine does in the background and waits for it. Sandboxes
// go on running. Where there are none, it leaves nothing in the Docker engine but
// images.
func (e *Engine) Close() error {
	e.stop()
	e.done.Wait()
	if err := e.leave(); err != nil {
		e.log.Debug("the network of sandboxes is left in Docker", "error", err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	var errs []error
	if e.host != nil {
		errs = append(errs, e.host.close())
		e.host = nil
	}
	return errors.Join(append(errs, e.api.Close())...)
}

// leave removes the network when there are no sandboxes that need it.
func (e *Engine) leave() error {
	h := e.known()
	if h == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
	defer cancel()
	all, err := e.containers(ctx)
	if err != nil || len(all) > 0 {
		return err
	}
	return e.removeNetwork(ctx, h)
}

// Name implements sandbox.Engine.
func (e *Engine) Name() sandbox.EngineName { return sandbox.EngineContainer }

func (e *Engine) boxDir() string { return filepath.Join(e.cfg.DataDir, "boxes") }

// Time limits of calls of the Docker engine. They are generous: an engine on a
// busy disk may take its time, and one that hangs must not hang us.
const (
	lookTimeout   = 20 * time.Second
	changeTimeout = 2 * time.Minute
	copyTimeout   = 15 * time.Minute // of commits, which copy files
)

// bounded returns a context for a call that goes on when its caller gives up:
// Docker would go on by itself anyway, and what it makes could not be found.
func bounded(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), limit)
}

// discard reads an answer of Docker to its end.
func discard(r io.ReadCloser) error {
	_, err := io.Copy(io.Discard, r)
	return errors.Join(err, r.Close())
}
