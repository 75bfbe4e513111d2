package api

import (
	"net/http"

	"sandpiper/sandbox"
	"sandpiper/sandbox/manager"
	"sandpiper/web/api/wire"
	"sandpiper/web/reply"
)

func (h *Handler) organizationRoutes() []route {
	return []route{
		{with(op("GET", "/organizations", "listOrganizations", "List your organizations"), 200, nil, []wire.Organization{}), "", h.getOrganizations},
		{with(op("GET", "/organizations/{organizationId}", "getOrganization", "Look at an organization"), 200, nil, wire.Organization{}), "", h.ours(h.getOrganization)},
		{with(op("GET", "/organizations/{organizationId}/usage", "getOrganizationUsageOverview", "What an organization uses"), 200, nil, wire.OrganizationUsage{}), "", h.ours(h.getUsage)},
		{with(op("GET", "/organizations/{organizationId}/available-sandbox-classes", "listAvailableSandboxClasses", "The classes that can be had"), 200, nil, []wire.AvailableSandboxClass{}), "", h.ours(h.getClasses)},
		{with(op("GET", "/organizations/{organizationId}/users", "listOrganizationMembers", "The members of an organization"), 200, nil, []wire.OrganizationUser{}), "", h.ours(h.getMembers)},
		{with(op("GET", "/organizations/{organizationId}/roles", "listOrganizationRoles", "Roles besides the owner: none"), 200, nil, []wire.OrganizationUser{}), "", h.ours(emptyList)},
		{with(op("GET", "/organizations/{organizationId}/invitations", "listOrganizationInvitations", "Open invitations: none"), 200, nil, []wire.OrganizationUser{}), "", h.ours(emptyList)},
		{with(op("GET", "/organizations/invitations", "listOrganizationInvitationsForAuthenticatedUser", "Invitations for you: none"), 200, nil, []wire.OrganizationUser{}), "", emptyList},
		{with(op("GET", "/organizations/invitations/count", "getOrganizationInvitationsCountForAuthenticatedUser", "How many invitations there are for you: none"), 200, nil, 0), "", getZero},
		{with(op("PATCH", "/organizations/{organizationId}/default-region", "setOrganizationDefaultRegion", "Choose the default region, of which there is one"), 204, wire.UpdateDefaultRegion{}, nil), "write:regions", h.ours(h.patchDefaultRegion)},
		{with(op("DELETE", "/organizations/{organizationId}", "deleteOrganization", "Delete an organization, other than the personal one"), 204, nil, nil), "", h.ours(keepOrganization)},
		{with(op("POST", "/organizations/{organizationId}/leave", "leaveOrganization", "Leave an organization, other than the personal one"), 204, nil, nil), "", h.ours(keepOrganization)},
		{with(op("GET", "/sandbox/{sandboxId}/organization", "getOrganizationBySandboxId", "The organization of a sandbox"), 200, nil, wire.Organization{}), "", h.getOrganizationOf},
		{with(op("GET", "/sandbox/{sandboxId}/region-quota", "getRegionQuotaBySandboxId", "What the organization of a sandbox may use in its region"), 200, nil, wire.RegionQuota{}), "", h.getQuotaOf},
	}
}

// ours lets requests through whose path names the caller's organization. Others
// do not exist for it.
func (h *Handler) ours(next reply.Handler) reply.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if id := r.PathValue("organizationId"); id != h.org.ID {
			return sandbox.Errorf(sandbox.KindNotFound, "there is no organization %.64q", id)
		}
		return next(w, r)
	}
}

func (h *Handler) getOrganizations(w http.ResponseWriter, _ *http.Request) error {
	return reply.JSON(w, http.StatusOK, []wire.Organization{toOrganization(h.org)})
}

func (h *Handler) getOrganization(w http.ResponseWriter, _ *http.Request) error {
	return reply.JSON(w, http.StatusOK, toOrganization(h.org))
}

func (h *Handler) getOrganizationOf(w http.ResponseWriter, r *http.Request) error {
	if _, err := h.sandboxByID(r); err != nil {
		return err
	}
	return h.getOrganization(w, r)
}

// toOrganization writes an organization. The times of a suspension that never
// was must be times, too.
func toOrganization(o sandbox.Organization) wire.Organization {
	return wire.Organization{
		ID: o.ID, Name: o.Name, CreatedBy: o.Owner, Personal: o.Personal,
		CreatedAt: stampOr(o.Created), UpdatedAt: stampOr(o.Created),
		SuspendedAt: never, SuspendedUntil: never,
		MaxCPUPerSandbox: o.MaxEach.CPU, MaxMemoryPerSandbox: o.MaxEach.MemoryGiB, MaxDiskPerSandbox: o.MaxEach.DiskGiB,
		DefaultRegionID:    o.Region,
		ExperimentalConfig: map[string]any{},
	}
}

