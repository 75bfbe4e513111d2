package api

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"

	"sandpiper/sandbox"
	"sandpiper/web/api/wire"
	"sandpiper/web/reply"
	"sandpiper/web/run/openapi"
)

// versionHeader is where SDKs say how old they are.
const versionHeader = "X-Daytona-SDK-Version"

// cursorVersion is the first SDK that follows lists by cursor; for older ones
// the list was an array.
const cursorVersion = 180

// farewellVersion is the first SDK that does not look at a sandbox after it has
// deleted it, or does not mind when it is gone.
const farewellVersion = 132

var filterParameters = []openapi.Parameter{
	{Name: "id", In: "query", Type: "string", Description: "Begins with this, without regard to case."},
	{Name: "name", In: "query", Type: "string", Description: "Begins with this, without regard to case."},
	{Name: "labels", In: "query", Type: "string", Description: `An object of texts as JSON, all of which must be there.`},
	{Name: "states", In: "query", Type: "string", Description: "One or more, repeated or with commas; so are snapshots, regionIds and sandboxClasses."},
	{Name: "snapshots", In: "query", Type: "string"},
	{Name: "regionIds", In: "query", Type: "string"},
	{Name: "sandboxClasses", In: "query", Type: "string"},
	{Name: "includeErroredDeleted", In: "query", Type: "boolean"},
	{Name: "includeWarm", In: "query", Type: "boolean", Description: "Members of warm pools, too."},
	{Name: "minCpu", In: "query", Type: "integer"}, {Name: "maxCpu", In: "query", Type: "integer"},
	{Name: "minMemoryGiB", In: "query", Type: "integer"}, {Name: "maxMemoryGiB", In: "query", Type: "integer"},
	{Name: "minDiskGiB", In: "query", Type: "integer"}, {Name: "maxDiskGiB", In: "query", Type: "integer"},
	{Name: "isPublic", In: "query", Type: "boolean"}, {Name: "isRecoverable", In: "query", Type: "boolean"},
	{Name: "createdAtAfter", In: "query", Type: "string"}, {Name: "createdAtBefore", In: "query", Type: "string"},
	{Name: "lastEventAfter", In: "query", Type: "string"}, {Name: "lastEventBefore", In: "query", Type: "string"},
	{Name: "autoDestroyAtAfter", In: "query", Type: "string"}, {Name: "autoDestroyAtBefore", In: "query", Type: "string"},
	{Name: "sort", In: "query", Type: "string"}, {Name: "order", In: "query", Type: "string", Description: "asc or desc."},
	{Name: "limit", In: "query", Type: "integer", Description: "1 to 200; 100 when left out."},
}

func (h *Handler) listRoutes() []route {
	list := with(op("GET", "/sandbox", "listSandboxes", "List sandboxes, page by page"), 200, nil, wire.ListSandboxesResponse{})
	list.Description = "Clients before 0.180, by their header " + versionHeader + ", get an array of whole sandboxes."
	list.Parameters = append([]openapi.Parameter{{Name: "cursor", In: "query", Type: "string", Description: "nextCursor of the page before."}}, filterParameters...)
	paginated := with(op("GET", "/sandbox/paginated", "listSandboxesPaginated_deprecated", "List sandboxes by the number of the page"), 200, nil, wire.PaginatedSandboxes{})
	paginated.Parameters = append([]openapi.Parameter{{Name: "page", In: "query", Type: "integer", Description: "Counted from 1."}}, filterParameters...)
	get := with(op("GET", "/sandbox/{sandboxIdOrName}", "getSandbox", "Look at a sandbox"), 200, nil, wire.Sandbox{})
	return []route{{list, "", h.getSandboxes}, {paginated, "", h.getSandboxesPaginated}, {get, "", h.getSandbox}}
}

func (h *Handler) getSandbox(w http.ResponseWriter, r *http.Request) error {
	s, err := h.manager.Sandbox(r.Context(), h.org.ID, r.PathValue("sandboxIdOrName"))
	if err != nil && sandbox.KindOf(err) == sandbox.KindNotFound && olderThan(r.Header.Get(versionHeader), farewellVersion) {
		if gone, found := h.destroyed(r, r.PathValue("sandboxIdOrName")); found {
			s, err = gone, nil
		}
	}
	return h.answer(w, r)(s, err)
}

// destroyed finds a sandbox that is remembered. Old SDKs look at a sandbox once
// more after they have deleted it, and fail when it is gone by then.
func (h *Handler) destroyed(r *http.Request, id string) (sandbox.Sandbox, bool) {
	page, err := h.manager.List(r.Context(), sandbox.SandboxFilter{Organization: h.org.ID, ID: id, States: []sandbox.State{sandbox.StateDestroyed}, Limit: 1})
	if err != nil || len(page.Items) == 0 || page.Items[0].ID != id {
		return sandbox.Sandbox{}, false
	}
	return page.Items[0], true
}

