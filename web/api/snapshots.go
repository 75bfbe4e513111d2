package api

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"

	"sandpiper/sandbox"
	"sandpiper/sandbox/manager"
	"sandpiper/web/api/wire"
	"sandpiper/web/reply"
	"sandpiper/web/run/openapi"
)

const (
	writeSnapshots  = "write:snapshots"
	deleteSnapshots = "delete:snapshots"
)

func (h *Handler) snapshotRoutes() []route {
	list := with(op("GET", "/snapshots", "getAllSnapshots", "List snapshots"), 200, nil, wire.PaginatedSnapshots{})
	list.Parameters = []openapi.Parameter{
		{Name: "page", In: "query", Type: "integer", Description: "Counted from 1."},
		{Name: "limit", In: "query", Type: "integer", Description: "1 to 200; 100 when left out."},
		{Name: "name", In: "query", Type: "string", Description: "Stands anywhere in the name."},
		{Name: "sourceSandboxId", In: "query", Type: "string"},
		{Name: "sort", In: "query", Type: "string", Description: "name, state, lastUsedAt or createdAt."},
		{Name: "order", In: "query", Type: "string", Description: "asc or desc."},
	}
	logs := with(op("GET", "/snapshots/{id}/build-logs", "getSnapshotBuildLogs", "What the build of a snapshot wrote"), 200, nil, nil)
	logs.Answers[0].Content = []openapi.Content{{Media: "text/plain", Description: "Text."}}
	return []route{
		{list, "", h.getSnapshots},
		{with(op("POST", "/snapshots", "createSnapshot", "Make a snapshot of an image that the container engine has"), 200, wire.CreateSnapshot{}, wire.Snapshot{}), writeSnapshots, h.postSnapshot},
		{with(op("GET", "/snapshots/{id}", "getSnapshot", "Look at a snapshot, by id or name"), 200, nil, wire.Snapshot{}), "", h.getSnapshot},
		{with(op("DELETE", "/snapshots/{id}", "removeSnapshot", "Delete a snapshot"), 200, nil, nil), deleteSnapshots, h.deleteSnapshot},
		{with(op("POST", "/snapshots/{id}/activate", "activateSnapshot", "Make a snapshot usable"), 200, nil, wire.Snapshot{}), writeSnapshots, h.postActivate},
		{with(op("POST", "/snapshots/{id}/deactivate", "deactivateSnapshot", "Make a snapshot unusable for now"), 204, nil, nil), writeSnapshots, h.postDeactivate},
		{logs, "", h.getSnapshotLogs},
		{with(op("GET", "/snapshots/{id}/build-logs-url", "getSnapshotBuildLogsUrl", "Where the build's output is read"), 200, nil, wire.URL{}), "", h.getSnapshotLogsURL},
	}
}

func (h *Handler) getSnapshots(w http.ResponseWriter, r *http.Request) error {
	q := &query{values: r.URL.Query()}
	filter := sandbox.SnapshotFilter{
		Organization: h.org.ID, Name: q.text("name"), Source: q.text("sourceSandboxId"),
		Sort: sandbox.SnapshotSort(q.text("sort")), Ascending: q.ascending("order"),
		Page: cmp.Or(q.positive("page"), 1), Limit: q.positive("limit"),
	}
	if q.err != nil {
		return q.err
	}
	page, err := h.manager.Snapshots(r.Context(), filter)
	if err != nil {
		return err
	}
	out := wire.PaginatedSnapshots{Items: make([]wire.Snapshot, 0, len(page.Items)), Total: page.Total, Page: filter.Page, TotalPages: pages(page.Total, filter.Limit)}
	for _, s := range page.Items {
		out.Items = append(out.Items, toSnapshot(s, h.mainRegion()))
	}
	return reply.JSON(w, http.StatusOK, out)
}

func (h *Handler) postSnapshot(w http.ResponseWriter, r *http.Request) error {
	var req wire.CreateSnapshot
	if err := decode(w, r, &req); err != nil {
		return err
	}
	create, err := h.snapshotRequest(req)
	if err != nil {
		return err
	}
	return h.answerSnapshot(w)(h.manager.CreateSnapshot(r.Context(), create))
}

func (h *Handler) snapshotRequest(req wire.CreateSnapshot) (manager.SnapshotRequest, error) {
	out := manager.SnapshotRequest{Organization: h.org.ID, Name: req.Name, Image: req.ImageName, Entrypoint: req.Entrypoint, Runtime: req.Runtime}
	size, err := sizes(req.CPU, req.GPU, req.Memory, req.Disk)
	if err != nil {
		return out, err
	}
	out.Resources = size
	if c := req.SandboxClass; c != "" && c != sandbox.ClassContainer {
		return out, sandbox.FieldErrorf("sandboxClass", "the class %.40q cannot be had here; there is %s", c, sandbox.ClassContainer)
	}
	if err := checkAbsentFields(wire.CreateSandbox{BuildInfo: req.BuildInfo, GPUType: req.GPUType}); err != nil {
		return out, err
	}
	switch {
	case req.BuildInfo != nil && req.ImageName != "":
		return out, sandbox.FieldErrorf("imageName", "say either imageName or buildInfo")
	case req.BuildInfo != nil:
		out.Dockerfile = req.BuildInfo.DockerfileContent
	case req.ImageName == "":
		return out, sandbox.FieldErrorf("imageName", "imageName is missing")
	}
	return out, nil
}

// answerSnapshot returns a function that answers with what a call of the
// manager returned.
func (h *Handler) answerSnapshot(w http.ResponseWriter) func(sandbox.Snapshot, error) error {
	return func(s sandbox.Snapshot, err error) error {
		if err != nil {
			return err
		}
		return reply.JSON(w, http.StatusOK, toSnapshot(s, h.mainRegion()))
	}
}

func (h *Handler) getSnapshot(w http.ResponseWriter, r *http.Request) error {
	return h.answerSnapshot(w)(h.manager.SnapshotByNameOrID(r.Context(), h.org.ID, r.PathValue("id")))
}

func (h *Handler) postActivate(w http.ResponseWriter, r *http.Request) error {
	return h.answerSnapshot(w)(h.manager.ActivateSnapshot(r.Context(), h.org.ID, r.PathValue("id")))
}

func (h *Handler) postDeactivate(w http.ResponseWriter, r *http.Request) error {
	if _, err := h.manager.DeactivateSnapshot(r.Context(), h.org.ID, r.PathValue("id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (h *Handler) deleteSnapshot(w http.ResponseWriter, r *http.Request) error {
	if _, err := h.manager.RemoveSnapshot(r.Context(), h.org.ID, r.PathValue("id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// getSnapshotLogs has little to tell: images are taken as they are.
func (h *Handler) getSnapshotLogs(w http.ResponseWriter, r *http.Request) error {
	s, err := h.manager.SnapshotByNameOrID(r.Context(), h.org.ID, r.PathValue("id"))
	if err != nil {
		return err
	}
	text := fmt.Sprintf("Nothing was built: the snapshot is the image %s.\n", cmp.Or(s.Image, s.Ref))
	if s.ErrorReason != "" {
		text += s.ErrorReason + "\n"
	}
	return plainText(w, text)
}

func (h *Handler) getSnapshotLogsURL(w http.ResponseWriter, r *http.Request) error {
	s, err := h.manager.SnapshotByNameOrID(r.Context(), h.org.ID, r.PathValue("id"))
	if err != nil {
		return err
	}
	return reply.JSON(w, http.StatusOK, wire.URL{URL: h.base(r) + "/api/snapshots/" + url.PathEscape(s.ID) + "/build-logs"})
}
