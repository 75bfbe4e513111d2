package api

import (
	"net/http"

	"sandpiper/sandbox"
	"sandpiper/sandbox/manager"
	"sandpiper/web/api/wire"
	"sandpiper/web/auth"
	"sandpiper/web/reply"
)

func (h *Handler) poolRoutes() []route {
	const write = auth.WriteSandboxes
	return []route{
		{with(op("GET", "/warm-pools", "listWarmPools", "List warm pools"), 200, nil, []wire.WarmPool{}), "", h.getPools},
		{with(op("POST", "/warm-pools", "createWarmPool", "Keep sandboxes of a snapshot started"), 201, wire.CreateWarmPool{}, wire.WarmPool{}), write, h.postPool},
		{with(op("PATCH", "/warm-pools/{id}", "updateWarmPool", "Change the size of a warm pool"), 200, wire.UpdateWarmPool{}, wire.WarmPool{}), write, h.patchPool},
		{with(op("DELETE", "/warm-pools/{id}", "deleteWarmPool", "Delete a warm pool and its members"), 204, nil, nil), write, h.deletePool},
	}
}

func (h *Handler) getPools(w http.ResponseWriter, r *http.Request) error {
	all, err := h.manager.WarmPools(r.Context(), h.org.ID)
	if err != nil {
		return err
	}
	out := make([]wire.WarmPool, 0, len(all))
	for _, p := range all {
		out = append(out, toPool(p))
	}
	return reply.JSON(w, http.StatusOK, out)
}

func (h *Handler) postPool(w http.ResponseWriter, r *http.Request) error {
	var req wire.CreateWarmPool
	if err := decode(w, r, &req); err != nil {
		return err
	}
	if *req.Pool < 1 {
		return sandbox.FieldErrorf("pool", "pool must be at least 1, not %d", *req.Pool)
	}
	p, err := h.manager.CreateWarmPool(r.Context(), h.org.ID, req.Snapshot, req.Target, *req.Pool)
	if err != nil {
		return err
	}
	return reply.JSON(w, http.StatusCreated, toPool(p))
}

func (h *Handler) patchPool(w http.ResponseWriter, r *http.Request) error {
	var req wire.UpdateWarmPool
	if err := decode(w, r, &req); err != nil {
		return err
	}
	if *req.Pool < 0 {
		return sandbox.FieldErrorf("pool", "pool must be at least 0, not %d", *req.Pool)
	}
	p, err := h.manager.ResizeWarmPool(r.Context(), h.org.ID, r.PathValue("id"), *req.Pool)
	if err != nil {
		return err
	}
	return reply.JSON(w, http.StatusOK, toPool(p))
}

func (h *Handler) deletePool(w http.ResponseWriter, r *http.Request) error {
	if err := h.manager.DeleteWarmPool(r.Context(), h.org.ID, r.PathValue("id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func toPool(p manager.PoolStatus) wire.WarmPool {
	return wire.WarmPool{
		ID: p.ID, OrganizationID: p.Organization, Snapshot: p.Snapshot, Target: p.Target,
		Pool: p.Size, CurrentSize: p.Ready,
		CPU: p.Resources.CPU, Mem: p.Resources.MemoryGiB, Disk: p.Resources.DiskGiB,
		OSUser: p.User, Env: map[string]string{}, ErrorReason: optional(p.ErrorReason),
		CreatedAt: stamp(p.CreatedAt), UpdatedAt: stamp(p.UpdatedAt),
	}
}
