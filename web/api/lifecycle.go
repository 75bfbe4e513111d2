package api

import (
	"cmp"
	"context"
	"net/http"
	"strconv"

	"sandpiper/sandbox"
	"sandpiper/sandbox/manager"
	"sandpiper/web/api/wire"
	"sandpiper/web/auth"
	"sandpiper/web/reply"
	"sandpiper/web/run/openapi"
)

const deleteSandboxes = "delete:sandboxes"

// one is the path of one sandbox.
const one = "/sandbox/{sandboxIdOrName}"

func (h *Handler) lifecycleRoutes() []route {
	const write = auth.WriteSandboxes
	force := with(op("POST", one+"/stop", "stopSandbox", "Stop a sandbox; its files stay"), 200, nil, wire.Sandbox{})
	force.Parameters = []openapi.Parameter{{Name: "force", In: "query", Type: "boolean", Description: "Kill the processes at once."}}
	skip := with(op("POST", one+"/recover", "recoverSandbox", "Bring a sandbox back from an error that can be recovered from"), 200, nil, wire.Sandbox{})
	skip.Parameters = []openapi.Parameter{{Name: "skipStart", In: "query", Type: "boolean", Description: "Leave it stopped."}}
	forks := with(op("GET", one+"/forks", "getSandboxForks", "The forks of a sandbox"), 200, nil, []wire.Sandbox{})
	forks.Parameters = []openapi.Parameter{{Name: "includeDestroyed", In: "query", Type: "boolean"}}
	create := with(op("POST", "/sandbox", "createSandbox", "Make a sandbox"), 200, wire.CreateSandbox{}, wire.Sandbox{})
	create.Description = "The answer has the state started where it was ready within a few seconds, and else creating."
	return []route{
		{create, write, h.postSandbox},
		{with(op("DELETE", one, "deleteSandbox", "Delete a sandbox and its files"), 200, nil, wire.Sandbox{}), deleteSandboxes, h.move(h.manager.Destroy)},
		{with(op("POST", one+"/start", "startSandbox", "Start a sandbox that is stopped, paused or archived"), 200, nil, wire.Sandbox{}), write, h.move(h.manager.Start)},
		{force, write, h.postStop},
		{with(op("POST", one+"/pause", "pauseSandbox", "Freeze a sandbox"), 200, nil, wire.Sandbox{}), write, h.move(h.manager.Pause)},
		{with(op("POST", one+"/archive", "archiveSandbox", "Pack a stopped sandbox's files away"), 200, nil, wire.Sandbox{}), write, h.move(h.manager.Archive)},
		{skip, write, h.postRecover},
		{with(op("POST", one+"/resize", "resizeSandbox", "Give a sandbox other resources"), 200, wire.ResizeSandbox{}, wire.Sandbox{}), write, h.postResize},
		{with(op("POST", one+"/fork", "forkSandbox", "Copy a sandbox with its files"), 200, wire.ForkSandbox{}, wire.Sandbox{}), write, h.postFork},
		{with(op("POST", one+"/snapshot", "createSandboxSnapshot", "Make a snapshot of a sandbox"), 200, wire.CreateSandboxSnapshot{}, wire.Sandbox{}), writeSnapshots, h.postSandboxSnapshot},
		{forks, "", h.getForks},
		{with(op("GET", one+"/parent", "getSandboxParent", "The sandbox that a fork was made from"), 200, nil, wire.Sandbox{}), "", h.move(h.manager.Parent)},
		{with(op("GET", one+"/ancestors", "getSandboxAncestors", "The sandboxes that a fork comes from, nearest first"), 200, nil, []wire.Sandbox{}), "", h.getAncestors},
	}
}

func (h *Handler) postSandbox(w http.ResponseWriter, r *http.Request) error {
	var req wire.CreateSandbox
	if err := decode(w, r, &req); err != nil {
		return err
	}
	create, err := h.createRequest(req)
	if err != nil {
		return err
	}
	return h.answer(w, r)(h.manager.Create(r.Context(), create))
}

// createRequest turns a request for a sandbox into ours.
func (h *Handler) createRequest(req wire.CreateSandbox) (manager.CreateRequest, error) {
	if err := checkAbsentFields(req); err != nil {
		return manager.CreateRequest{}, err
	}
	size, err := sizes(req.CPU, req.GPU, req.Memory, req.Disk)
	if err != nil {
		return manager.CreateRequest{}, err
	}
	out := manager.CreateRequest{
		Organization: h.org.ID,
		Name:         req.Name, Snapshot: req.Snapshot, Image: req.Image, User: req.User, Target: cmp.Or(req.Target, h.mainRegion().Name),
		Env: req.Env, Labels: req.Labels, Public: req.Public, Resources: size,
		Network: sandbox.Network{BlockAll: req.NetworkBlockAll, Allow: splitList(req.NetworkAllowList), Domains: splitList(req.DomainAllowList)},
		Volumes: fromVolumes(req.Volumes),
		Linked:  req.LinkedSandbox,
	}
	if req.BuildInfo != nil {
		out.Dockerfile = req.BuildInfo.DockerfileContent
	}
	return out, createIntervals(req, &out)
}

