package computeruse

import (
	"context"
	"encoding/base64"
	"fmt"
	"image"
	"math"
	"net/http"
	"net/url"
	"strconv"

	"sandpiper/computeruse/picture"
	"sandpiper/computeruse/wire"
	"sandpiper/sandbox/toolbox/answer"
)

// variant says which parameters a screenshot has.
type variant int

const (
	plain  variant = 0
	region variant = 1 << iota
	compressed
)

// shot is what a caller wants a picture of, and how.
type shot struct {
	region  image.Rectangle // empty for the whole screen
	cursor  bool
	format  picture.Format
	quality int
	scale   float64
}

func (h *Handler) screenshot(v variant) action {
	return func(_ http.ResponseWriter, r *http.Request, n *note) (any, error) {
		s, err := parseShot(r.URL.Query(), v, n)
		if err != nil {
			return nil, err
		}
		return h.take(r.Context(), s)
	}
}

// take takes a screenshot.
func (h *Handler) take(ctx context.Context, s shot) (any, error) {
	display, err := h.desktop.Display(ctx)
	if err != nil {
		return nil, err
	}
	select {
	case h.encoders <- struct{}{}:
		defer func() { <-h.encoders }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	screen, err := display.Capture(s.region, s.cursor)
	if err != nil {
		return nil, err
	}
	at, err := display.Position()
	if err != nil {
		return nil, err
	}
	data, err := picture.Encode(picture.Scale(screen, s.scale), s.format, s.quality)
	if err != nil {
		return nil, err
	}
	return wire.ScreenshotResponse{
		Screenshot: base64.StdEncoding.EncodeToString(data), SizeBytes: len(data), CursorPosition: &wire.Position{X: at.X, Y: at.Y},
	}, nil
}

// parseShot reads the parameters of a screenshot.
func parseShot(q url.Values, v variant, n *note) (s shot, err error) {
	s = shot{format: picture.PNG, quality: picture.DefaultQuality, scale: 1}
	for _, name := range []string{"showCursor", "show_cursor"} {
		if text := q.Get(name); text != "" {
			if s.cursor, err = strconv.ParseBool(text); err != nil {
				return s, answer.BadRequest("%s must be true or false, not %.40q", name, text)
			}
		}
	}
	n.parameters = "whole screen"
	if v&region != 0 {
		if s.region, err = parseRegion(q); err != nil {
			return s, err
		}
		n.parameters = fmt.Sprintf("%d by %d at %d,%d", s.region.Dx(), s.region.Dy(), s.region.Min.X, s.region.Min.Y)
		n.at = &wire.Position{X: s.region.Min.X, Y: s.region.Min.Y}
	}
	if v&compressed == 0 {
		return s, nil
	}
	if s.format, err = picture.ParseFormat(q.Get("format")); err != nil {
		return s, answer.BadRequest("%s", err)
	}
	if text := q.Get("quality"); text != "" {
		quality, err := strconv.Atoi(text)
		if err != nil || quality < 0 || quality > 100 {
			return s, answer.BadRequest("quality must be a whole number from 1 to 100, not %.40q", text)
		}
		s.quality = max(1, quality) // some documents begin at 0
	}
	if text := q.Get("scale"); text != "" {
		scale, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(scale) || scale < picture.MinScale || scale > 1 {
			return s, answer.BadRequest("scale must be a number from %v to 1, not %.40q", picture.MinScale, text)
		}
		s.scale = scale
	}
	n.parameters += ", " + string(s.format)
	return s, nil
}

// parseRegion reads a rectangle of at least a pixel. Whether it is on the screen
// is found out later.
func parseRegion(q url.Values) (image.Rectangle, error) {
	var v [4]int
	for i, name := range []string{"x", "y", "width", "height"} {
		text := q.Get(name)
		least := i / 2 // sizes are 1 at least
		number, err := strconv.Atoi(text)
		switch {
		case text == "":
			return image.Rectangle{}, answer.BadRequest("%s is missing", name)
		case err != nil || number < least || number > math.MaxInt16:
			return image.Rectangle{}, answer.BadRequest("%s must be a whole number of pixels from %d, not %.40q", name, least, text)
		}
		v[i] = number
	}
	return image.Rect(v[0], v[1], v[0]+v[2], v[1]+v[3]), nil
}

func (h *Handler) displayInfo(w http.ResponseWriter, r *http.Request) error {
	display, err := h.desktop.Display(r.Context())
	if err != nil {
		return problem(err)
	}
	monitors, err := display.Monitors()
	if err != nil {
		return problem(err)
	}
	res := wire.DisplayInfoResponse{}
	for i, m := range monitors {
		res.Displays = append(res.Displays, wire.Display{ID: i, X: m.Min.X, Y: m.Min.Y, Width: m.Dx(), Height: m.Dy(), IsActive: true})
	}
	return answer.JSON(w, http.StatusOK, res)
}

func (h *Handler) displayWindows(w http.ResponseWriter, r *http.Request) error {
	display, err := h.desktop.Display(r.Context())
	if err != nil {
		return problem(err)
	}
	windows, err := display.Windows()
	if err != nil {
		return problem(err)
	}
	res := wire.WindowsResponse{Windows: []wire.Window{}}
	for _, win := range windows {
		res.Windows = append(res.Windows, wire.Window{
			ID: int(win.ID), Title: win.Title, X: win.Bounds.Min.X, Y: win.Bounds.Min.Y,
			Width: win.Bounds.Dx(), Height: win.Bounds.Dy(), IsActive: win.Active,
		})
	}
	return answer.JSON(w, http.StatusOK, res)
}
