package x11

import (
	"context"
	"errors"
	"fmt"
	"image"
	"maps"
	"slices"
	"time"

	"github.com/jezek/xgb/xproto"

	"sandpiper/computeruse/keys"
)

const (
	// keepUpTime is how long an application may take to see a change of the
	// keyboard or what was typed so far. One that is busier than that may get
	// other characters than were meant.
	keepUpTime = 2 * time.Second

	// settleTime stands for that where an application cannot be asked.
	settleTime = 60 * time.Millisecond

	// keysBetweenAsks is how many keys are typed before the application is asked
	// whether it has seen them. Their events wait in the server, for which there
	// may be too many.
	keysBetweenAsks = 200
)

// Type types keysyms, with a pause after each, once what was typed before has had
// its effect on the focus: see attention. When ctx ends it stops between
// two keys. Preconditions: delay is not negative.
func (d *Display) Type(ctx context.Context, syms []keys.Keysym, delay time.Duration) error {
	return d.input(ctx, func() error {
		d.attention(ctx)
		layout, err := d.layout()
		if err != nil {
			return err
		}
		batches := layout.Plan(syms, d.borrowed)
		if batches == nil {
			return errors.New("the keyboard has no key that could be given the characters that it lacks")
		}
		for i, batch := range batches {
			if i > 0 {
				d.keepUp(ctx) // keys change their meaning: what was typed with the earlier one must be through
			}
			if err := d.remap(ctx, batch.Remap); err != nil {
				return err
			}
			if err := d.strike(ctx, batch.Strokes, delay); err != nil {
				return err
			}
		}
		return nil
	})
}

// Press presses a key while modifiers are held, when Type would begin to type.
func (d *Display) Press(ctx context.Context, chord keys.Chord) (err error) {
	return d.input(ctx, func() error {
		d.attention(ctx)
		layout, err := d.layout()
		if err != nil {
			return err
		}
		stroke, ok := layout.Find(chord.Key)
		if !ok {
			batches := layout.Plan([]keys.Keysym{chord.Key}, d.borrowed)
			if batches == nil {
				return errors.New("the keyboard has no such key, and none that could be given its meaning")
			}
			if err := d.remap(ctx, batches[0].Remap); err != nil {
				return err
			}
			stroke = batches[0].Strokes[0]
		}
		return d.hold(layout, chord.Modifiers, func() error { return d.stroke(layout, stroke) })
	})
}

// strike presses keys one after the other.
func (d *Display) strike(ctx context.Context, strokes []keys.Stroke, delay time.Duration) error {
	layout, err := d.layout()
	if err != nil {
		return err
	}
	for i, stroke := range strokes {
		if i > 0 && i%keysBetweenAsks == 0 {
			d.keepUp(ctx)
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("stopped after %d of %d keys: %w", i, len(strokes), err)
		}
		if err := d.stroke(layout, stroke); err != nil {
			return err
		}
		if delay > 0 {
			if err := pause(ctx, delay); err != nil {
				return fmt.Errorf("stopped after %d of %d keys: %w", i+1, len(strokes), err)
			}
		}
	}
	return nil
}

// stroke presses and releases one key.
func (d *Display) stroke(layout keys.Layout, s keys.Stroke) error {
	press := func() error {
		if err := d.fake(xproto.KeyPress, s.Code, image.Point{}); err != nil {
			return err
		}
		return d.fake(xproto.KeyRelease, s.Code, image.Point{})
	}
	if !s.Shift {
		return press()
	}
	return d.hold(layout, []keys.Keysym{keys.ShiftL}, press)
}

// hold runs fn while modifiers are held, and releases them in any case.
func (d *Display) hold(layout keys.Layout, modifiers []keys.Keysym, fn func() error) (err error) {
	for _, sym := range modifiers {
		key, ok := layout.Find(sym)
		if !ok {
			return fmt.Errorf("the keyboard lacks a modifier key (keysym %#x)", uint32(sym))
		}
		if err := d.fake(xproto.KeyPress, key.Code, image.Point{}); err != nil {
			return err
		}
		defer func() {
			if up := d.fake(xproto.KeyRelease, key.Code, image.Point{}); err == nil {
				err = up
			}
		}()
	}
	return fn()
}

// layout asks what the keys mean now: anybody may have changed it.
func (d *Display) layout() (l keys.Layout, err error) {
	err = d.limited(func() error {
		setup := xproto.Setup(d.conn)
		l.First = byte(setup.MinKeycode)
		count := int(setup.MaxKeycode) - int(setup.MinKeycode) + 1
		mapping := xproto.GetKeyboardMapping(d.conn, setup.MinKeycode, byte(count))
		pointer := xproto.QueryPointer(d.conn, d.root)
		table, err := mapping.Reply()
		if err != nil {
			return err
		}
		state, err := pointer.Reply()
		if err != nil {
			return err
		}
		per := int(table.KeysymsPerKeycode)
		for row := range slices.Chunk(table.Keysyms, max(per, 1)) {
			l.Rows = append(l.Rows, convert(row))
		}
		l.Caps = state.Mask&xproto.ModMaskLock != 0
		l.Num = state.Mask&xproto.ModMask2 != 0
		l.Group = int(state.Mask>>13) & 1 // XKB tells it here; more than two groups are not in this table
		return nil
	})
	return l, err
}

func convert(row []xproto.Keysym) []keys.Keysym {
	out := make([]keys.Keysym, len(row))
	for i, sym := range row {
		out[i] = keys.Keysym(sym)
	}
	return out
}

// remap gives spare keys a meaning and waits until the application knows.
func (d *Display) remap(ctx context.Context, meanings map[byte]keys.Keysym) error {
	if len(meanings) == 0 {
		return nil
	}
	for _, code := range slices.Sorted(maps.Keys(meanings)) {
		sym := xproto.Keysym(meanings[code])
		err := d.limited(func() error {
			// Twice, so that neither Shift nor Caps Lock changes it.
			return xproto.ChangeKeyboardMappingChecked(d.conn, 1, xproto.Keycode(code), 2, []xproto.Keysym{sym, sym}).Check()
		})
		if err != nil {
			return fmt.Errorf("give key %d a meaning: %w", code, err)
		}
		d.borrowed = append(slices.DeleteFunc(d.borrowed, func(c byte) bool { return c == code }), code)
	}
	d.keepUp(ctx)
	return ctx.Err()
}

// keepUp waits until the application with the keyboard's focus has seen every
// event so far: it is pinged as window managers do, and answers in order.
func (d *Display) keepUp(ctx context.Context) {
	if !d.ping(ctx) {
		_ = pause(ctx, settleTime) // who asked for the input sees the end of its ctx
	}
}
