package desktop

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"sandpiper/internal/lazyregexp"
	"sandpiper/sandbox/guest"
)

// spec says how a process of the desktop starts.
type spec struct {
	args   []string
	before func() error                                // makes room for it
	ready  func(ctx context.Context, p *process) error // waits until it does its work
}

// specs are how each role is filled.
var specs = [roles]func(d *Desktop, env []string) spec{
	bus: (*Desktop).busSpec, server: (*Desktop).serverSpec, session: (*Desktop).sessionSpec,
}

func (d *Desktop) busSpec([]string) spec {
	return spec{
		args: []string{"dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address=1", "--address=unix:path=" + d.busSocket()},
		before: func() error {
			if err := d.makeRuntimeDir(); err != nil {
				return err
			}
			return d.removeStale(d.busSocket())
		},
		ready: func(ctx context.Context, p *process) error { return wait(ctx, p.out.firstLine) },
	}
}

// The server writes the number of its display where it is told to, once it takes
// connections. Of its options: whoever is in the sandbox may use the screen, and
// nobody else gets there (the port listens on loopback only).
func (d *Desktop) serverSpec(env []string) spec {
	return spec{
		args: []string{
			"Xtigervnc", d.DisplayName(), "-displayfd", "1", "-geometry", screenSize(env), "-depth", "24", "-dpi", "96",
			"-SecurityTypes", "None", "-localhost=1", "-rfbport", strconv.Itoa(d.port), "-AlwaysShared", "-AcceptSetDesktopSize=1",
			"-desktop", "Sandpiper", "-nolisten", "tcp", "-noreset", "-br", "-s", "0", "-dpms", "+extension", "RANDR",
		},
		before: d.freeDisplay,
		ready: func(ctx context.Context, p *process) error {
			if err := wait(ctx, p.out.firstLine); err != nil {
				return err
			}
			conn, err := d.guest.DialPort(ctx, d.port)
			if err != nil {
				return fmt.Errorf("the screen is not served on port %d: %w", d.port, err)
			}
			return conn.Close()
		},
	}
}

func (d *Desktop) sessionSpec([]string) spec {
	return spec{
		args:   []string{"xfce4-session"},
		before: func() error { return nil },
		ready: func(ctx context.Context, _ *process) error {
			display, err := d.Display(ctx)
			if err != nil {
				return err
			}
			return display.WaitReady(ctx)
		},
	}
}

// freeDisplay removes what a server of before left behind, for another would
// take it for a sign of life. A server that answers is in use.
func (d *Desktop) freeDisplay() error {
	ctx, cancel := context.WithTimeout(d.ctx, time.Second)
	defer cancel()
	conn, err := d.DialSocket(ctx, d.socket())
	if err == nil {
		_ = conn.Close()
		return fmt.Errorf("another X server uses display %s: end it, or set DISPLAY to another", d.DisplayName())
	}
	number := strings.TrimPrefix(d.DisplayName(), ":")
	return d.removeStale("/tmp/.X"+number+"-lock", d.socket())
}

// makeRuntimeDir makes the folder for sockets, which only the user may enter.
func (d *Desktop) makeRuntimeDir() error {
	dir := d.runtimeDir()
	err := d.guest.FS().MkdirAll(dir, 0o700)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make a folder for sockets: %w", err)
	}
	return nil
}

// DisplayName is the display's, as in DISPLAY.
func (d *Desktop) DisplayName() string {
	name, _, _ := strings.Cut(getenv(d.guest.Info().Env, "DISPLAY"), ".")
	if displayPattern().MatchString(name) {
		return name
	}
	return defaultDisplay
}

var displayPattern = lazyregexp.New(`^:[0-9]{1,4}$`)

func (d *Desktop) socket() string {
	return "/tmp/.X11-unix/X" + strings.TrimPrefix(d.DisplayName(), ":")
}

func (d *Desktop) runtimeDir() string {
	info := d.guest.Info()
	if dir := getenv(info.Env, "XDG_RUNTIME_DIR"); path.IsAbs(dir) && len(dir) < 80 {
		return path.Clean(dir)
	}
	return "/tmp/.desktop-" + strings.ReplaceAll(info.User, "/", "")
}

func (d *Desktop) busSocket() string { return path.Join(d.runtimeDir(), "bus") }

// environment is what processes of the desktop start with.
func (d *Desktop) environment() []string {
	env := slices.Clone(d.guest.Info().Env)
	return append(env,
		"DISPLAY="+d.DisplayName(),
		"DBUS_SESSION_BUS_ADDRESS=unix:path="+d.busSocket(),
		"XDG_RUNTIME_DIR="+d.runtimeDir(),
		"XDG_CURRENT_DESKTOP=XFCE", "XDG_SESSION_TYPE=x11", "XDG_CONFIG_DIRS=/etc/xdg", "XDG_MENU_PREFIX=xfce-",
		"GTK_MODULES=gail:atk-bridge", "QT_ACCESSIBILITY=1", "QT_LINUX_ACCESSIBILITY_ALWAYS_ON=1", "ACCESSIBILITY_ENABLED=1",
		"GDK_BACKEND=x11", "NO_AT_BRIDGE=0",
	)
}

// screenSize returns the size that the environment asks for, without a depth
// that may stand behind it.
func screenSize(env []string) string {
	match := sizePattern().FindStringSubmatch(getenv(env, SizeVariable))
	if match == nil {
		return DefaultSize
	}
	width, _ := strconv.Atoi(match[1])
	height, _ := strconv.Atoi(match[2])
	if width < 320 || height < 200 || width > 7680 || height > 4320 {
		return DefaultSize
	}
	return match[1] + "x" + match[2]
}

var sizePattern = lazyregexp.New(`^([0-9]{3,4})x([0-9]{3,4})(x[0-9]+)?$`)

func wait(ctx context.Context, event <-chan struct{}) error {
	select {
	case <-event:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

var _ guest.Process = (*process)(nil)
