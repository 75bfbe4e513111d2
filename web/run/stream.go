package run

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"sandpiper/sandbox"
	"sandpiper/sandbox/scheduler"
	"sandpiper/web/reply"
)

// StreamSSE answers with a run's events after a position as Server-Sent
// Events, until the exit event, the client's leaving or a client that does not
// read. Each event's id is the position behind it.
func StreamSSE(w http.ResponseWriter, r *http.Request, run *scheduler.Run, after int) error {
	return stream(w, r, run, after, "text/event-stream", appendSSE, []byte(": keep-alive\n\n"))
}

// streamNDJSON is StreamSSE with one JSON object per line.
func streamNDJSON(w http.ResponseWriter, r *http.Request, run *scheduler.Run) error {
	return stream(w, r, run, 0, "application/x-ndjson", appendLine, nil)
}

// stream writes events as they come, flushing after each batch.
func stream(w http.ResponseWriter, r *http.Request, run *scheduler.Run, after int, media string,
	appendEvent func(b *bytes.Buffer, e sandbox.Event, position int) error, keepAlive []byte) error {

	h := w.Header()
	h.Set("Content-Type", media)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // asks proxies to pass pieces on at once
	w.WriteHeader(http.StatusOK)

	var b bytes.Buffer
	send := func() error {
		if _, err := b.WriteTo(w); err != nil {
			return fmt.Errorf("%w: %w", sandbox.ErrClientGone, err)
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			return fmt.Errorf("%w: %w", sandbox.ErrClientGone, err)
		}
		return nil
	}
	batch := func(events []sandbox.Event, next int) error {
		positions := positions(events, next)
		for i, e := range events {
			if err := appendEvent(&b, e, positions[i]); err != nil {
				return err
			}
		}
		return send()
	}
	idle := func() error {
		b.Write(keepAlive)
		return send()
	}
	return Follow(r.Context(), run, after, batch, idle)
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

// appendSSE writes e as a Server-Sent Event.
func appendSSE(b *bytes.Buffer, e sandbox.Event, position int) error {
	data, err := reply.Marshal(WireEvent(e))
	if err != nil {
		return err
	}
	b.WriteString("event: " + string(e.Type) + "\nid: " + strconv.Itoa(position) + "\ndata: ")
	b.Write(data)
	b.WriteString("\n\n")
	return nil
}

// appendLine writes e as a line with its type among its fields.
func appendLine(b *bytes.Buffer, e sandbox.Event, _ int) error {
	object, err := typedEvent(e)
	b.Write(object)
	b.WriteByte('\n')
	return err
}

// typedEvent returns the data of e, an object, with its type as first field.
func typedEvent(e sandbox.Event) (json.RawMessage, error) {
	data, err := reply.Marshal(WireEvent(e))
	if err != nil {
		return nil, err
	}
	return append([]byte(`{"type":"`+string(e.Type)+`",`), data[1:]...), nil
}
