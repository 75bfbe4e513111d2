package x11

import (
	"context"
	"slices"
	"time"

	"github.com/jezek/xgb/xproto"
)

// managerTime is how long the window manager may take to let presses of buttons
// through. One that takes longer hangs.
const managerTime = 5 * time.Second

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
