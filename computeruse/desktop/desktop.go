// Package desktop starts a desktop in a sandbox, watches it and ends it. It has
// three processes: a D-Bus session bus, an X server that also serves its screen
// in the RFB protocol (Xtigervnc), and an XFCE session.
//
// The toolbox's operations know four, by the names of the programs that other
// servers use. They are led to these: "xvfb" and "x11vnc" are the X server, for
// it is both; "xfce4" is the session; and "novnc" is the bridge from RFB to a
// browser, which is a part of Sandpiper's server and runs whenever the X server
// listens.
package desktop

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sandpiper/computeruse/x11"
	"sandpiper/sandbox/guest"
)

const (
	// startTime is how long a start may take in all. It takes a second or two.
	startTime = 60 * time.Second

	// stopTime is how long a process may take to end when it is asked to.
	stopTime = 3 * time.Second

	// DefaultSize is the screen's when the sandbox does not say. Its variable
	// SizeVariable does, as WIDTHxHEIGHT.
	DefaultSize  = "1280x800"
	SizeVariable = "VNC_RESOLUTION"

	defaultDisplay = ":0"
)

// ErrNotStarted is the error for a desktop that does not run.
var ErrNotStarted = errors.New("the desktop is not started")

// MissingError says which programs of a desktop an image lacks.
type MissingError struct{ Programs []string }

// Error implements error.
func (e *MissingError) Error() string {
	return "this sandbox's image has no desktop: it lacks " + strings.Join(e.Programs, ", ")
}

// Desktop is the desktop of one sandbox. It is safe for concurrent use.
type Desktop struct {
	guest guest.Guest
	port  int // on which the screen is served in the RFB protocol

	ctx    context.Context // of its processes
	cancel context.CancelFunc
	change chan struct{} // holds a token while processes are started or ended
	busy   atomic.Bool   // that they are

	mu        sync.Mutex // guards what follows
	processes map[role]*process
	display   *x11.Display // the connection; nil before somebody needs one
}

// role is what a process is there for.
type role int

// The roles, in the order in which they start.
const (
	bus role = iota
	server
	session
	roles
)

// New returns the desktop of a guest, whose screen is served on a port of its
// loopback addresses. Nothing is started. The caller must Close it.
func New(g guest.Guest, port int) *Desktop {
	d := &Desktop{guest: g, port: port, change: make(chan struct{}, 1), processes: map[role]*process{}}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	return d
}

// Close kills every process of the desktop and waits for that.
func (d *Desktop) Close() {
	d.cancel()
	d.change <- struct{}{} // whoever changes something sees the end of ctx
	defer func() { <-d.change }()
	for r := range roles {
		d.end(r, guest.SIGKILL)
	}
}

// Start starts what does not run. When it returns nil a window manager shows a
// desktop on the screen and the screen is served. When it fails, what it started
// is ended again and the error tells what the program at fault wrote.
func (d *Desktop) Start(ctx context.Context) error {
	return d.changing(ctx, d.startAll)
}

// Stop ends every process: applications on the screen end with it.
func (d *Desktop) Stop(ctx context.Context) error {
	return d.changing(ctx, func(context.Context) error {
		for r := roles - 1; r >= 0; r-- {
			d.end(r, guest.SIGTERM)
		}
		return nil
	})
}

// Restart ends a process, named as on the wire, and starts it again with what
// needs it. The bridge has nothing to restart.
func (d *Desktop) Restart(ctx context.Context, name string) error {
	from, known := roleOf(name)
	switch {
	case !known:
		return UnknownError(name)
	case name == Bridge:
		return nil
	}
	return d.changing(ctx, func(ctx context.Context) error {
		if d.running(server) == nil && d.running(session) == nil {
			return ErrNotStarted
		}
		for r := roles - 1; r >= from; r-- {
			d.end(r, guest.SIGTERM)
		}
		return d.startAll(ctx)
	})
}

