// Package a11y reads and uses what applications tell assistive technologies
// (AT-SPI 2), over D-Bus. Applications come and go while they are read: what has
// gone is left out.
package a11y

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"

	"sandpiper/computeruse/wire"
)

const (
	// maxNodes is how many nodes are looked at for one answer.
	maxNodes = 5000

	// maxChildren is how many of a node's children are looked at: lists may have
	// millions.
	maxChildren = 500

	// maxDepth is how deep a tree may be, against applications whose nodes are in
	// themselves.
	maxDepth = 100

	// maxText is how much of a name or description is passed on, in bytes.
	maxText = 2000

	// nodeTime is how long an application may take to tell of one node. One that
	// hangs is left out.
	nodeTime = 2 * time.Second

	// readTime is how long one answer may take in all.
	readTime = 15 * time.Second

	// DefaultLimit and MaxLimit are how many nodes Find returns.
	DefaultLimit = 100
	MaxLimit     = 1000
)

// Errors.
var (
	ErrUnavailable = errors.New("accessibility is not available")
	ErrGone        = errors.New("there is no such node any more")
	ErrRefused     = errors.New("the application refused")
)

// BadRequestError is the error of a request that cannot be meant.
type BadRequestError string

// Error implements error.
func (e BadRequestError) Error() string { return string(e) }

// Bus is a connection to the accessibility bus. It is safe for concurrent use.
type Bus struct {
	conn *dbus.Conn
}

const (
	accessible = "org.a11y.atspi.Accessible."
	component  = "org.a11y.atspi.Component."
	actionable = "org.a11y.atspi.Action."
	properties = "org.freedesktop.DBus.Properties."
)

// registry is where all applications are found.
var registry = ref{"org.a11y.atspi.Registry", "/org/a11y/atspi/accessible/root"}

// Dial asks the session bus at a socket for the accessibility bus, turns
// accessibility on for applications that wait for that, and connects. The buses
// are connected to by dial: they talk to their own user only.
func Dial(ctx context.Context, dial Dialer, socket string) (*Bus, error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	session, err := dial.connect(ctx, socket)
	if err != nil {
		return nil, fmt.Errorf("%w: the session bus does not answer: %w", ErrUnavailable, err)
	}
	defer session.Close()
	door := session.Object("org.a11y.Bus", "/org/a11y/bus")
	var address string
	if err := door.CallWithContext(ctx, "org.a11y.Bus.GetAddress", 0).Store(&address); err != nil {
		return nil, fmt.Errorf("%w: the session has no accessibility bus: %w", ErrUnavailable, err)
	}
	_ = door.CallWithContext(ctx, properties+"Set", 0, "org.a11y.Status", "IsEnabled", dbus.MakeVariant(true)).Err // applications may be on anyway
	path, ok := socketOf(address)
	if !ok {
		return nil, fmt.Errorf("%w: its bus is not a local socket", ErrUnavailable)
	}
	conn, err := dial.connect(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("%w: its bus does not answer: %w", ErrUnavailable, err)
	}
	return &Bus{conn}, nil
}

// Dialer connects to a unix socket by its path.
type Dialer func(ctx context.Context, path string) (net.Conn, error)

// connect connects to the bus at a socket. Who calls is what the kernel says.
func (dial Dialer) connect(ctx context.Context, socket string) (*dbus.Conn, error) {
	stream, err := dial(ctx, socket)
	if err != nil {
		return nil, err
	}
	conn, err := dbus.NewConn(stream)
	if err != nil {
		_ = stream.Close()
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = stream.Close() }) // the greeting has no limit of its own
	defer stop()
	err = conn.Auth([]dbus.Auth{dbus.AuthExternal("")})
	if err == nil {
		err = conn.Hello()
	}
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("the bus refused the connection: %w", err)
	}
	return conn, nil
}

// socketOf returns the path of a socket in an address of D-Bus, the first of the
// alternatives that it may have.
func socketOf(address string) (string, bool) {
	first, _, _ := strings.Cut(address, ";")
	options, ok := strings.CutPrefix(first, "unix:")
	if !ok {
		return "", false
	}
	for _, option := range strings.Split(options, ",") {
		if value, ok := strings.CutPrefix(option, "path="); ok {
			path, err := url.PathUnescape(value)
			return path, err == nil && strings.HasPrefix(path, "/")
		}
	}
	return "", false
}

