package computeruse

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sandpiper/computeruse/wire"
	"sandpiper/sandbox/toolbox/answer"
)

const (
	// beat is how often a stream of actions sends something when there are none:
	// proxies end connections on which nothing happens.
	beat = 15 * time.Second

	// writeTime is how long a follower may take to take what it is sent.
	writeTime = 10 * time.Second
)

// listActions answers with the actions after a number, or with a stream of them.
func (h *Handler) listActions(w http.ResponseWriter, r *http.Request) error {
	events := strings.Contains(r.Header.Get("Accept"), "text/event-stream")
	text := r.URL.Query().Get("since")
	if last := r.Header.Get("Last-Event-ID"); events && last != "" {
		text = last // a browser goes on where it was cut off
	}
	var since int64
	if text != "" {
		var err error
		if since, err = strconv.ParseInt(text, 10, 64); err != nil || since < 0 {
			return answer.BadRequest("since must be the number of an action, not %.40q", text)
		}
	}
	follow, _ := strconv.ParseBool(r.URL.Query().Get("follow"))
	if !follow && !events {
		return answer.JSON(w, http.StatusOK, h.actions.Since(since))
	}
	return h.followActions(w, r, since, events)
}

// followActions streams actions until the client or the handler goes.
func (h *Handler) followActions(w http.ResponseWriter, r *http.Request, since int64, events bool) error {
	h.open.Add(1)
	defer h.open.Done()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(h.ctx, cancel)()
	w.Header().Set("Content-Type", "application/x-ndjson")
	if events {
		w.Header().Set("Content-Type", "text/event-stream")
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	control := http.NewResponseController(w)
	defer func() { _ = control.SetWriteDeadline(time.Time{}) }()
	for {
		batch := h.actions.Since(since)
		since = batch.Next
		// Not every server can limit the time of a write.
		_ = control.SetWriteDeadline(time.Now().Add(writeTime))
		if err := writeActions(w, batch.Actions, events); err != nil {
			return nil // the client has gone
		}
		if err := control.Flush(); err != nil {
			return nil
		}
		waiting, stop := context.WithTimeout(ctx, beat)
		_ = h.actions.Wait(waiting, since) // its end is the time for a beat
		stop()
		if ctx.Err() != nil {
			return nil
		}
	}
}

// writeActions writes actions in the form of a stream; without any, a beat.
func writeActions(w http.ResponseWriter, actions []wire.Action, events bool) error {
	var out strings.Builder
	if len(actions) == 0 {
		out.WriteString("\n")
		if events {
			out.Reset()
			out.WriteString(": still here\n\n")
		}
	}
	for _, a := range actions {
		data, err := json.Marshal(a)
		if err != nil {
			return err
		}
		if events {
			fmt.Fprintf(&out, "id: %d\ndata: %s\n\n", a.Number, data)
		} else {
			fmt.Fprintf(&out, "%s\n", data)
		}
	}
	_, err := w.Write([]byte(out.String()))
	return err
}
