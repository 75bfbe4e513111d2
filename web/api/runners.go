package api

import (
	"net/http"
	"slices"

	"sandpiper/sandbox"
	"sandpiper/web/api/wire"
	"sandpiper/web/reply"
)

const readRunners = "read:runners"

func (h *Handler) runnerRoutes() []route {
	return []route{
		{with(op("GET", "/runners", "listRunners", "List the runners"), 200, nil, []wire.Runner{}), readRunners, h.getRunners},
		{with(op("GET", "/runners/{id}", "getRunnerById", "Look at a runner"), 200, nil, wire.Runner{}), readRunners, h.getRunner},
		{with(op("GET", "/runners/{id}/full", "getRunnerFullById", "Look at a runner"), 200, nil, wire.RunnerFull{}), readRunners, h.getRunnerFull},
		{with(op("GET", "/runners/by-sandbox/{sandboxId}", "getRunnerBySandboxId", "The runner of a sandbox"), 200, nil, wire.RunnerFull{}), readRunners, h.getRunnerOf},
		{with(op("GET", "/runners/by-snapshot-ref", "getRunnersBySnapshotRef", "The runners that have a snapshot"), 200, nil, []wire.RunnerSnapshot{}), readRunners, h.getRunnersOfRef},
		{with(op("GET", "/jobs", "listJobs", "List the jobs of runners elsewhere: none, the local runner works inside the server"), 200, nil, wire.PaginatedJobs{}), readRunners, getJobs},
		{with(op("GET", "/jobs/{jobId}", "getJob", "Look at a job"), 200, nil, wire.Job{}), readRunners, getJob},
	}
}

func (h *Handler) getRunners(w http.ResponseWriter, r *http.Request) error {
	all, err := h.manager.Runners(r.Context())
	if err != nil {
		return err
	}
	out := []wire.Runner{}
	for _, runner := range all {
		if region := r.URL.Query().Get("regionId"); region == "" || region == runner.Region {
			out = append(out, h.toRunner(runner))
		}
	}
	return reply.JSON(w, http.StatusOK, out)
}

func (h *Handler) getRunner(w http.ResponseWriter, r *http.Request) error {
	runner, err := h.runner(r, r.PathValue("id"))
	if err != nil {
		return err
	}
	return reply.JSON(w, http.StatusOK, h.toRunner(runner))
}

func (h *Handler) getRunnerFull(w http.ResponseWriter, r *http.Request) error {
	runner, err := h.runner(r, r.PathValue("id"))
	if err != nil {
		return err
	}
	return reply.JSON(w, http.StatusOK, wire.RunnerFull{Runner: h.toRunner(runner)})
}

func (h *Handler) getRunnerOf(w http.ResponseWriter, r *http.Request) error {
	s, err := h.sandboxByID(r)
	if err != nil {
		return err
	}
	runner, err := h.runner(r, s.Runner)
	if err != nil {
		return err
	}
	return reply.JSON(w, http.StatusOK, wire.RunnerFull{Runner: h.toRunner(runner)})
}

func (h *Handler) getRunnersOfRef(w http.ResponseWriter, r *http.Request) error {
	ref := r.URL.Query().Get("ref")
	if ref == "" {
		return sandbox.FieldErrorf("ref", "ref is missing")
	}
	runners, err := h.manager.Runners(r.Context())
	if err != nil {
		return err
	}
	out := []wire.RunnerSnapshot{}
	filter := sandbox.SnapshotFilter{Organization: h.org.ID, Limit: sandbox.MaxPageSize, Page: 1}
	for {
		page, err := h.manager.Snapshots(r.Context(), filter)
		if err != nil {
			return err
		}
		for _, s := range page.Items {
			for _, runner := range runners {
				if s.Ref == ref && runner.Engine == s.Engine {
					out = append(out, wire.RunnerSnapshot{RunnerSnapshotID: s.ID, RunnerID: runner.ID})
				}
			}
		}
		if filter.Page++; filter.Page > pages(page.Total, filter.Limit) {
			return reply.JSON(w, http.StatusOK, out)
		}
	}
}

func (h *Handler) runner(r *http.Request, id string) (sandbox.Runner, error) {
	all, err := h.manager.Runners(r.Context())
	if err != nil {
		return sandbox.Runner{}, err
	}
	if i := slices.IndexFunc(all, func(o sandbox.Runner) bool { return o.ID == id }); i >= 0 {
		return all[i], nil
	}
	return sandbox.Runner{}, sandbox.Errorf(sandbox.KindNotFound, "there is no runner %.64q", id)
}

func (h *Handler) toRunner(r sandbox.Runner) wire.Runner {
	capacity := r.Print.Capacity
	return wire.Runner{
		ID: r.ID, Name: r.Name, Region: r.Region, State: r.State, Reason: r.Reason,
		CPU: capacity.CPU, Memory: capacity.MemoryGiB, Disk: capacity.DiskGiB, GPU: capacity.GPU,
		CurrentAllocatedCPU:       r.Used.CPU,
		CurrentAllocatedMemoryGiB: r.Used.MemoryGiB,
		CurrentAllocatedDiskGiB:   r.Used.DiskGiB,
		CurrentStartedSandboxes:   r.Started,
		SandboxClass:              sandbox.ClassContainer, RunnerClass: sandbox.ClassContainer,
		Engine: string(r.Engine), Isolation: r.Print.Isolation,
		LastChecked: stamp(r.Checked), CreatedAt: stampOr(h.org.Created), UpdatedAt: stampOr(r.Checked),
		Tags: []string{}, Version: "2", APIVersion: "2", AppVersion: h.version,
	}
}

// getJobs lists none: the local runner is told by calls of functions.
func getJobs(w http.ResponseWriter, _ *http.Request) error {
	return reply.JSON(w, http.StatusOK, wire.PaginatedJobs{Items: []wire.Job{}, Page: 1})
}

func getJob(_ http.ResponseWriter, r *http.Request) error {
	return sandbox.Errorf(sandbox.KindNotFound, "there is no job %.64q", r.PathValue("jobId"))
}
