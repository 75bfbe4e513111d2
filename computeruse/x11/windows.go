package x11

import (
	"context"
	"encoding/binary"
	"image"
	"strings"
	"time"

	"github.com/jezek/xgb/xproto"
)

const (
	maxWindows = 500
	maxTitle   = 1024 // bytes, in a property's units of four: 256
)

// Window is a window as its manager shows it, with its frame.
type Window struct {
	ID     uint32
	Title  string
	Bounds image.Rectangle
	Active bool
	PID    int // of its process, 0 when it does not tell
}

// Windows returns the windows of applications, the lowest one first; desktop and
// panels are not among them.
func (d *Display) Windows() ([]Window, error) {
	var all []Window
	err := d.limited(func() error {
		ids := words(d.property(d.root, "_NET_CLIENT_LIST_STACKING", maxWindows))
		active := d.activeWindow()
		for _, id := range ids {
			w, ok := d.window(xproto.Window(id))
			if ok {
				w.Active = xproto.Window(id) == active
				all = append(all, w)
			}
		}
		return nil
	})
	return all, err
}

// Active returns the window that has the keyboard's focus; false when none has.
func (d *Display) Active() (Window, bool, error) {
	var w Window
	var ok bool
	err := d.limited(func() error {
		if id := d.activeWindow(); id != 0 {
			w, ok = d.window(id)
		}
		return nil
	})
	return w, ok, err
}

func (d *Display) activeWindow() xproto.Window {
	for _, id := range words(d.property(d.root, "_NET_ACTIVE_WINDOW", 1)) {
		return xproto.Window(id)
	}
	return 0
}

// window describes a window; false for one that has gone or is no application's.
func (d *Display) window(id xproto.Window) (Window, bool) {
	for _, kind := range words(d.property(id, "_NET_WM_WINDOW_TYPE", 8)) {
		if atom := xproto.Atom(kind); atom == d.atoms["_NET_WM_WINDOW_TYPE_DESKTOP"] || atom == d.atoms["_NET_WM_WINDOW_TYPE_DOCK"] {
			return Window{}, false
		}
	}
	geometry, err := xproto.GetGeometry(d.conn, xproto.Drawable(id)).Reply()
	if err != nil {
		return Window{}, false
	}
	place, err := xproto.TranslateCoordinates(d.conn, id, d.root, 0, 0).Reply()
	if err != nil {
		return Window{}, false
	}
	w := Window{ID: uint32(id), Title: d.title(id)}
	w.Bounds.Min = image.Pt(int(place.DstX), int(place.DstY))
	w.Bounds.Max = w.Bounds.Min.Add(image.Pt(int(geometry.Width), int(geometry.Height)))
	w.Bounds = withFrame(w.Bounds, words(d.property(id, "_NET_FRAME_EXTENTS", 4)))
	for _, pid := range words(d.property(id, "_NET_WM_PID", 1)) {
		w.PID = int(pid)
	}
	return w, true
}

func (d *Display) title(id xproto.Window) string {
	title := d.property(id, "_NET_WM_NAME", maxTitle/4)
	if len(title) == 0 {
		reply, err := xproto.GetProperty(d.conn, false, id, xproto.AtomWmName, xproto.GetPropertyTypeAny, 0, maxTitle/4).Reply()
		if err != nil {
			return ""
		}
		title = reply.Value
	}
	return titleOf(title)
}

// titleOf reads a property that is a text, which may be cut anywhere.
func titleOf(data []byte) string {
	return strings.ToValidUTF8(strings.TrimRight(string(data), "\x00"), "")
}

// property reads at most count words of a property; none where it is not there.
func (d *Display) property(id xproto.Window, name string, count uint32) []byte {
	reply, err := xproto.GetProperty(d.conn, false, id, d.atoms[name], xproto.GetPropertyTypeAny, 0, count).Reply()
	if err != nil {
		return nil
	}
	return reply.Value
}

// words reads a property that is a list of numbers.
func words(data []byte) []uint32 {
	out := make([]uint32, 0, len(data)/4)
	for ; len(data) >= 4; data = data[4:] {
		out = append(out, binary.LittleEndian.Uint32(data))
	}
	return out
}

