package run

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"sandpiper/sandbox"
	"sandpiper/web/reply"
)

// StreamSSE answers with a run's events after a position as Server-Sent
// Events, until the exit event, the client's leaving or a client that does not
// read. Each event's id is the position behind it.
func StreamSSE(w http.ResponseWriter, r *http.Request, run Source, after int) error {
	return Stream(w, r, run, after, FormatSSE, WireEvent)
}

// Wire returns the data of an event, which must become an object as JSON.
type Wire func(e sandbox.Event) any

// Stream is StreamSSE in a format that is a stream, with the data that wire makes
// of each event. In lines, an event is one object with its type among its fields.
func Stream(w http.ResponseWriter, r *http.Request, from Source, after int, format Format, wire Wire) error {
	media, appendEvent, keepAlive := "text/event-stream", appendSSE, []byte(": keep-alive\n\n")
	if format == FormatNDJSON {
		media, appendEvent, keepAlive = "application/x-ndjson", appendLine, nil
	}
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
			if err := appendEvent(&b, e, positions[i], wire); err != nil {
				return err
			}
		}
		return send()
	}
	idle := func() error {
		b.Write(keepAlive)
		return send()
	}
	return Follow(r.Context(), from, after, batch, idle)
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
func appendSSE(b *bytes.Buffer, e sandbox.Event, position int, wire Wire) error {
	data, err := reply.Marshal(wire(e))
	if err != nil {
		return err
	}
	b.WriteString("event: " + string(e.Type) + "\nid: " + strconv.Itoa(position) + "\ndata: ")
	b.Write(data)
	b.WriteString("\n\n")
	return nil
}

// appendLine writes e as a line with its type among its fields.
func appendLine(b *bytes.Buffer, e sandbox.Event, _ int, wire Wire) error {
	object, err := TypedEvent(e, wire)
	b.Write(object)
	b.WriteByte('\n')
	return err
}

// TypedEvent returns the data of e with its type as first field.
func TypedEvent(e sandbox.Event, wire Wire) (json.RawMessage, error) {
	data, err := reply.Marshal(wire(e))
	if err != nil {
		return nil, err
	}
	return append([]byte(`{"type":"`+string(e.Type)+`",`), data[1:]...), nil
}

// LastEvent returns the position after which a request wants to go on: what its
// header Last-Event-ID says, or 0.
func LastEvent(r *http.Request) (int, error) {
	last := r.Header.Get("Last-Event-ID")
	if last == "" {
		return 0, nil
	}
	after, err := strconv.Atoi(last)
	if err != nil || after < 0 {
		return 0, &sandbox.Error{Kind: sandbox.KindInvalid, Field: "Last-Event-ID", Message: "Last-Event-ID must be the id of an event of this run"}
	}
	return after, nil
}
