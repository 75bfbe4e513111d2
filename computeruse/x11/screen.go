package x11

import (
	"errors"
	"fmt"
	"image"

	"github.com/jezek/xgb/randr"
	"github.com/jezek/xgb/xfixes"
	"github.com/jezek/xgb/xproto"
)

// ErrOutside is the error for what is not on the screen.
var ErrOutside = errors.New("outside of the screen")

// Monitor is a part of the screen.
type Monitor struct {
	image.Rectangle
	Primary bool
}

// pixelFormat says where in a pixel's bytes the colours are.
type pixelFormat struct{ red, green, blue int }

// pixelsOf accepts what every X server of the last decades has: four bytes a
// pixel, three of which are a colour.
func pixelsOf(setup *xproto.SetupInfo, screen *xproto.ScreenInfo) (pixelFormat, error) {
	for _, format := range setup.PixmapFormats {
		if format.Depth == screen.RootDepth && format.BitsPerPixel != 32 {
			return pixelFormat{}, fmt.Errorf("the screen has %d bits for a pixel; 32 are needed", format.BitsPerPixel)
		}
	}
	for _, depth := range screen.AllowedDepths {
		for _, visual := range depth.Visuals {
			if visual.VisualId != screen.RootVisual {
				continue
			}
			p := pixelFormat{byteOf(visual.RedMask), byteOf(visual.GreenMask), byteOf(visual.BlueMask)}
			if p.red >= 0 && p.green >= 0 && p.blue >= 0 && setup.ImageByteOrder == xproto.ImageOrderLSBFirst {
				return p, nil
			}
		}
	}
	return pixelFormat{}, errors.New("the screen's colours are not bytes of their own")
}

// byteOf returns which byte a mask covers; -1 for none or a part of one.
func byteOf(mask uint32) int {
	for i := range 4 {
		if mask == 0xff<<(8*i) {
			return i
		}
	}
	return -1
}

// Size returns the size of the screen in pixels.
func (d *Display) Size() (image.Point, error) {
	var size image.Point
	err := d.limited(func() error {
		g, err := xproto.GetGeometry(d.conn, xproto.Drawable(d.root)).Reply()
		if err == nil {
			size = image.Pt(int(g.Width), int(g.Height))
		}
		return err
	})
	return size, err
}

// Monitors returns the parts of the screen, at least one.
func (d *Display) Monitors() ([]Monitor, error) {
	size, err := d.Size()
	if err != nil {
		return nil, err
	}
	var all []Monitor
	err = d.limited(func() error {
		reply, err := randr.GetMonitors(d.conn, d.root, true).Reply()
		if err != nil {
			return err
		}
		for _, m := range reply.Monitors {
			at := image.Pt(int(m.X), int(m.Y))
			all = append(all, Monitor{image.Rectangle{at, at.Add(image.Pt(int(m.Width), int(m.Height)))}, m.Primary})
		}
		return nil
	})
	if len(all) == 0 {
		all = []Monitor{{Rectangle: image.Rectangle{Max: size}, Primary: true}}
	}
	return all, err
}

// Capture returns what a rectangle of the screen shows; an empty one is the whole
// screen. The rectangle must be on the screen, else the error is ErrOutside.
func (d *Display) Capture(region image.Rectangle, cursor bool) (*image.RGBA, error) {
	size, err := d.Size()
	if err != nil {
		return nil, err
	}
	screen := image.Rectangle{Max: size}
	if region.Empty() {
		region = screen
	}
	if !region.In(screen) {
		return nil, fmt.Errorf("%w, which is %d by %d pixels", ErrOutside, size.X, size.Y)
	}
	picture := image.NewRGBA(image.Rectangle{Max: region.Size()})
	err = d.limited(func() error {
		at := region.Min
		get := xproto.GetImage(d.conn, xproto.ImageFormatZPixmap, xproto.Drawable(d.root), int16(at.X), int16(at.Y), uint16(region.Dx()), uint16(region.Dy()), ^uint32(0))
		var pointer xfixes.GetCursorImageCookie
		if cursor {
			pointer = xfixes.GetCursorImage(d.conn)
		}
		reply, err := get.Reply()
		if err != nil {
			return err
		}
		if len(reply.Data) < len(picture.Pix) {
			return fmt.Errorf("the server sent %d bytes for %v", len(reply.Data), region)
		}
		d.pixels.copy(picture.Pix, reply.Data)
		if !cursor {
			return nil
		}
		shape, err := pointer.Reply()
		if err != nil {
			return err
		}
		drawCursor(picture, shape, region.Min)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return picture, nil
}

// copy turns the server's pixels into opaque RGBA.
func (p pixelFormat) copy(to, from []byte) {
	for i := 0; i+4 <= len(to); i += 4 {
		src, dst := from[i:i+4:i+4], to[i:i+4:i+4]
		dst[0], dst[1], dst[2], dst[3] = src[p.red], src[p.green], src[p.blue], 0xff
	}
}

// drawCursor draws the pointer on a picture of the screen that begins at origin.
// Its pixels are ARGB with the colours multiplied already.
func drawCursor(picture *image.RGBA, shape *xfixes.GetCursorImageReply, origin image.Point) {
	left := int(shape.X) - int(shape.Xhot) - origin.X
	top := int(shape.Y) - int(shape.Yhot) - origin.Y
	width := int(shape.Width)
	for i, pixel := range shape.CursorImage {
		at := image.Pt(left+i%width, top+i/width)
		alpha := pixel >> 24
		if alpha == 0 || !at.In(picture.Rect) {
			continue
		}
		dst := picture.Pix[picture.PixOffset(at.X, at.Y):][:3]
		for c := range dst {
			below := uint32(dst[c]) * (255 - alpha) / 255
			dst[c] = byte(min(255, pixel>>(16-8*c)&0xff+below))
		}
	}
}