func (h *Handler) getUsage(w http.ResponseWriter, r *http.Request) error {
	u, err := h.manager.Usage(r.Context(), h.org.ID)
	if err != nil {
		return err
	}
	each := u.Organization.MaxEach
	out := wire.OrganizationUsage{
		TotalSnapshotQuota: u.MaxSnapshots, CurrentSnapshotUsage: u.Snapshots,
		Engines: toEngineUsage(u),
	}
	for _, region := range h.manager.Regions() {
		out.RegionUsage = append(out.RegionUsage, wire.RegionUsage{
			RegionID: region.ID, SandboxClass: sandbox.ClassContainer,
			TotalCPUQuota: u.Limit.CPU, CurrentCPUUsage: u.Used.CPU,
			TotalMemoryQuota: u.Limit.MemoryGiB, CurrentMemoryUsage: u.Used.MemoryGiB,
			TotalDiskQuota: u.Limit.DiskGiB, CurrentDiskUsage: u.Used.DiskGiB,
			TotalGPUQuota: u.Limit.GPU, CurrentGPUUsage: u.Used.GPU,
			MaxCPUPerSandbox: limit(each.CPU), MaxMemoryPerSandbox: limit(each.MemoryGiB), MaxDiskPerSandbox: limit(each.DiskGiB),
		})
	}
	return reply.JSON(w, http.StatusOK, out)
}

func toEngineUsage(u manager.Usage) map[string]wire.EngineUsage {
	out := map[string]wire.EngineUsage{}
	for name, r := range u.ByEngine {
		out[string(name)] = wire.EngineUsage{CPU: r.CPU, Memory: r.MemoryGiB, Disk: r.DiskGiB, GPU: r.GPU, Started: u.StartedByEngine[name]}
	}
	return out
}

// limit is a limit that is null where there is none.
func limit(n int) *int {
	if n == 0 {
		return nil
	}
	return &n
}

func (h *Handler) getQuotaOf(w http.ResponseWriter, r *http.Request) error {
	s, err := h.sandboxByID(r)
	if err != nil {
		return err
	}
	u, err := h.manager.Usage(r.Context(), h.org.ID)
	if err != nil {
		return err
	}
	each, quota := h.org.MaxEach, u.Limit
	return reply.JSON(w, http.StatusOK, wire.RegionQuota{
		OrganizationID: h.org.ID, RegionID: s.Target, SandboxClass: sandbox.ClassContainer,
		TotalCPUQuota: quota.CPU, TotalMemoryQuota: quota.MemoryGiB, TotalDiskQuota: quota.DiskGiB, TotalGPUQuota: quota.GPU,
		MaxCPUPerSandbox: limit(each.CPU), MaxMemoryPerSandbox: limit(each.MemoryGiB), MaxDiskPerSandbox: limit(each.DiskGiB),
	})
}

func (h *Handler) getClasses(w http.ResponseWriter, _ *http.Request) error {
	out := []wire.AvailableSandboxClass{}
	for _, region := range h.manager.Regions() {
		out = append(out, wire.AvailableSandboxClass{RegionID: region.ID, SandboxClass: sandbox.ClassContainer})
	}
	return reply.JSON(w, http.StatusOK, out)
}

func (h *Handler) getMembers(w http.ResponseWriter, _ *http.Request) error {
	return reply.JSON(w, http.StatusOK, []wire.OrganizationUser{{
		UserID: h.org.Owner, OrganizationID: h.org.ID, Name: userName, Email: userEmail, Role: "owner",
		AssignedRoles: []any{}, CreatedAt: stampOr(h.org.Created), UpdatedAt: stampOr(h.org.Created),
	}})
}

func (h *Handler) patchDefaultRegion(w http.ResponseWriter, r *http.Request) error {
	var req wire.UpdateDefaultRegion
	if err := decode(w, r, &req); err != nil {
		return err
	}
	if _, err := h.region(req.DefaultRegionID); err != nil {
		return sandbox.FieldErrorf("defaultRegionId", "there is no region %.64q", req.DefaultRegionID)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func keepOrganization(http.ResponseWriter, *http.Request) error {
	return sandbox.Errorf(sandbox.KindForbidden, "a personal organization cannot be deleted or left")
}

func getZero(w http.ResponseWriter, _ *http.Request) error {
	return reply.JSON(w, http.StatusOK, 0)
}
