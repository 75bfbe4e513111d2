package x11

import (
	"context"
	"slices"
	"time"

	"github.com/jezek/xgb/xproto"
)

// managerTime is how long the window manager may take to let presses of buttons
// through or to move the focus. One that takes longer hangs.
const managerTime = 5 * time.Second

const (
	// focusLooks is how often attention looks, with focusPause between, whether the
	// manager has moved the focus. A few: other windows than the active one may
	// have it for good, such as a menu of their own kind.
	focusLooks = 10
	focusPause = 10 * time.Millisecond

	// maxDepth is how deep in its application's window the one with the focus may
	// lie, which any program decides.
	maxDepth = 20
)

// makeOwnWindow makes the window that askManager asks about.
func (d *Display) makeOwnWindow() (err error) {
	if d.own, err = xproto.NewWindowId(d.conn); err != nil {
		return err
	}
	return xproto.CreateWindowChecked(d.conn, 0, d.own, d.root, 0, 0, 1, 1, 0, xproto.WindowClassInputOnly, 0,
		xproto.CwEventMask, []uint32{xproto.EventMaskPropertyChange}).Check()
}

// passed waits until presses of buttons have got to the applications that they
// are for. The window manager sees each of them first, to raise and focus the
// window below it, and meanwhile the server holds what the pointer does, but not
// what the keyboard does: keys that are pressed at once would overtake the click.
func (d *Display) passed(ctx context.Context, presses int) {
	ctx, cancel := context.WithTimeout(ctx, managerTime)
	defer cancel()
	for range presses { // the next one is held as soon as the one before is let through
		if !d.askManager(ctx) {
			_ = pause(ctx, settleTime) // who asked for the input sees the end of its ctx
			return
		}
	}
}

// attention waits until keys go to the window that is shown as active. Keys of
// before may have closed a window, or opened one: the application sees them first,
// then the window manager gives the focus on, and meanwhile keys would get lost.
func (d *Display) attention(ctx context.Context) {
	d.ping(ctx)
	ctx, cancel := context.WithTimeout(ctx, managerTime)
	defer cancel()
	for range focusLooks {
		if !d.askManager(ctx) || d.activeHasKeys() || pause(ctx, focusPause) != nil {
			return
		}
	}
}

// activeHasKeys reports whether the server sends keys to the window that the
// manager says is active, or one inside. With no active window there is nothing
// to wait for.
func (d *Display) activeHasKeys() bool {
	has := false
	err := d.limited(func() error {
		active := d.activeWindow()
		if active == 0 {
			has = true
			return nil
		}
		focus, err := xproto.GetInputFocus(d.conn).Reply()
		if err != nil {
			return err
		}
		has, err = d.within(focus.Focus, active)
		return err
	})
	return has && err == nil
}

// within reports whether a window is outer or lies in it. It fails when the window
// goes away meanwhile.
func (d *Display) within(at, outer xproto.Window) (bool, error) {
	for range maxDepth {
		switch at {
		case outer:
			return true, nil
		case xproto.InputFocusNone, xproto.InputFocusPointerRoot, d.root: // none of an application
			return false, nil
		}
		tree, err := xproto.QueryTree(d.conn, at).Reply()
		if err != nil {
			return false, err
		}
		at = tree.Parent
	}
	return false, nil
}

// askManager asks the window manager, which handles events in their order, for an
// answer: the size of the frame of a window to be. It reports whether one came.
func (d *Display) askManager(ctx context.Context) bool {
	events, stop := d.wakers.listen()
	defer stop()
	asked := false
	err := d.limited(func() error {
		request := d.atoms["_NET_REQUEST_FRAME_EXTENTS"]
		if !slices.Contains(words(d.property(d.root, "_NET_SUPPORTED", 1000)), uint32(request)) {
			return nil
		}
		asked = true
		event := xproto.ClientMessageEvent{Format: 32, Window: d.own, Type: request, Data: xproto.ClientMessageDataUnionData32New(make([]uint32, 5))}
		mask := uint32(xproto.EventMaskSubstructureNotify | xproto.EventMaskSubstructureRedirect)
		return xproto.SendEventChecked(d.conn, false, d.root, mask, string(event.Bytes())).Check()
	})
	if err != nil || !asked {
		return false
	}
	for {
		select {
		case event := <-events:
			if e, ok := event.(xproto.PropertyNotifyEvent); ok && e.Window == d.own && e.Atom == d.atoms["_NET_FRAME_EXTENTS"] {
				return true
			}
		case <-d.closed:
			return false
		case <-ctx.Done():
			return false
		}
	}
}