// changing runs fn while nothing else changes the desktop. A caller who leaves
// does not leave it half changed.
func (d *Desktop) changing(ctx context.Context, fn func(context.Context) error) error {
	select {
	case d.change <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	d.busy.Store(true)
	defer func() {
		d.busy.Store(false)
		<-d.change
	}()
	limited, cancel := context.WithTimeout(d.ctx, startTime)
	defer cancel()
	return fn(limited)
}

// startAll starts what does not run. Precondition: the caller changes the desktop.
func (d *Desktop) startAll(ctx context.Context) (err error) {
	if missing := d.missing(); len(missing) > 0 {
		return &MissingError{missing}
	}
	var started []role
	defer func() {
		if err != nil {
			for _, r := range slices.Backward(started) {
				d.end(r, guest.SIGKILL)
			}
		}
	}()
	for r := range roles {
		if d.running(r) != nil {
			continue
		}
		started = append(started, r)
		if err := d.start(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// start starts one process and waits until it does its work.
func (d *Desktop) start(ctx context.Context, r role) error {
	env := d.environment()
	spec := specs[r](d, env)
	if err := spec.before(); err != nil {
		return err
	}
	p, err := startProcess(d.ctx, d.guest, spec, env)
	if err != nil {
		return err
	}
	d.mu.Lock()
	d.processes[r] = p
	d.mu.Unlock()
	ready, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(p.endedContext(), cancel)
	defer stop()
	if err := spec.ready(ready, p); err != nil {
		switch {
		case p.hasEnded():
			return fmt.Errorf("%s %s: %s", spec.args[0], p.ending(), p.lastWords())
		case ctx.Err() != nil:
			return fmt.Errorf("%s was not ready within %v: %s", spec.args[0], startTime, p.lastWords())
		}
		return fmt.Errorf("%s: %w", spec.args[0], err)
	}
	return nil
}

// end ends a process and waits for that. It has stopTime to do so by itself.
func (d *Desktop) end(r role, signal guest.Signal) {
	if r == server {
		d.disconnect()
	}
	if p := d.process(r); p != nil {
		p.end(signal)
	}
}

func (d *Desktop) process(r role) *process {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.processes[r]
}

// running returns a process that has not ended; nil when there is none.
func (d *Desktop) running(r role) *process {
	if p := d.process(r); p != nil && !p.hasEnded() {
		return p
	}
	return nil
}

// missing returns the programs that the image lacks.
func (d *Desktop) missing() []string {
	var missing []string
	for _, program := range []string{"Xtigervnc", "dbus-daemon", "xfce4-session", "xfwm4", "xfdesktop"} {
		if !d.Has(program) {
			missing = append(missing, program)
		}
	}
	return missing
}

// Has reports whether the sandbox has a program.
func (d *Desktop) Has(program string) bool {
	for _, dir := range strings.Split(getenv(d.guest.Info().Env, "PATH"), ":") {
		if !path.IsAbs(dir) {
			continue
		}
		info, err := d.guest.FS().Stat(path.Join(dir, program))
		if err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return true
		}
	}
	return false
}

// Display returns a connection to the screen, or ErrNotStarted.
func (d *Desktop) Display(ctx context.Context) (*x11.Display, error) {
	if d.running(server) == nil {
		return nil, ErrNotStarted
	}
	d.mu.Lock()
	known := d.display
	d.mu.Unlock()
	if known != nil && !isClosed(known.Closed()) {
		return known, nil
	}
	conn, err := d.DialSocket(ctx, d.socket())
	if err != nil {
		return nil, fmt.Errorf("reach the X server: %w", err)
	}
	fresh, err := x11.Open(ctx, conn)
	if err != nil {
		return nil, fmt.Errorf("the screen does not answer: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.display != nil && !isClosed(d.display.Closed()) { // somebody else was faster
		go fresh.Close()
		return d.display, nil
	}
	d.display = fresh
	return fresh, nil
}

// disconnect closes the connection to the screen.
func (d *Desktop) disconnect() {
	d.mu.Lock()
	known := d.display
	d.display = nil
	d.mu.Unlock()
	if known != nil {
		known.Close()
	}
}

// BusAddress returns the path of the session bus's socket, or ErrNotStarted.
func (d *Desktop) BusAddress() (string, error) {
	if d.running(bus) == nil || d.running(session) == nil {
		return "", ErrNotStarted
	}
	return d.busSocket(), nil
}

// DialSocket connects to a unix socket as the sandbox's user.
func (d *Desktop) DialSocket(ctx context.Context, path string) (net.Conn, error) {
	dialer, ok := d.guest.(guest.SocketDialer)
	if !ok {
		return nil, fmt.Errorf("sockets of this guest: %w", errors.ErrUnsupported)
	}
	return dialer.DialSocket(ctx, path)
}

// Environ is what processes on the desktop start with.
func (d *Desktop) Environ() []string { return d.environment() }

// removeStale removes what a process of before left at a path, if anything.
func (d *Desktop) removeStale(names ...string) error {
	for _, name := range names {
		if err := d.guest.FS().Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
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