func createIntervals(req wire.CreateSandbox, out *manager.CreateRequest) error {
	u, err := intervals(req.AutoStopInterval, req.AutoPauseInterval, req.AutoArchiveInterval, req.AutoDeleteInterval, req.TTLMinutes)
	out.AutoStop, out.AutoPause, out.AutoArchive, out.AutoDelete, out.TTL = u.AutoStop, u.AutoPause, u.AutoArchive, u.AutoDelete, u.TTL
	return err
}

// intervals turns numbers of minutes, nil for those that were left out, into
// durations.
func intervals(stop, pause, archive, remove, ttl *int) (u manager.IntervalUpdate, err error) {
	for _, f := range []struct {
		value  *int
		name   string
		lowest int
	}{
		{stop, "autoStopInterval", 0}, {pause, "autoPauseInterval", 0}, {archive, "autoArchiveInterval", 0},
		{remove, "autoDeleteInterval", -maxMinutes}, {ttl, "ttlMinutes", 0},
	} {
		d, err := minutesField(f.value, f.name, f.lowest)
		if err != nil {
			return u, err
		}
		switch f.name {
		case "autoStopInterval":
			u.AutoStop = d
		case "autoPauseInterval":
			u.AutoPause = d
		case "autoArchiveInterval":
			u.AutoArchive = d
		case "autoDeleteInterval":
			u.AutoDelete = d
		default:
			u.TTL = d
		}
	}
	return u, nil
}

// checkAbsentFields refuses what a sandbox cannot be given here, rather than
// leave it out in silence.
func checkAbsentFields(req wire.CreateSandbox) error {
	absent := func(field, why string) error {
		return &sandbox.Error{Kind: sandbox.KindUnsupported, Field: field, Message: field + ": " + why}
	}
	switch {
	case len(req.Secrets) > 0:
		return absent("secrets", "this version has no store of secrets; pass env instead")
	case req.OutboundProxyURL != "":
		return absent("outboundProxyUrl", "this server has no outbound proxy; set HTTP_PROXY and HTTPS_PROXY in env instead")
	case req.OtelEndpoint != "":
		return absent("otelEndpointOverride", "this version collects no telemetry of sandboxes")
	case req.Spot, req.GPUType != nil:
		return absent("gpuType", "no runner here has a GPU to give")
	case req.BuildInfo != nil && len(req.BuildInfo.ContextHashes) > 0:
		return absent("buildInfo.contextHashes", "this version builds no images from files; name an image that the container engine has")
	}
	return nil
}

// move answers with what becomes of the sandbox that the path names.
func (h *Handler) move(do func(ctx context.Context, org, idOrName string) (sandbox.Sandbox, error)) reply.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		return h.answer(w, r)(do(r.Context(), h.org.ID, r.PathValue("sandboxIdOrName")))
	}
}

func (h *Handler) postStop(w http.ResponseWriter, r *http.Request) error {
	q := query{values: r.URL.Query()}
	force := q.on("force")
	if q.err != nil {
		return q.err
	}
	return h.answer(w, r)(h.manager.Stop(r.Context(), h.org.ID, r.PathValue("sandboxIdOrName"), force))
}

func (h *Handler) postRecover(w http.ResponseWriter, r *http.Request) error {
	q := query{values: r.URL.Query()}
	skip := q.on("skipStart")
	if q.err != nil {
		return q.err
	}
	return h.answer(w, r)(h.manager.Recover(r.Context(), h.org.ID, r.PathValue("sandboxIdOrName"), skip))
}

func (h *Handler) postResize(w http.ResponseWriter, r *http.Request) error {
	var req wire.ResizeSandbox
	if err := decode(w, r, &req); err != nil {
		return err
	}
	size, err := sizes(req.CPU, nil, req.Memory, req.Disk)
	if err != nil {
		return err
	}
	if size == (sandbox.Resources{}) {
		return sandbox.FieldErrorf("cpu", "say at least one of cpu, memory and disk")
	}
	return h.answer(w, r)(h.manager.Resize(r.Context(), h.org.ID, r.PathValue("sandboxIdOrName"), size))
}

func (h *Handler) postFork(w http.ResponseWriter, r *http.Request) error {
	var req wire.ForkSandbox
	if err := decode(w, r, &req); err != nil {
		return err
	}
	return h.answer(w, r)(h.manager.Fork(r.Context(), h.org.ID, r.PathValue("sandboxIdOrName"), req.Name))
}

func (h *Handler) postSandboxSnapshot(w http.ResponseWriter, r *http.Request) error {
	var req wire.CreateSandboxSnapshot
	if err := decode(w, r, &req); err != nil {
		return err
	}
	return h.answer(w, r)(h.manager.Snapshot(r.Context(), h.org.ID, r.PathValue("sandboxIdOrName"), req.Name, req.IncludeMemory))
}

func (h *Handler) getForks(w http.ResponseWriter, r *http.Request) error {
	destroyed, _ := strconv.ParseBool(r.URL.Query().Get("includeDestroyed"))
	all, err := h.manager.Forks(r.Context(), h.org.ID, r.PathValue("sandboxIdOrName"), destroyed)
	if err != nil {
		return err
	}
	return reply.JSON(w, http.StatusOK, toSandboxes(all, h.base(r)))
}

func (h *Handler) getAncestors(w http.ResponseWriter, r *http.Request) error {
	all, err := h.manager.Ancestors(r.Context(), h.org.ID, r.PathValue("sandboxIdOrName"))
	if err != nil {
		return err
	}
	return reply.JSON(w, http.StatusOK, toSandboxes(all, h.base(r)))
}
