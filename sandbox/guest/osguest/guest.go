//go:build linux

package osguest

import (
	"context"
	"fmt"
	"net"
	"os"
	"path"
	"slices"
	"strings"
	"sync"

	"sandpiper/sandbox/guest"
)

// defaultPath is where programs are looked for when the environment does not say.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Config says how a guest runs.
type Config struct {
	// User is who processes run as and files belong to: a name or a number,
	// with ":group" if it is another than the user's own. It is the current
	// user when empty, and must be when the current user is not root.
	User string

	Home    string   // "" for the user's own
	WorkDir string   // "" for Home, or / where that is not there
	Env     []string // what processes start from, KEY=value; HOME, USER, LOGNAME, SHELL and PATH are added

	// Proc and Cgroup are where the kernel tells about itself; "" for the usual
	// places.
	Proc, Cgroup string
}

// Guest is a guest.Guest over the machine that this process runs on.
type Guest struct {
	fs     *FS
	user   account
	info   guest.Info
	proc   string
	cgroup string
	shell  string // the shell for scripts; "" where there is none
	own    registry

	background sync.WaitGroup // what reads on for descendants that outlive their process
	ctx        context.Context
	cancel     context.CancelFunc
}

var _ guest.Guest = (*Guest)(nil)

// New returns the guest that cfg describes. The caller must Close it.
func New(cfg Config) (*Guest, error) {
	user, err := lookupAccount(cfg.User)
	if err != nil {
		return nil, err
	}
	g := &Guest{fs: &FS{user: user}, user: user, proc: cfg.Proc, cgroup: cfg.Cgroup, shell: findShell()}
	if g.proc == "" {
		g.proc = "/proc"
	}
	if g.cgroup == "" {
		g.cgroup = "/sys/fs/cgroup"
	}
	home := firstOf(cfg.Home, user.home, "/")
	workDir := firstOf(cfg.WorkDir, home)
	if info, err := os.Stat(workDir); cfg.WorkDir == "" && (err != nil || !info.IsDir()) {
		workDir = "/" // images name homes that they do not have
	}
	g.info = guest.Info{Home: home, WorkDir: workDir, User: user.name, Env: baseEnv(cfg.Env, user, home, g.shell)}
	if g.shell != "" {
		g.info.Shell = []string{g.shell, "-l"}
	}
	for _, dir := range []string{g.info.Home, g.info.WorkDir} {
		if !path.IsAbs(dir) {
			return nil, fmt.Errorf("folder %q: it must be absolute", dir)
		}
	}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	return g, nil
}

// Close kills no process; it lets go of what still reads their output, and
// waits until that has ended.
func (g *Guest) Close() error {
	g.cancel()
	g.background.Wait()
	return nil
}

// FS implements guest.Guest.
func (g *Guest) FS() guest.FS { return g.fs }

// Info implements guest.Guest.
func (g *Guest) Info() guest.Info {
	info := g.info
	info.Env, info.Shell = slices.Clone(info.Env), slices.Clone(info.Shell)
	return info
}

// DialPort implements guest.Guest: servers of both loopback addresses are reached.
func (g *Guest) DialPort(ctx context.Context, port int) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err == nil {
		return conn, nil
	}
	if conn, err6 := d.DialContext(ctx, "tcp", fmt.Sprintf("[::1]:%d", port)); err6 == nil {
		return conn, nil
	}
	return nil, err
}

// baseEnv adds to env what every process may rely on. The identity is the
// user's, whoever the agent itself runs as.
func baseEnv(env []string, user account, home, shell string) []string {
	env = slices.DeleteFunc(slices.Clone(env), func(kv string) bool {
		key, _, _ := strings.Cut(kv, "=")
		return slices.Contains([]string{"HOME", "USER", "LOGNAME", "SHELL"}, key)
	})
	env = append(env, "HOME="+home, "USER="+user.name, "LOGNAME="+user.name)
	if shell != "" {
		env = append(env, "SHELL="+shell)
	}
	if getenv(env, "PATH") == "" {
		env = append(env, "PATH="+defaultPath)
	}
	return env
}

// findShell returns the shell for scripts: bash before the system's sh.
func findShell() string {
	for _, shell := range []string{"/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash", "/bin/sh", "/usr/bin/sh", "/busybox/sh"} {
		if info, err := os.Stat(shell); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return shell
		}
	}
	return ""
}

// getenv returns the last value of a variable; "" when it is not set.
func getenv(env []string, key string) string {
	for _, kv := range slices.Backward(env) {
		if k, v, ok := strings.Cut(kv, "="); ok && k == key {
			return v
		}
	}
	return ""
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
