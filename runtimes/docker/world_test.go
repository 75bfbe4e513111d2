package docker_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"sandpiper/runtimes/docker"
	"sandpiper/sandbox"
)

// The addresses of a small world that a test makes of network namespaces: a
// Docker engine's host, and beyond it the internet, a metadata service, a
// neighbour in the host's own network, and a resolver. Nothing in it is
// connected to anything else.
const (
	internetAddr  = "198.51.100.10"
	otherAddr     = "203.0.113.10"
	metadataAddr  = "169.254.169.254"
	neighbourAddr = "192.168.77.1"
	resolverAddr  = "10.99.0.53"
	hostAddr      = "192.168.77.2"
)

// world is the small world, with a Docker engine of its own.
type world struct {
	flags  []string // of dockerd
	dir    string
	host   netns.NsHandle // where the Docker engine is
	beyond netns.NsHandle
	daemon *exec.Cmd
}

// newWorld makes a world and starts its Docker engine, with more flags. The
// machine's own configuration does not count for it. All of it goes at the end of
// the test.
func newWorld(t testing.TB, flags ...string) *world {
	t.Helper()
	needDocker(t)
	if os.Geteuid() != 0 {
		t.Skip("only root makes network namespaces")
	}
	dir, err := os.MkdirTemp("", "spw-") // short: sockets below it have long names
	check(t, err)
	w := &world{flags: flags, dir: dir, host: newNamespace(t), beyond: newNamespace(t)}
	t.Cleanup(func() { w.stopDocker(); w.remove() })
	check(t, os.WriteFile(w.settings(), []byte("{}"), 0o600))
	w.connect(t)
	for _, addr := range []string{internetAddr, otherAddr, metadataAddr, neighbourAddr, resolverAddr} {
		w.serve(t, w.beyond, addr+":80")
	}
	w.serve(t, w.beyond, resolverAddr+":53")
	w.serve(t, w.host, "0.0.0.0:9000")
	w.startDocker(t)
	w.load(t, shellImage)
	return w
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newNamespace makes a network namespace that lasts as long as its handle.
func newNamespace(t testing.TB) netns.NsHandle {
	t.Helper()
	type result struct {
		ns  netns.NsHandle
		err error
	}
	made := make(chan result)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		ns, err := netns.New()
		made <- result{ns, err}
	}()
	r := <-made
	check(t, r.err)
	t.Cleanup(func() { r.ns.Close() })
	h, err := netlink.NewHandleAt(r.ns)
	check(t, err)
	defer h.Close()
	lo, err := h.LinkByName("lo")
	check(t, err)
	check(t, h.LinkSetUp(lo))
	return r.ns
}

// within runs f on a thread in a network namespace.
func within(ns netns.NsHandle, f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := netns.Set(ns)
		if err == nil {
			err = f()
		}
		done <- err
	}()
	return <-done
}

// connect joins the host to what is beyond it.
func (w *world) connect(t testing.TB) {
	t.Helper()
	h, err := netlink.NewHandleAt(w.host)
	check(t, err)
	defer h.Close()
	attrs := netlink.NewLinkAttrs()
	attrs.Name = "uplink"
	check(t, h.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: "world", PeerNamespace: netlink.NsFd(int(w.beyond))}))
	address(t, h, "uplink", hostAddr+"/24")
	check(t, h.RouteAdd(&netlink.Route{Gw: net.ParseIP(neighbourAddr)}))
	b, err := netlink.NewHandleAt(w.beyond)
	check(t, err)
	defer b.Close()
	address(t, b, "world", neighbourAddr+"/24", internetAddr+"/32", otherAddr+"/32", metadataAddr+"/32", resolverAddr+"/32")
}

// hasNoLinkLocal checks that the host has given itself no IPv6 address on the links
// of sandboxes, which it would do a second or two after they came up.
func (w *world) hasNoLinkLocal(t testing.TB) {
	t.Helper()
	h, err := netlink.NewHandleAt(w.host)
	check(t, err)
	defer h.Close()
	links, err := h.LinkList()
	check(t, err)
	ours := 0
	for _, l := range links {
		if !strings.HasPrefix(l.Attrs().Name, "sp") {
			continue
		}
		ours++
		if addrs, err := h.AddrList(l, unix.AF_INET6); err != nil || len(addrs) > 0 {
			t.Errorf("%s has the addresses %v, %v", l.Attrs().Name, addrs, err)
		}
	}
	if ours < 2 {
		t.Errorf("%d links of sandboxes found", ours)
	}
}

// address gives a link addresses and sets it up.
func address(t testing.TB, h *netlink.Handle, name string, addrs ...string) {
	t.Helper()
	link, err := h.LinkByName(name)
	check(t, err)
	for _, a := range addrs {
		parsed, err := netlink.ParseAddr(a)
		check(t, err)
		check(t, h.AddrAdd(link, parsed))
	}
	check(t, h.LinkSetUp(link))
}

