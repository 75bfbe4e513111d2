package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"sandpiper/sandbox"
	"sandpiper/sandbox/manager"
	"sandpiper/web/api/socketio"
	"sandpiper/web/auth"
)

// errSlow ends the connection of a client that did not take its events.
var errSlow = errors.New("the client is too slow for its events")

// serveEvents tells a client what happens to its organization's sandboxes and
// snapshots. It shows a key in Socket.IO's own way, or in the header of the
// handshake.
func (h *Handler) serveEvents(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := h.feeds.Attach(context.WithoutCancel(r.Context())) // the connection outlives the request
	defer cancel()
	if auth.From(ctx).Kind == auth.KindSession && !h.guard.OwnPage(r) {
		ctx = auth.WithCaller(ctx, h.guard.Address(r))
	}
	stop := func() {}
	defer func() { stop() }()
	socketio.Serve(ctx, w, r, socketio.Times{}, func(ctx context.Context, shown json.RawMessage) (socketio.Feed, error) {
		caller, err := h.admit(ctx, shown, r.URL.Query().Get("organizationId"))
		if err != nil {
			return nil, err
		}
		caller, release := auth.Lasting(caller)
		events, unsubscribe := h.manager.Subscribe(h.org.ID)
		stop = func() {
			unsubscribe()
			release()
		}
		return h.feed(caller, events, h.base(r)), nil
	})
}

// admit decides whether a client may hear of the organization, and returns ctx
// with who the client is.
func (h *Handler) admit(ctx context.Context, shown json.RawMessage, organization string) (context.Context, error) {
	var credential struct {
		Token string `json:"token"`
	}
	if shown != nil && json.Unmarshal(shown, &credential) != nil {
		return ctx, sandbox.Errorf(sandbox.KindUnauthorized, "show an API key as {\"token\":\"…\"}")
	}
	if credential.Token != "" {
		var err error
		if ctx, err = h.guard.WithBearer(ctx, credential.Token); err != nil {
			return ctx, err
		}
	}
	if organization != "" && organization != h.org.ID {
		return ctx, sandbox.Errorf(sandbox.KindForbidden, "you are no member of the organization %.64q", organization)
	}
	return ctx, auth.CheckSignedIn(ctx)
}

// feed hands out events for as long as the caller's credential counts.
func (h *Handler) feed(caller context.Context, events <-chan manager.Event, base string) socketio.Feed {
	return func(ctx context.Context) (socketio.Event, error) {
		if caller.Err() != nil {
			return socketio.Event{}, context.Cause(caller) // before an event that is there as well
		}
		select {
		case e, ok := <-events:
			if !ok {
				return socketio.Event{}, errSlow
			}
			return h.toEvent(e, base), nil
		case <-caller.Done():
			return socketio.Event{}, context.Cause(caller)
		case <-ctx.Done():
			return socketio.Event{}, ctx.Err()
		}
	}
}

// toEvent writes an event as clients know it. A creation is the thing itself.
func (h *Handler) toEvent(e manager.Event, base string) socketio.Event {
	out := socketio.Event{Name: e.Kind}
	switch e.Kind {
	case manager.EventCreated:
		out.Data = toSandbox(e.Sandbox, base)
	case manager.EventState:
		out.Data = map[string]any{"sandbox": toSandbox(e.Sandbox, base), "oldState": e.OldState, "newState": e.NewState}
	case manager.EventDesired:
		out.Data = map[string]any{"sandbox": toSandbox(e.Sandbox, base), "oldDesiredState": e.OldState, "newDesiredState": e.NewState}
	case manager.EventSnapshotState:
		out.Data = map[string]any{"snapshot": toSnapshot(e.Snapshot, h.mainRegion()), "oldState": e.OldState, "newState": e.NewState}
	default:
		out.Data = toSnapshot(e.Snapshot, h.mainRegion())
	}
	return out
}
