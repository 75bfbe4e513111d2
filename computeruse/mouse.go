package computeruse

import (
	"fmt"
	"image"
	"net/http"
	"strings"

	"sandpiper/computeruse/wire"
	"sandpiper/computeruse/x11"
	"sandpiper/sandbox/toolbox/answer"
)

// maxScroll is how many steps the wheel turns in one request.
const maxScroll = 100

func (h *Handler) mousePosition(w http.ResponseWriter, r *http.Request) error {
	display, err := h.desktop.Display(r.Context())
	if err != nil {
		return problem(err)
	}
	at, err := display.Position()
	if err != nil {
		return problem(err)
	}
	return answer.JSON(w, http.StatusOK, wire.Position{X: at.X, Y: at.Y})
}

func (h *Handler) mouseMove(w http.ResponseWriter, r *http.Request, n *note) (any, error) {
	var q wire.MoveRequest
	if err := answer.Decode(w, r, &q); err != nil {
		return nil, err
	}
	to, err := point(n, "x", q.X, "y", q.Y)
	if err != nil {
		return nil, err
	}
	display, err := h.desktop.Display(r.Context())
	if err != nil {
		return nil, err
	}
	if err := display.Move(r.Context(), to); err != nil {
		return nil, err
	}
	at, err := display.Position()
	return wire.Position{X: at.X, Y: at.Y}, err
}

func (h *Handler) mouseClick(w http.ResponseWriter, r *http.Request, n *note) (any, error) {
	var q wire.ClickRequest
	if err := answer.Decode(w, r, &q); err != nil {
		return nil, err
	}
	at, err := point(n, "x", q.X, "y", q.Y)
	if err != nil {
		return nil, err
	}
	button, err := buttonOf(q.Button, n)
	if err != nil {
		return nil, err
	}
	count := 1
	if q.Double {
		count = 2
		n.parameters += ", double"
	}
	display, err := h.desktop.Display(r.Context())
	if err != nil {
		return nil, err
	}
	return wire.Position{X: at.X, Y: at.Y}, display.Click(r.Context(), at, button, count)
}

func (h *Handler) mouseDrag(w http.ResponseWriter, r *http.Request, n *note) (any, error) {
	var q wire.DragRequest
	if err := answer.Decode(w, r, &q); err != nil {
		return nil, err
	}
	from, err := point(n, "startX", q.StartX, "startY", q.StartY)
	if err != nil {
		return nil, err
	}
	start := n.parameters
	to, err := point(n, "endX", q.EndX, "endY", q.EndY)
	if err != nil {
		return nil, err
	}
	n.parameters = start + " to " + n.parameters
	button, err := buttonOf(q.Button, n)
	if err != nil {
		return nil, err
	}
	display, err := h.desktop.Display(r.Context())
	if err != nil {
		return nil, err
	}
	return wire.Position{X: to.X, Y: to.Y}, display.Drag(r.Context(), from, to, button)
}

func (h *Handler) mouseScroll(w http.ResponseWriter, r *http.Request, n *note) (any, error) {
	var q wire.ScrollRequest
	if err := answer.Decode(w, r, &q); err != nil {
		return nil, err
	}
	at, err := point(n, "x", q.X, "y", q.Y)
	if err != nil {
		return nil, err
	}
	direction := strings.ToLower(q.Direction)
	if direction != "up" && direction != "down" {
		return nil, answer.BadRequest("direction must be up or down, not %.40q", q.Direction)
	}
	amount := 1
	if q.Amount != nil {
		amount = *q.Amount
	}
	if amount < 0 || amount > maxScroll {
		return nil, answer.BadRequest("amount must be from 0 to %d steps of the wheel, not %d", maxScroll, amount)
	}
	n.parameters += fmt.Sprintf(", %s %d", direction, amount)
	display, err := h.desktop.Display(r.Context())
	if err != nil {
		return nil, err
	}
	return wire.ScrollResponse{Success: true}, display.Scroll(r.Context(), at, direction == "up", amount)
}

// point reads a place on the screen and notes it. That it is on the screen is
// found out later.
func point(n *note, nameX string, x *int, nameY string, y *int) (image.Point, error) {
	const most = 1 << 15 // more than a screen can have
	for _, c := range []struct {
		name  string
		value *int
	}{{nameX, x}, {nameY, y}} {
		switch {
		case c.value == nil:
			return image.Point{}, answer.BadRequest("%s is missing", c.name)
		case *c.value < 0 || *c.value >= most:
			return image.Point{}, answer.BadRequest("%s must be a place on the screen, not %d", c.name, *c.value)
		}
	}
	n.parameters = fmt.Sprintf("%d,%d", *x, *y)
	n.at = &wire.Position{X: *x, Y: *y}
	return image.Pt(*x, *y), nil
}

// buttonOf reads the name of a button; "" is the left one.
func buttonOf(name string, n *note) (x11.Button, error) {
	buttons := map[string]x11.Button{"": x11.Left, "left": x11.Left, "middle": x11.Middle, "right": x11.Right}
	name = strings.ToLower(name)
	button, ok := buttons[name]
	if !ok {
		return 0, answer.BadRequest("button must be left, right or middle, not %.40q", name)
	}
	if name != "" {
		n.parameters += ", " + name
	}
	return button, nil
}