// serve answers connections to an address in a namespace with ticks.
func (w *world) serve(t testing.TB, ns netns.NsHandle, addr string) {
	t.Helper()
	var l net.Listener
	check(t, within(ns, func() (err error) { l, err = net.Listen("tcp4", addr); return err }))
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for range 15_000 { // 5 minutes
					if _, err := io.WriteString(conn, "tick\n"); err != nil {
						return
					}
					time.Sleep(20 * time.Millisecond)
				}
			}()
		}
	}()
}

func (w *world) socket() string { return "unix://" + filepath.Join(w.dir, "d.sock") }

// settings is dockerd's configuration file.
func (w *world) settings() string { return filepath.Join(w.dir, "daemon.json") }

// startDocker starts dockerd in the host's namespace and waits until it answers.
func (w *world) startDocker(t testing.TB) {
	t.Helper()
	log, err := os.OpenFile(filepath.Join(w.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	check(t, err)
	defer log.Close()
	w.daemon = exec.Command("dockerd", append([]string{
		"--config-file", w.settings(), "--host", w.socket(), "--bridge", "none", "--data-root", filepath.Join(w.dir, "data"),
		"--exec-root", filepath.Join(w.dir, "exec"), "--pidfile", filepath.Join(w.dir, "pid"),
	}, w.flags...)...)
	w.daemon.Stdout, w.daemon.Stderr = log, log
	check(t, within(w.host, w.daemon.Start))
	eventually(t, "dockerd", func() (any, bool) {
		if exec.Command("docker", "-H", w.socket(), "version").Run() == nil {
			return nil, true
		}
		text, _ := os.ReadFile(log.Name())
		return string(text), false
	})
}

// stopDocker ends dockerd, and with it its containers.
func (w *world) stopDocker() {
	if w.daemon == nil || w.daemon.Process == nil {
		return
	}
	w.daemon.Process.Signal(syscall.SIGTERM)
	w.daemon.Wait()
	w.daemon = nil
}

// remove removes the world's files. gVisor leaves an empty network namespace
// mounted among them.
func (w *world) remove() {
	_ = syscall.Unmount(filepath.Join(w.dir, "exec", "runtime-runc", "moby", "null-netns"), 0)
	os.RemoveAll(w.dir)
}

// load copies an image from the machine's own Docker engine.
func (w *world) load(t testing.TB, image string) {
	t.Helper()
	out, err := exec.Command("sh", "-c", fmt.Sprintf("docker save %s | docker -H %s load", image, w.socket())).CombinedOutput()
	if err != nil {
		t.Fatalf("load %s: %v: %s", image, err, out)
	}
}

// engine opens an engine on the world's Docker engine.
func (w *world) config(t testing.TB) docker.Config {
	return docker.Config{
		Host: w.socket(), DataDir: filepath.Join(w.dir, "sandpiper"), Agent: agentFile,
		Resolvers: []netip.Addr{netip.MustParseAddr(resolverAddr)},
	}
}

// inhabitant is a sandbox in a world.
type inhabitant struct {
	t      testing.TB
	engine *docker.Engine
	spec   sandbox.Spec
}

// execute runs a command.
func (i inhabitant) execute(command string) (result string, exit int) {
	i.t.Helper()
	return execute(i.t, i.engine, i.spec, command)
}

// reaches reports whether a connection that is allowed succeeds and brings data.
func (i inhabitant) reaches(addr string, port int) bool {
	i.t.Helper()
	return i.tries(addr, port, true)
}

// escapes reports whether a connection that is not allowed does.
func (i inhabitant) escapes(addr string, port int) bool {
	i.t.Helper()
	return i.tries(addr, port, false)
}

// tries reports whether a connection to an address succeeds and brings data. One
// that is allowed has the time that it takes on a busy machine.
func (i inhabitant) tries(addr string, port int, allowed bool) (reached bool) {
	i.t.Helper()
	seconds := 2
	if allowed {
		seconds = 60
	}
	result, _ := i.execute(fmt.Sprintf("nc -w %d %s %d </dev/null 2>/dev/null | head -n 1", seconds, addr, port))
	return strings.Contains(result, "tick")
}

// own returns the sandbox's address.
func (i inhabitant) own() string {
	i.t.Helper()
	result, _ := i.execute("ip -4 addr show eth0 | sed -n 's/.*inet \\([0-9.]*\\).*/\\1/p'")
	return strings.TrimSpace(result)
}

// gateway returns the bridge's address.
func (i inhabitant) gateway() string {
	i.t.Helper()
	result, _ := i.execute("ip route | sed -n 's/default via \\([0-9.]*\\).*/\\1/p'")
	return strings.TrimSpace(result)
}

// start makes a sandbox with a policy.
func start(t testing.TB, e *docker.Engine, ref string, change func(*sandbox.Spec)) inhabitant {
	t.Helper()
	spec := newSpec(ref)
	if change != nil {
		change(&spec)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := e.Create(ctx, spec); err != nil {
		t.Fatal(err)
	}
	return inhabitant{t, e, spec}
}