// Close ends the connection.
func (b *Bus) Close() { _ = b.conn.Close() }

// Alive reports whether the connection has not ended.
func (b *Bus) Alive() bool { return b.conn.Connected() }

// Scope says which applications are meant.
type Scope struct {
	All bool
	PID int // of one
}

// ParseScope reads a scope; "" is focused, for which it asks for the process
// whose window has the keyboard's focus, 0 for none: windows are not known here.
func ParseScope(name string, pid int, focused func() (int, error)) (Scope, error) {
	switch {
	case name == "" || name == "focused":
		pid, err := focused()
		return Scope{PID: pid}, err
	case name == "all":
		return Scope{All: true}, nil
	case name == "pid" && pid > 0:
		return Scope{PID: pid}, nil
	case name == "pid":
		return Scope{}, BadRequestError("pid must be the number of a process when scope is pid")
	}
	return Scope{}, BadRequestError(fmt.Sprintf("scope must be focused, pid or all, not %.40q", name))
}

// ErrNoApplication is the error for a scope in which nothing is.
var ErrNoApplication = errors.New("no application in this scope tells of itself: open a window, or use scope=all")

// Tree returns what is in a scope, down to depth below its root; -1 is no limit.
func (b *Bus) Tree(ctx context.Context, scope Scope, depth int) (wire.TreeResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	root, err := b.rootOf(ctx, scope)
	if err != nil {
		return wire.TreeResponse{}, err
	}
	if depth < 0 || depth > maxDepth {
		depth = maxDepth
	}
	w := walk{bus: b, seen: map[ref]bool{}}
	node := w.tree(ctx, root, depth)
	if node == nil {
		return wire.TreeResponse{}, ErrGone
	}
	return wire.TreeResponse{Root: node, Truncated: w.truncated}, nil
}

// Find returns the nodes in a scope that match a request.
func (b *Bus) Find(ctx context.Context, scope Scope, q wire.FindRequest) (wire.NodesResponse, error) {
	match, err := matcher(q)
	if err != nil {
		return wire.NodesResponse{}, err
	}
	limit := q.Limit
	switch {
	case limit < 0 || limit > MaxLimit:
		return wire.NodesResponse{}, BadRequestError(fmt.Sprintf("limit must be from 1 to %d", MaxLimit))
	case limit == 0:
		limit = DefaultLimit
	}
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	root, err := b.rootOf(ctx, scope)
	if err != nil {
		return wire.NodesResponse{}, err
	}
	res := wire.NodesResponse{Matches: []*wire.Node{}}
	w := walk{bus: b, seen: map[ref]bool{}}
	w.find(ctx, root, maxDepth, func(n *wire.Node) bool {
		if !match(n) {
			return true
		}
		if len(res.Matches) == limit {
			w.truncated = true
			return false
		}
		res.Matches = append(res.Matches, n)
		return true
	})
	res.Truncated = w.truncated
	return res, nil
}

// matcher returns the test of a request.
func matcher(q wire.FindRequest) (func(*wire.Node) bool, error) {
	name := func(string) bool { return true }
	switch {
	case len(q.Name) > maxText:
		return nil, BadRequestError(fmt.Sprintf("name may have %d bytes at most", maxText))
	case q.NameMatch == "regex":
		pattern, err := regexp.Compile(q.Name)
		if err != nil {
			return nil, BadRequestError("name is not a regular expression: " + err.Error())
		}
		name = pattern.MatchString
	case q.NameMatch == "exact":
		if q.Name != "" {
			name = func(s string) bool { return s == q.Name }
		}
	case q.NameMatch == "" || q.NameMatch == "substring":
		lower := strings.ToLower(q.Name)
		name = func(s string) bool { return strings.Contains(strings.ToLower(s), lower) }
	default:
		return nil, BadRequestError(fmt.Sprintf("nameMatch must be exact, substring or regex, not %.40q", q.NameMatch))
	}
	role := words(q.Role)
	states := map[string]bool{}
	for _, s := range q.States {
		if !knownState(words(s)) {
			return nil, BadRequestError(fmt.Sprintf("there is no state %.40q: states are words such as focused, enabled, showing, checked", s))
		}
		states[words(s)] = true
	}
	return func(n *wire.Node) bool {
		has := 0
		for _, s := range n.States {
			if states[s] {
				has++
			}
		}
		return (role == "" || words(n.Role) == role) && has == len(states) && name(n.Name)
	}, nil
}

