package run

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/scheduler"
	"sandpiper/web/reply"
)

// keepAlive is how often an idle stream says that it is alive: less than the
// idle time of common proxies.
const keepAlive = 15 * time.Second

var errIdle = errors.New("nothing happened for a while")

// StreamSSE answers with a run's events after a position as Server-Sent
// Events, until the exit event, the client's leaving or a client that does not
// read. Each event's id is the position behind it.
func StreamSSE(w http.ResponseWriter, r *http.Request, run *scheduler.Run, after int) error {
	startStream(w, "text/event-stream")
	return follow(r.Context(), w, run, after, sseEncoder{})
}

// streamNDJSON is StreamSSE with one JSON object per line.
func streamNDJSON(w http.ResponseWriter, r *http.Request, run *scheduler.Run) error {
	startStream(w, "application/x-ndjson")
	return follow(r.Context(), w, run, 0, lineEncoder{})
}

func startStream(w http.ResponseWriter, media string) {
	h := w.Header()
	h.Set("Content-Type", media)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // asks proxies to pass pieces on at once
	w.WriteHeader(http.StatusOK)
}

// An encoder writes events in one format.
type encoder interface {
	encode(b *bytes.Buffer, e sandbox.Event, position int) error
	idle(b *bytes.Buffer)
}

// follow writes the events of a run as they come, flushing after each batch.
func follow(ctx context.Context, w http.ResponseWriter, run *scheduler.Run, after int, enc encoder) error {
	control := http.NewResponseController(w)
	var b bytes.Buffer
	for {
		events, next, err := nextEvents(ctx, run, after)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, errIdle):
			enc.idle(&b)
		case err != nil:
			return fmt.Errorf("follow run %s: %w", run.ID(), err)
		}
		positions := positions(events, next)
		for i, e := range events {
			if err := enc.encode(&b, e, positions[i]); err != nil {
				return err
			}
		}
		if err := send(w, control, &b); err != nil {
			return fmt.Errorf("write events of run %s: %w: %w", run.ID(), sandbox.ErrClientGone, err)
		}
		after = next
	}
}

// nextEvents is run.Events, which gives up with errIdle after keepAlive.
func nextEvents(ctx context.Context, run *scheduler.Run, after int) ([]sandbox.Event, int, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, keepAlive, errIdle)
	defer cancel()
	return run.Events(ctx, after)
}

func send(w io.Writer, control *http.ResponseController, b *bytes.Buffer) error {
	if _, err := b.WriteTo(w); err != nil {
		return err
	}
	return control.Flush()
}

// positions returns the position behind each event of a batch that ends at
// next: text counts its bytes, everything else one. What the scheduler left
// out lies before the event that follows it, so counting backwards is exact.
func positions(events []sandbox.Event, next int) []int {
	at := make([]int, len(events))
	for i := len(events) - 1; i >= 0; i-- {
		at[i] = next
		if events[i].Type == sandbox.EventStdout || events[i].Type == sandbox.EventStderr {
			next -= len(events[i].Text)
		} else {
			next--
		}
	}
	return at
}

// sseEncoder writes Server-Sent Events.
type sseEncoder struct{}

func (sseEncoder) encode(b *bytes.Buffer, e sandbox.Event, position int) error {
	data, err := reply.Marshal(WireEvent(e))
	if err != nil {
		return err
	}
	b.WriteString("event: " + string(e.Type) + "\nid: " + strconv.Itoa(position) + "\ndata: ")
	b.Write(data)
	b.WriteString("\n\n")
	return nil
}

func (sseEncoder) idle(b *bytes.Buffer) { b.WriteString(": keep-alive\n\n") }

// lineEncoder writes one object per line.
type lineEncoder struct{}

func (lineEncoder) encode(b *bytes.Buffer, e sandbox.Event, _ int) error {
	object, err := typedObject(string(e.Type), WireEvent(e))
	b.Write(object)
	b.WriteByte('\n')
	return err
}

func (lineEncoder) idle(*bytes.Buffer) {}

// typedObject returns data, which must encode as an object with fields, with
// its type as first field.
func typedObject(name string, data any) ([]byte, error) {
	object, err := reply.Marshal(data)
	if err != nil {
		return nil, err
	}
	head := []byte(`{"type":` + strconv.Quote(name) + `,`)
	return append(head, object[1:]...), nil
}
