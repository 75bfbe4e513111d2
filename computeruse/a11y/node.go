package a11y

import (
	"context"
	"strings"

	"github.com/godbus/dbus/v5"

	"sandpiper/computeruse/wire"
)

// ref names a node: the application on the bus, and the node in it.
type ref struct {
	Bus  string
	Path dbus.ObjectPath
}

// id is how a ref is on the wire. Paths begin with a slash, which names of
// applications do not have.
func (r ref) id() string { return r.Bus + ":" + string(r.Path) }

func parseID(id string) (ref, error) {
	at := strings.Index(id, ":/")
	if at <= 0 || len(id) > 1000 {
		return ref{}, BadRequestError("id must be that of a node, as tree and find give them")
	}
	r := ref{id[:at], dbus.ObjectPath(id[at+1:])}
	if !r.Path.IsValid() || strings.ContainsAny(r.Bus, "/ \n") {
		return ref{}, BadRequestError("id must be that of a node, as tree and find give them")
	}
	return r, nil
}

// rootOf returns the node in which a scope is: the registry for all, else an
// application.
func (b *Bus) rootOf(ctx context.Context, s Scope) (ref, error) {
	if s.All {
		return registry, nil
	}
	apps, err := b.children(ctx, registry)
	if err != nil {
		if ctx.Err() != nil {
			return ref{}, ctx.Err()
		}
		return ref{}, ErrUnavailable
	}
	for _, app := range apps {
		if s.PID != 0 && b.pid(ctx, app) == s.PID {
			return app, nil
		}
	}
	return ref{}, ErrNoApplication
}

// pid returns the process of an application; 0 when it is not known.
func (b *Bus) pid(ctx context.Context, app ref) int {
	var pid uint32
	if b.call(ctx, ref{"org.freedesktop.DBus", "/org/freedesktop/DBus"}, "org.freedesktop.DBus.GetConnectionUnixProcessID", app.Bus).Store(&pid) != nil {
		return 0
	}
	return int(pid)
}

func (b *Bus) children(ctx context.Context, r ref) ([]ref, error) {
	var all []ref
	err := b.call(ctx, r, accessible+"GetChildren").Store(&all)
	return all, err
}

// walk looks at nodes, each once, as many as it may.
type walk struct {
	bus       *Bus
	seen      map[ref]bool
	truncated bool
}

// enter reports whether a node may be looked at.
func (w *walk) enter(ctx context.Context, r ref) bool {
	switch {
	case w.seen[r] || r.Path == "/org/a11y/atspi/null":
		return false
	case len(w.seen) >= maxNodes || ctx.Err() != nil:
		w.truncated = true
		return false
	}
	w.seen[r] = true
	return true
}

// tree returns a node with what is in it, down to depth; nil for one that has
// gone or may not be looked at.
func (w *walk) tree(ctx context.Context, r ref, depth int) *wire.Node {
	if !w.enter(ctx, r) {
		return nil
	}
	node, children := w.bus.describe(ctx, r)
	if node == nil || depth == 0 {
		return node
	}
	for _, child := range w.some(children) {
		if c := w.tree(ctx, child, depth-1); c != nil {
			node.Children = append(node.Children, c)
		}
	}
	return node
}

// find calls visit with nodes until it returns false.
func (w *walk) find(ctx context.Context, r ref, depth int, visit func(*wire.Node) bool) bool {
	if !w.enter(ctx, r) {
		return !w.truncated
	}
	node, children := w.bus.describe(ctx, r)
	if node == nil {
		return true
	}
	if !visit(node) {
		return false
	}
	if depth == 0 {
		return true
	}
	for _, child := range w.some(children) {
		if !w.find(ctx, child, depth-1, visit) {
			return false
		}
	}
	return true
}

// some returns as many children as are looked at.
func (w *walk) some(children []ref) []ref {
	if len(children) > maxChildren {
		w.truncated = true
		return children[:maxChildren]
	}
	return children
}

// describe asks an application about a node, all at once; nil for one that has
// gone or does not answer.
func (b *Bus) describe(ctx context.Context, r ref) (*wire.Node, []ref) {
	ctx, cancel := context.WithTimeout(ctx, nodeTime)
	defer cancel()
	object := b.conn.Object(r.Bus, r.Path)
	ask := func(method string, args ...any) *dbus.Call {
		return object.GoWithContext(ctx, method, 0, make(chan *dbus.Call, 1), args...)
	}
	name := ask(properties+"Get", "org.a11y.atspi.Accessible", "Name")
	description := ask(properties+"Get", "org.a11y.atspi.Accessible", "Description")
	role := ask(accessible + "GetRoleName")
	state := ask(accessible + "GetState")
	extents := ask(component+"GetExtents", uint32(0)) // on the screen
	actions := ask(actionable + "GetActions")
	inside := ask(accessible + "GetChildren")

	node := &wire.Node{ID: r.id()}
	if (<-role.Done).Store(&node.Role) != nil {
		return nil, nil
	}
	node.Role = short(node.Role)
	node.Name, node.Description = text(<-name.Done), text(<-description.Done)
	var bits []uint32
	if (<-state.Done).Store(&bits) == nil {
		node.States = stateNames(bits)
	}
	var box struct{ X, Y, Width, Height int32 }
	if (<-extents.Done).Store(&box) == nil && box.Width > 0 && box.Height > 0 {
		node.Bounds = &wire.Bounds{X: int(box.X), Y: int(box.Y), Width: int(box.Width), Height: int(box.Height)}
	}
	var all []struct{ Name, Description, Keys string }
	if (<-actions.Done).Store(&all) == nil {
		for _, a := range all[:min(len(all), 20)] {
			node.Actions = append(node.Actions, short(a.Name))
		}
	}
	var children []ref
	_ = (<-inside.Done).Store(&children) // none of one that has gone just now
	return node, children
}

func text(call *dbus.Call) string {
	var v dbus.Variant
	if call.Store(&v) != nil {
		return ""
	}
	s, _ := v.Value().(string)
	return short(s)
}

// short bounds a text. Toolkits pad the names of menu items with spaces.
func short(s string) string {
	s = strings.TrimSpace(s)
	return strings.ToValidUTF8(s[:min(len(s), maxText)], "")
}