// words is the one spelling of roles and states: "push_button" is "push button".
func words(s string) string {
	return strings.NewReplacer("_", " ", "-", " ").Replace(strings.ToLower(strings.TrimSpace(s)))
}

// Focus moves the keyboard's focus to a node.
func (b *Bus) Focus(ctx context.Context, id string) error {
	r, err := parseID(id)
	if err != nil {
		return err
	}
	var ok bool
	return done(b.call(ctx, r, component+"GrabFocus").Store(&ok), &ok)
}

// Invoke performs an action of a node, by its name; "" is the first.
func (b *Bus) Invoke(ctx context.Context, id, action string) error {
	r, err := parseID(id)
	if err != nil {
		return err
	}
	names, err := b.actions(ctx, r)
	if err != nil {
		return vanished(err)
	}
	if len(names) == 0 {
		return BadRequestError("the node has no actions")
	}
	for i, name := range names {
		if action == "" || strings.EqualFold(name, action) {
			var ok bool
			return done(b.call(ctx, r, actionable+"DoAction", int32(i)).Store(&ok), &ok)
		}
	}
	return BadRequestError(fmt.Sprintf("the node has no action %.40q: it has %s", action, strings.Join(names, ", ")))
}

// SetValue gives a node a text, or, where it has a number, that.
func (b *Bus) SetValue(ctx context.Context, id, value string) error {
	r, err := parseID(id)
	if err != nil {
		return err
	}
	var interfaces []string
	if err := b.call(ctx, r, accessible+"GetInterfaces").Store(&interfaces); err != nil {
		return vanished(err)
	}
	has := func(name string) bool {
		for _, i := range interfaces {
			if i == name {
				return true
			}
		}
		return false
	}
	switch {
	case has("org.a11y.atspi.EditableText"):
		var ok bool
		return done(b.call(ctx, r, "org.a11y.atspi.EditableText.SetTextContents", value).Store(&ok), &ok)
	case has("org.a11y.atspi.Value"):
		number, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil {
			return BadRequestError(fmt.Sprintf("the node takes a number, not %.40q", value))
		}
		return vanished(b.call(ctx, r, properties+"Set", "org.a11y.atspi.Value", "CurrentValue", dbus.MakeVariant(number)).Err)
	}
	return BadRequestError("the node has neither a text that can be edited nor a number")
}

// done returns the error of a call that answers whether it did something.
func done(err error, ok *bool) error {
	switch {
	case err != nil:
		return vanished(err)
	case !*ok:
		return ErrRefused
	}
	return nil
}

// vanished tells the errors of what has gone from others.
func vanished(err error) error {
	var e dbus.Error
	if errors.As(err, &e) {
		switch e.Name {
		case "org.freedesktop.DBus.Error.UnknownMethod", "org.freedesktop.DBus.Error.UnknownInterface", "org.freedesktop.DBus.Error.NotSupported":
			return BadRequestError("the node cannot do that, or is not there any more")
		}
		return ErrGone
	}
	if errors.Is(err, dbus.ErrClosed) {
		return ErrUnavailable
	}
	return err
}

// call calls a method of a node, with a limit of time.
func (b *Bus) call(ctx context.Context, r ref, method string, args ...any) *dbus.Call {
	ctx, cancel := context.WithTimeout(ctx, nodeTime)
	defer cancel()
	return b.conn.Object(r.Bus, r.Path).CallWithContext(ctx, method, 0, args...)
}

func (b *Bus) actions(ctx context.Context, r ref) ([]string, error) {
	var all []struct{ Name, Description, Keys string }
	if err := b.call(ctx, r, actionable+"GetActions").Store(&all); err != nil {
		return nil, err
	}
	var names []string
	for _, a := range all {
		names = append(names, short(a.Name))
	}
	return names, nil
}