// withFrame adds what the window manager draws around a window: left, right, top
// and bottom. What is no frame is left out.
func withFrame(inner image.Rectangle, frame []uint32) image.Rectangle {
	const widest = 500
	if len(frame) != 4 || max(frame[0], frame[1], frame[2], frame[3]) > widest {
		return inner
	}
	return image.Rect(inner.Min.X-int(frame[0]), inner.Min.Y-int(frame[2]), inner.Max.X+int(frame[1]), inner.Max.Y+int(frame[3]))
}

// WaitReady waits until a window manager runs and has a desktop to show.
func (d *Display) WaitReady(ctx context.Context) error {
	events, stop := d.wakers.listen()
	defer stop()
	for {
		if ok, err := d.ready(); ok || err != nil {
			return err
		}
		select {
		case <-events: // of the root window: what is looked for is announced there
		case <-d.closed:
			return ErrGone
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// ready reports whether a window manager and a desktop are there. The property
// of an earlier manager names a window that has gone with it.
func (d *Display) ready() (ok bool, err error) {
	err = d.limited(func() error {
		for _, id := range words(d.property(d.root, "_NET_SUPPORTING_WM_CHECK", 1)) {
			ok = len(words(d.property(xproto.Window(id), "_NET_SUPPORTING_WM_CHECK", 1))) == 1
		}
		if !ok {
			return nil
		}
		ok = false
		for _, id := range words(d.property(d.root, "_NET_CLIENT_LIST", maxWindows)) {
			for _, kind := range words(d.property(xproto.Window(id), "_NET_WM_WINDOW_TYPE", 8)) {
				ok = ok || xproto.Atom(kind) == d.atoms["_NET_WM_WINDOW_TYPE_DESKTOP"]
			}
		}
		return nil
	})
	return ok, err
}

// ping asks the application with the focus to answer when it has seen all events
// so far. It reports whether the application did, within keepUpTime; one whose
// window goes away does not.
func (d *Display) ping(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, keepUpTime)
	defer cancel()
	events, stop := d.wakers.listen()
	defer stop()
	stamp := uint32(time.Now().UnixNano())
	var to xproto.Window
	err := d.limited(func() error {
		to = d.activeWindow()
		if to == 0 || !d.answersPings(to) {
			to = 0
			return nil
		}
		tell := xproto.ChangeWindowAttributesChecked(d.conn, to, xproto.CwEventMask, []uint32{xproto.EventMaskStructureNotify})
		if err := tell.Check(); err != nil {
			return err
		}
		event := xproto.ClientMessageEvent{Format: 32, Window: to, Type: d.atoms["WM_PROTOCOLS"], Data: xproto.ClientMessageDataUnionData32New(
			[]uint32{uint32(d.atoms["_NET_WM_PING"]), stamp, uint32(to), 0, 0})}
		return xproto.SendEventChecked(d.conn, false, to, xproto.EventMaskNoEvent, string(event.Bytes())).Check()
	})
	if err != nil || to == 0 {
		return false
	}
	for {
		select {
		case event := <-events:
			switch e := event.(type) {
			case xproto.ClientMessageEvent:
				if d.isPong(e, stamp) {
					return true
				}
			case xproto.DestroyNotifyEvent:
				if e.Window == to {
					return false
				}
			}
		case <-d.closed:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

func (d *Display) answersPings(id xproto.Window) bool {
	for _, atom := range words(d.property(id, "WM_PROTOCOLS", 32)) {
		if xproto.Atom(atom) == d.atoms["_NET_WM_PING"] {
			return true
		}
	}
	return false
}

func (d *Display) isPong(e xproto.ClientMessageEvent, stamp uint32) bool {
	data := e.Data.Data32
	return e.Format == 32 && e.Type == d.atoms["WM_PROTOCOLS"] && len(data) >= 2 && data[0] == uint32(d.atoms["_NET_WM_PING"]) && data[1] == stamp
}