// sandboxByID finds the sandbox that {sandboxId} or {sandboxIdOrName} of the
// path names. Both take either: a name is never the ID of another sandbox.
func (h *Handler) sandboxByID(r *http.Request) (sandbox.Sandbox, error) {
	return h.manager.Sandbox(r.Context(), h.org.ID, cmp.Or(r.PathValue("sandboxId"), r.PathValue("sandboxIdOrName")))
}

// answer returns a function that answers with what a call of the manager
// returned.
func (h *Handler) answer(w http.ResponseWriter, r *http.Request) func(sandbox.Sandbox, error) error {
	return func(s sandbox.Sandbox, err error) error {
		if err != nil {
			return err
		}
		if isWorkspace(r) {
			return reply.JSON(w, http.StatusOK, toWorkspace(s, h.base(r)))
		}
		return reply.JSON(w, http.StatusOK, toSandbox(s, h.base(r)))
	}
}

func (h *Handler) getSandboxes(w http.ResponseWriter, r *http.Request) error {
	q := &query{values: r.URL.Query()}
	filter := h.filter(q)
	filter.Cursor = q.text("cursor")
	if q.err != nil {
		return q.err
	}
	if olderThan(r.Header.Get(versionHeader), cursorVersion) {
		all, err := h.listAll(r, filter)
		if err != nil {
			return err
		}
		return reply.JSON(w, http.StatusOK, toSandboxes(all, h.base(r)))
	}
	page, err := h.manager.List(r.Context(), filter)
	if err != nil {
		return err
	}
	out := wire.ListSandboxesResponse{Items: make([]wire.SandboxListItem, 0, len(page.Items)), NextCursor: optional(page.NextCursor)}
	for _, s := range page.Items {
		out.Items = append(out.Items, toListItem(s, h.base(r)))
	}
	return reply.JSON(w, http.StatusOK, out)
}

// maxArray bounds the lists of clients that cannot follow a cursor.
const maxArray = 10_000

// listAll follows a list to its end.
func (h *Handler) listAll(r *http.Request, filter sandbox.SandboxFilter) ([]sandbox.Sandbox, error) {
	filter.Limit = sandbox.MaxPageSize
	var all []sandbox.Sandbox
	for len(all) < maxArray {
		page, err := h.manager.List(r.Context(), filter)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if filter.Cursor = page.NextCursor; filter.Cursor == "" {
			break
		}
	}
	return all, nil
}

func (h *Handler) getSandboxesPaginated(w http.ResponseWriter, r *http.Request) error {
	q := &query{values: r.URL.Query()}
	filter := h.filter(q)
	filter.Targets = append(filter.Targets, q.list("regions")...)
	filter.Page = cmp.Or(q.positive("page"), 1)
	if q.err != nil {
		return q.err
	}
	page, err := h.manager.List(r.Context(), filter)
	if err != nil {
		return err
	}
	return reply.JSON(w, http.StatusOK, wire.PaginatedSandboxes{
		Items: toSandboxes(page.Items, h.base(r)), Total: page.Total, Page: filter.Page, TotalPages: pages(page.Total, filter.Limit),
	})
}

// filter reads what both lists have in common.
func (h *Handler) filter(q *query) sandbox.SandboxFilter {
	f := sandbox.SandboxFilter{
		Organization: h.org.ID,
		ID:           q.text("id"),
		Name:         q.text("name"),
		Labels:       q.labels("labels"),
		Snapshots:    q.list("snapshots"),
		Targets:      q.list("regionIds"),
		Classes:      q.list("sandboxClasses"),
		Min:          sandbox.Resources{CPU: q.positive("minCpu"), MemoryGiB: q.positive("minMemoryGiB"), DiskGiB: q.positive("minDiskGiB")},
		Max:          sandbox.Resources{CPU: q.positive("maxCpu"), MemoryGiB: q.positive("maxMemoryGiB"), DiskGiB: q.positive("maxDiskGiB")},
		Public:       q.flag("isPublic"), Recoverable: q.flag("isRecoverable"),
		CreatedAfter: q.time("createdAtAfter"), CreatedBefore: q.time("createdAtBefore"),
		EventAfter: q.time("lastEventAfter"), EventBefore: q.time("lastEventBefore"),
		DestroyAfter: q.time("autoDestroyAtAfter"), DestroyBefore: q.time("autoDestroyAtBefore"),
		IncludeErroredDestroyed: q.on("includeErroredDeleted"),
		IncludeWarm:             q.on("includeWarm"),
		Sort:                    sandbox.SandboxSort(q.text("sort")),
		Ascending:               q.ascending("order"),
		Limit:                   q.positive("limit"),
	}
	for _, s := range q.list("states") {
		f.States = append(f.States, sandbox.State(s))
	}
	return f
}

// olderThan reports whether an SDK's version is 0.x with x below minor. What
// says no version is no old SDK.
func olderThan(version string, minor int) bool {
	rest, ok := strings.CutPrefix(strings.TrimPrefix(version, "v"), "0.")
	if !ok {
		return false
	}
	text, _, _ := strings.Cut(rest, ".")
	n, err := strconv.Atoi(text)
	return err == nil && n > 0 && n < minor
}
