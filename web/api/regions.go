package api

import (
	"net/http"
	"slices"

	"sandpiper/sandbox"
	"sandpiper/web/api/wire"
	"sandpiper/web/reply"
)

func (h *Handler) regionRoutes() []route {
	return []route{
		{with(op("GET", "/regions", "listAvailableRegions", "List the regions"), 200, nil, []wire.Region{}), "", h.getRegions},
		{with(op("GET", "/shared-regions", "listSharedRegions", "List the regions that all organizations share"), 200, nil, []wire.Region{}), "", h.getRegions},
		{with(op("GET", "/regions/{id}", "getRegionById", "Look at a region"), 200, nil, wire.Region{}), "", h.getRegion},
	}
}

func (h *Handler) getRegions(w http.ResponseWriter, r *http.Request) error {
	out := []wire.Region{}
	for _, region := range h.manager.Regions() {
		out = append(out, h.toRegion(r, region))
	}
	return reply.JSON(w, http.StatusOK, out)
}

func (h *Handler) getRegion(w http.ResponseWriter, r *http.Request) error {
	region, err := h.region(r.PathValue("id"))
	if err != nil {
		return err
	}
	return reply.JSON(w, http.StatusOK, h.toRegion(r, region))
}

// region finds a region by its ID, its name or an alias.
func (h *Handler) region(id string) (sandbox.Region, error) {
	for _, region := range h.manager.Regions() {
		if id == region.ID || id == region.Name || slices.Contains(region.Aliases, id) {
			return region, nil
		}
	}
	return sandbox.Region{}, sandbox.Errorf(sandbox.KindNotFound, "there is no region %.64q", id)
}

func (h *Handler) toRegion(r *http.Request, region sandbox.Region) wire.Region {
	proxy := h.base(r)
	return wire.Region{
		ID: region.ID, Name: region.Name, RegionType: "shared",
		CreatedAt: stampOr(h.org.Created), UpdatedAt: stampOr(h.org.Created),
		ProxyURL: &proxy,
	}
}

// mainRegion is the region of everything that names none.
func (h *Handler) mainRegion() sandbox.Region {
	if all := h.manager.Regions(); len(all) > 0 {
		return all[0]
	}
	return sandbox.Region{}
}
