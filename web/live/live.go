// Package live keeps pages up to date that are open in browsers: a stream of
// Server-Sent Events with the parts of a page, each sent when it is not what was
// sent last.
//
// A stream renders what the page shows whenever something changed, and now and
// then without a reason, and compares. So nothing has to be told what changed,
// and a page that was away has all of what it shows sent again when it connects.
//
// A message is HTML for htmx, with an hx-partial element for each part:
//
//	<hx-partial hx-target="#id" hx-swap="outerMorph">…</hx-partial>
package live

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/a-h/templ"
)

// Times of streams.
const (
	DefaultEvery  = 2 * time.Second       // between two looks without a reason
	DefaultSettle = 40 * time.Millisecond // so that what changes together is sent together
	beatAfter     = 15 * time.Second      // without anything to send
	maxMessage    = 4 << 20               // bytes; a page has far less
)

// Part is a piece of a page: the element with this id.
type Part struct {
	ID   string
	View templ.Component

	// Items are parts inside of it. While they are the same ones in the same
	// order only those are sent that differ; else the part as a whole is.
	Items []Part
}

// Scene is all that a page shows that may change.
type Scene struct {
	Parts []Part

	// Events are sent to the page's scripts, by name, when their data is not
	// what was sent last.
	Events map[string]string

	// End, when it is not "", leads the page elsewhere and ends the stream.
	End string
}

// Stream says what a stream sends and when.
type Stream struct {
	Changes <-chan struct{} // something may have changed; nil for nobody who says so
	Every   time.Duration   // 0 for DefaultEvery
	Look    func(ctx context.Context) (Scene, error)
}

// Serve sends a stream until ctx is done, the client is gone, Changes is closed,
// or Look fails. The client then connects again.
func Serve(ctx context.Context, w http.ResponseWriter, s Stream) error {
	if s.Every == 0 {
		s.Every = DefaultEvery
	}
	scene, err := s.Look(ctx)
	if err != nil {
		return err // nothing is written yet, so it becomes an answer
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	out := &writer{w: w, rc: http.NewResponseController(w), sent: map[string]string{}}
	for {
		if err := out.scene(ctx, scene); err != nil || scene.End != "" {
			return err
		}
		if !s.wait(ctx) {
			return nil
		}
		if scene, err = s.Look(ctx); err != nil {
			return err
		}
	}
}

// wait waits for a reason to look again, and reports whether there is one.
func (s Stream) wait(ctx context.Context) bool {
	timer := time.NewTimer(s.Every)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	case _, ok := <-s.Changes:
		if !ok {
			return false
		}
	}
	timer.Reset(DefaultSettle)
	for {
		select {
		case <-ctx.Done():
			return false
		case <-timer.C:
			return true
		case _, ok := <-s.Changes:
			if !ok {
				return false
			}
		}
	}
}

// writer remembers what a client has been sent.
type writer struct {
	w    http.ResponseWriter
	rc   *http.ResponseController
	sent map[string]string // HTML, or order of items, or data, by what it is of
	last time.Time
}

// scene sends what of a scene the client does not have.
func (o *writer) scene(ctx context.Context, s Scene) error {
	var html strings.Builder
	for _, p := range s.Parts {
		if err := o.part(ctx, &html, p); err != nil {
			return err
		}
	}
	if html.Len() > maxMessage {
		return fmt.Errorf("a message of %d bytes is too long", html.Len())
	}
	var message bytes.Buffer
	if html.Len() > 0 {
		writeMessage(&message, "", html.String())
	}
	for name, data := range s.Events {
		if had, ok := o.sent["event "+name]; !ok || had != data {
			o.sent["event "+name] = data
			writeMessage(&message, name, data)
		}
	}
	if s.End != "" {
		writeMessage(&message, "sandbox:gone", s.End)
	}
	return o.send(message.Bytes())
}

// part adds a part to a message where the client does not have it.
func (o *writer) part(ctx context.Context, html *strings.Builder, p Part) error {
	if p.Items == nil {
		body, err := render(ctx, p.View)
		o.swap(html, p.ID, body)
		return err
	}
	order := make([]string, len(p.Items))
	for i, item := range p.Items {
		order[i] = item.ID
	}
	key, all := "order "+p.ID, strings.Join(order, " ")
	had, known := o.sent[key]
	o.sent[key] = all
	if !known || had != all {
		for id := range strings.SplitSeq(had, " ") {
			delete(o.sent, "part "+id) // those that stay are noted again below
		}
		body, err := render(ctx, p.View)
		if err != nil {
			return err
		}
		o.whole(html, p.ID, body)
	}
	return o.items(ctx, html, p.Items, known && had == all)
}

// items notes items as sent, and sends those that differ when that is wanted.
func (o *writer) items(ctx context.Context, html *strings.Builder, items []Part, send bool) error {
	for _, item := range items {
		body, err := render(ctx, item.View)
		if err != nil {
			return err
		}
		if send {
			o.swap(html, item.ID, body)
		} else {
			o.sent["part "+item.ID] = body
		}
	}
	return nil
}

// swap adds a part unless the client has it.
func (o *writer) swap(html *strings.Builder, id, body string) {
	if o.sent["part "+id] == body {
		return
	}
	o.sent["part "+id] = body
	o.whole(html, id, body)
}

func (o *writer) whole(html *strings.Builder, id, body string) {
	fmt.Fprintf(html, `<hx-partial hx-target="#%s" hx-swap="outerMorph">%s</hx-partial>`, id, body)
}

func render(ctx context.Context, c templ.Component) (string, error) {
	var b strings.Builder
	err := c.Render(ctx, &b)
	return b.String(), err
}

// send writes a message, or now and then a comment that keeps proxies from
// ending the connection.
func (o *writer) send(message []byte) error {
	if len(message) == 0 {
		if time.Since(o.last) < beatAfter {
			return nil
		}
		message = []byte(": still here\n\n")
	}
	o.last = time.Now()
	if _, err := o.w.Write(message); err != nil {
		return err
	}
	return o.rc.Flush()
}

// writeMessage writes one message. Carriage returns end lines in streams, so
// they become spaces, which they are in HTML.
func writeMessage(b *bytes.Buffer, event, data string) {
	if event != "" {
		fmt.Fprintf(b, "event: %s\n", event)
	}
	for line := range strings.SplitSeq(strings.ReplaceAll(data, "\r", " "), "\n") {
		fmt.Fprintf(b, "data: %s\n", line)
	}
	b.WriteByte('\n')
}
