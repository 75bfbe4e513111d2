package api

import (
	"maps"
	"net/http"
	"strings"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/manager"
	"sandpiper/web/api/wire"
	"sandpiper/web/auth"
	"sandpiper/web/reply"
)

// workspaces is the path of the API before sandboxes, which some clients still
// speak. Its answers have more fields and fewer states.
const workspaces = "/workspace"

func (h *Handler) workspaceRoutes() []route {
	const write, each = auth.WriteSandboxes, workspaces + "/{sandboxIdOrName}"
	old := func(method, path, id, summary, permission string, body, answer any, handler reply.Handler) route {
		return route{with(op(method, path, id+"Workspace_deprecated", summary), 200, body, answer), permission, handler}
	}
	return []route{
		old("POST", workspaces, "create", "Make a workspace", write, wire.CreateWorkspace{}, wire.Workspace{}, h.postWorkspace),
		old("GET", workspaces, "list", "List workspaces", "", nil, []wire.Workspace{}, h.getWorkspaces),
		old("GET", each, "get", "Look at a workspace", "", nil, wire.Workspace{}, h.getSandbox),
		old("DELETE", each, "delete", "Delete a workspace", deleteSandboxes, nil, wire.Workspace{}, h.move(h.manager.Destroy)),
		old("POST", each+"/start", "start", "Start a workspace", write, nil, wire.Workspace{}, h.move(h.manager.Start)),
		old("POST", each+"/stop", "stop", "Stop a workspace", write, nil, wire.Workspace{}, h.postStop),
		old("POST", each+"/archive", "archive", "Archive a workspace", write, nil, wire.Workspace{}, h.move(h.manager.Archive)),
		old("PUT", each+"/labels", "replaceLabels", "Replace all labels", write, wire.SandboxLabels{}, wire.SandboxLabels{}, h.putLabels),
		old("POST", each+"/public/{isPublic}", "updatePublic", "Let everyone see previews, or not", write, nil, wire.Workspace{}, h.postPublic),
		old("POST", each+"/autostop/{interval}", "setAutostop", "Minutes without activity after which it stops", write, nil, wire.Workspace{},
			h.postInterval("interval", 0, func(u *manager.IntervalUpdate) **time.Duration { return &u.AutoStop })),
		old("POST", each+"/autoarchive/{interval}", "setAutoArchive", "Minutes stopped after which it is archived", write, nil, wire.Workspace{},
			h.postInterval("interval", 0, func(u *manager.IntervalUpdate) **time.Duration { return &u.AutoArchive })),
		old("GET", each+"/ports/{port}/preview-url", "getPreviewUrl", "Where a port answers", write, nil, wire.PortPreviewURL{}, h.getPreviewURL),
		old("GET", each+"/build-logs", "getBuildLogs", "What the build of the image wrote", "", nil, nil, h.getBuildLogs),
		old("POST", each+"/backup", "createBackup", "Copy a workspace away", write, nil, wire.Workspace{}, absent(noBackups)),
	}
}

// isWorkspace reports whether a request came by the old path.
func isWorkspace(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/api"+workspaces) }

// classes are the sizes of the old API.
var classes = map[string]sandbox.Resources{
	"small":  {CPU: 1, MemoryGiB: 1, DiskGiB: 3},
	"medium": {CPU: 2, MemoryGiB: 4, DiskGiB: 8},
	"large":  {CPU: 4, MemoryGiB: 8, DiskGiB: 10},
}

func (h *Handler) postWorkspace(w http.ResponseWriter, r *http.Request) error {
	var req wire.CreateWorkspace
	if err := decode(w, r, &req); err != nil {
		return err
	}
	req.Env = union(req.EnvVars, req.Env)
	create, err := h.createRequest(req.CreateSandbox)
	if err != nil {
		return err
	}
	create.Deprecated = true
	if create.Command, err = command(req.Command); err != nil {
		return err
	}
	if req.Class != "" {
		size, ok := classes[req.Class]
		if !ok {
			return sandbox.FieldErrorf("class", "class must be small, medium or large, not %.40q", req.Class)
		}
		create.Resources = orSize(create.Resources, size)
	}
	return h.answer(w, r)(h.manager.Create(r.Context(), create))
}

// union returns what is in either; over wins. nil when there is nothing.
func union(under, over map[string]string) map[string]string {
	if len(under) == 0 {
		return over
	}
	all := maps.Clone(under)
	maps.Copy(all, over)
	return all
}

// orSize fills in what r leaves open.
func orSize(r, size sandbox.Resources) sandbox.Resources {
	if r.CPU == 0 {
		r.CPU = size.CPU
	}
	if r.MemoryGiB == 0 {
		r.MemoryGiB = size.MemoryGiB
	}
	if r.DiskGiB == 0 {
		r.DiskGiB = size.DiskGiB
	}
	return r
}

// command reads a main process: a list of arguments, or a line for a shell.
func command(v any) ([]string, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string:
		if v == "" {
			return nil, nil
		}
		return []string{"sh", "-c", v}, nil
	case []any:
		var args []string
		for _, arg := range v {
			text, ok := arg.(string)
			if !ok {
				return nil, sandbox.FieldErrorf("command", "command must be a list of texts, not of %T", arg)
			}
			args = append(args, text)
		}
		return args, nil
	}
	return nil, sandbox.FieldErrorf("command", "command must be a list of texts, or one text")
}

func (h *Handler) getWorkspaces(w http.ResponseWriter, r *http.Request) error {
	q := &query{values: r.URL.Query()}
	filter := sandbox.SandboxFilter{Organization: h.org.ID, Labels: q.labels("labels"), Limit: sandbox.MaxPageSize}
	if q.err != nil {
		return q.err
	}
	all, err := h.listAll(r, filter)
	if err != nil {
		return err
	}
	out := make([]wire.Workspace, 0, len(all))
	for _, s := range all {
		out = append(out, toWorkspace(s, h.base(r)))
	}
	return reply.JSON(w, http.StatusOK, out)
}

// toWorkspace writes a sandbox for a client of the old API.
func toWorkspace(s sandbox.Sandbox, base string) wire.Workspace {
	out := wire.Workspace{
		Sandbox:       toSandbox(s, base),
		Image:         s.Ref,
		SnapshotState: string(s.Backup),
		Info:          wire.WorkspaceInfo{Created: stamp(s.CreatedAt), Name: s.Name},
	}
	out.State = oldState(s.State)
	return out
}

// oldState is a state as old clients know it. They take every state besides
// creating, started and error for an end.
func oldState(s sandbox.State) string {
	switch s {
	case sandbox.StateCreating, sandbox.StatePulling, sandbox.StatePending, sandbox.StateBuilding,
		sandbox.StateStarting, sandbox.StateRestoring, sandbox.StateResuming:
		return string(sandbox.StateCreating)
	case sandbox.StateResizing, sandbox.StateForking, sandbox.StateSnapping:
		return string(sandbox.StateStarted)
	case sandbox.StateBuildFail:
		return string(sandbox.StateError)
	}
	return string(s)
}
