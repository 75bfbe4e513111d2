package api

import (
	"net/http"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/manager"
	"sandpiper/web/api/wire"
	"sandpiper/web/auth"
	"sandpiper/web/reply"
)

func (h *Handler) settingRoutes() []route {
	const write = auth.WriteSandboxes
	interval := func(path, id, summary, name string, lowest int, set func(*manager.IntervalUpdate) **time.Duration) route {
		return route{with(op("POST", one+path, id, summary), 200, nil, wire.Sandbox{}), write, h.postInterval(name, lowest, set)}
	}
	return []route{
		{with(op("PUT", one+"/labels", "replaceLabels", "Replace all labels"), 200, wire.SandboxLabels{}, wire.SandboxLabels{}), write, h.putLabels},
		{with(op("POST", one+"/public/{isPublic}", "updatePublicStatus", "Let everyone see previews, or not"), 200, nil, wire.Sandbox{}), write, h.postPublic},
		{with(op("POST", one+"/network-settings", "updateNetworkSettings", "Change what a sandbox may reach"), 200, wire.UpdateSandboxNetworkSettings{}, wire.Sandbox{}), write, h.postNetwork},
		{with(op("POST", "/sandbox/{sandboxId}/last-activity", "updateLastActivity", "Say that a sandbox is in use"), 201, wire.UpdateLastActivity{}, nil), write, h.postActivity},
		interval("/autostop/{interval}", "setAutostopInterval", "Minutes without activity after which it stops; 0 for never", "interval", 0,
			func(u *manager.IntervalUpdate) **time.Duration { return &u.AutoStop }),
		interval("/autopause/{interval}", "setAutoPauseInterval", "Minutes without activity after which it is paused; 0 for never", "interval", 0,
			func(u *manager.IntervalUpdate) **time.Duration { return &u.AutoPause }),
		interval("/autoarchive/{interval}", "setAutoArchiveInterval", "Minutes continuously stopped after which it is archived; 0 for the longest", "interval", 0,
			func(u *manager.IntervalUpdate) **time.Duration { return &u.AutoArchive }),
		interval("/autodelete/{interval}", "setAutoDeleteInterval", "Minutes continuously stopped after which it is deleted; negative for never", "interval", -maxMinutes,
			func(u *manager.IntervalUpdate) **time.Duration { return &u.AutoDelete }),
		interval("/ttl/{ttlMinutes}", "setTtl", "Minutes from now after which it is deleted; 0 for never", "ttlMinutes", 0,
			func(u *manager.IntervalUpdate) **time.Duration { return &u.TTL }),
		{with(op("GET", "/sandbox/{sandboxId}/signing-key", "getSandboxSigningKey", "The key that signs addresses of files"), 200, nil, ""), write, h.getSigningKey},
		{with(op("POST", "/sandbox/{sandboxId}/signing-key/rotate", "rotateSigningKey", "Make all signed addresses of files invalid"), 200, nil, ""), write, h.postSigningKey},
	}
}

func (h *Handler) putLabels(w http.ResponseWriter, r *http.Request) error {
	var req wire.SandboxLabels
	if err := decode(w, r, &req); err != nil {
		return err
	}
	s, err := h.manager.SetLabels(r.Context(), h.org.ID, r.PathValue("sandboxIdOrName"), req.Labels)
	if err != nil {
		return err
	}
	return reply.JSON(w, http.StatusOK, wire.SandboxLabels{Labels: orEmpty(s.Labels)})
}

func (h *Handler) postPublic(w http.ResponseWriter, r *http.Request) error {
	public, err := pathBool(r, "isPublic")
	if err != nil {
		return err
	}
	return h.answer(w, r)(h.manager.SetPublic(r.Context(), h.org.ID, r.PathValue("sandboxIdOrName"), public))
}

func (h *Handler) postNetwork(w http.ResponseWriter, r *http.Request) error {
	var req wire.UpdateSandboxNetworkSettings
	if err := decode(w, r, &req); err != nil {
		return err
	}
	u := manager.NetworkUpdate{BlockAll: req.NetworkBlockAll}
	if req.NetworkAllowList != nil {
		list := splitList(*req.NetworkAllowList)
		u.Allow = &list
	}
	if req.DomainAllowList != nil {
		list := splitList(*req.DomainAllowList)
		u.Domains = &list
	}
	if u == (manager.NetworkUpdate{}) {
		return sandbox.FieldErrorf("networkBlockAll", "say at least one of networkBlockAll, networkAllowList and domainAllowList")
	}
	return h.answer(w, r)(h.manager.SetNetwork(r.Context(), h.org.ID, r.PathValue("sandboxIdOrName"), u))
}

func (h *Handler) postActivity(w http.ResponseWriter, r *http.Request) error {
	if err := h.manager.Touch(r.Context(), h.org.ID, r.PathValue("sandboxId"), sandbox.ActivityTouch); err != nil {
		return err
	}
	w.WriteHeader(http.StatusCreated)
	return nil
}

// postInterval sets the interval that set finds to the minutes of the path.
func (h *Handler) postInterval(name string, lowest int, set func(*manager.IntervalUpdate) **time.Duration) reply.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		d, err := pathMinutes(r, name, lowest)
		if err != nil {
			return err
		}
		var u manager.IntervalUpdate
		*set(&u) = d
		return h.answer(w, r)(h.manager.SetIntervals(r.Context(), h.org.ID, r.PathValue("sandboxIdOrName"), u))
	}
}

func (h *Handler) getSigningKey(w http.ResponseWriter, r *http.Request) error {
	s, err := h.sandboxByID(r)
	if err != nil {
		return err
	}
	return reply.JSON(w, http.StatusOK, h.manager.SigningKey(s))
}

func (h *Handler) postSigningKey(w http.ResponseWriter, r *http.Request) error {
	s, err := h.manager.RotateSigningKey(r.Context(), h.org.ID, r.PathValue("sandboxId"))
	if err != nil {
		return err
	}
	return reply.JSON(w, http.StatusOK, h.manager.SigningKey(s))
}
