package x11

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"time"

	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"
)

// Button is a button of the pointer.
type Button byte

// The buttons. Turns of the wheel are presses of buttons to X.
const (
	Left       Button = 1
	Middle     Button = 2
	Right      Button = 3
	scrollUp   Button = 4
	scrollDown Button = 5
)

const (
	// dragStep is how far the pointer jumps in a drag, in pixels, and dragPause
	// how long it rests there: applications find out what is dragged over what
	// from the moves that they see, and leave out those that come too fast.
	dragStep  = 12
	dragPause = 6 * time.Millisecond

	maxDragSteps = 100
)

// Position returns where the pointer is.
func (d *Display) Position() (image.Point, error) {
	var at image.Point
	err := d.limited(func() error {
		reply, err := xproto.QueryPointer(d.conn, d.root).Reply()
		if err == nil {
			at = image.Pt(int(reply.RootX), int(reply.RootY))
		}
		return err
	})
	return at, err
}

// Move moves the pointer.
func (d *Display) Move(ctx context.Context, to image.Point) error {
	return d.input(ctx, func() error { return d.moveTo(to) })
}

// Click moves the pointer and presses a button there, count times. What is typed
// after it comes after it: see passed.
func (d *Display) Click(ctx context.Context, at image.Point, button Button, count int) error {
	return d.input(ctx, func() error {
		if err := d.moveTo(at); err != nil {
			return err
		}
		if err := d.press(button, count); err != nil {
			return err
		}
		d.passed(ctx, count)
		return nil
	})
}

// Scroll moves the pointer and turns the wheel there, steps times.
func (d *Display) Scroll(ctx context.Context, at image.Point, up bool, steps int) error {
	button := scrollDown
	if up {
		button = scrollUp
	}
	return d.Click(ctx, at, button, steps)
}

// Drag presses a button at from, moves the pointer to to in steps that
// applications see, and releases the button, also when ctx ends on the way.
func (d *Display) Drag(ctx context.Context, from, to image.Point, button Button) error {
	return d.input(ctx, func() error {
		if err := d.inside(to); err != nil {
			return err
		}
		if err := d.moveTo(from); err != nil {
			return err
		}
		if err := d.fake(xproto.ButtonPress, byte(button), image.Point{}); err != nil {
			return err
		}
		d.passed(ctx, 1) // moves that are held would come too fast when they are let through
		err := d.dragAlong(ctx, from, to)
		if up := d.fake(xproto.ButtonRelease, byte(button), image.Point{}); err == nil {
			err = up
		}
		return err
	})
}

func (d *Display) dragAlong(ctx context.Context, from, to image.Point) error {
	way := to.Sub(from)
	steps := int(math.Hypot(float64(way.X), float64(way.Y)))/dragStep + 2
	steps = min(steps, maxDragSteps)
	for i := 1; i <= steps; i++ {
		if err := pause(ctx, dragPause); err != nil {
			return err
		}
		at := from.Add(image.Pt(way.X*i/steps, way.Y*i/steps))
		if err := d.fake(xproto.MotionNotify, 0, at); err != nil {
			return err
		}
	}
	return pause(ctx, dragPause)
}

// press presses and releases a button, count times. The server gets it all at
// once: applications tell by the time between presses whether they belong together.
func (d *Display) press(button Button, count int) error {
	return d.limited(func() error {
		var sent []xtest.FakeInputCookie
		for range count {
			for _, kind := range []byte{xproto.ButtonPress, xproto.ButtonRelease} {
				sent = append(sent, d.send(kind, byte(button), image.Point{}))
			}
		}
		var errs []error
		for _, event := range sent {
			errs = append(errs, event.Check())
		}
		return errors.Join(errs...)
	})
}

func (d *Display) moveTo(to image.Point) error {
	if err := d.inside(to); err != nil {
		return err
	}
	return d.fake(xproto.MotionNotify, 0, to)
}

// inside refuses points that the pointer cannot get to.
func (d *Display) inside(p image.Point) error {
	size, err := d.Size()
	if err != nil {
		return err
	}
	if !p.In(image.Rectangle{Max: size}) {
		return fmt.Errorf("%d,%d is %w, which is %d by %d pixels", p.X, p.Y, ErrOutside, size.X, size.Y)
	}
	return nil
}

// fake makes one event of an input device. The server has it when fake returns.
func (d *Display) fake(kind, detail byte, at image.Point) error {
	return d.limited(func() error { return d.send(kind, detail, at).Check() })
}

func (d *Display) send(kind, detail byte, at image.Point) xtest.FakeInputCookie {
	return xtest.FakeInputChecked(d.conn, kind, detail, 0, d.root, int16(at.X), int16(at.Y), 0)
}

// input runs fn while nobody else uses pointer or keyboard.
func (d *Display) input(ctx context.Context, fn func() error) error {
	select {
	case d.inputs <- struct{}{}:
		defer func() { <-d.inputs }()
		return fn()
	case <-d.closed:
		return ErrGone
	case <-ctx.Done():
		return fmt.Errorf("wait for earlier input: %w", ctx.Err())
	}
}

// pause waits.
func pause(ctx context.Context, how time.Duration) error {
	timer := time.NewTimer(how)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
