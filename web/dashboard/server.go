package dashboard

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"sandpiper/components"
	"sandpiper/sandbox"
	"sandpiper/web/dashboard/view"
	"sandpiper/web/live"
	"sandpiper/web/words"
)

// getServer shows what the server has room for, and what is used of it.
func (h *Handler) getServer(w http.ResponseWriter, r *http.Request) error {
	s, err := h.server(r.Context())
	if err != nil {
		return err
	}
	return h.pages.Render(w, r, components.ServerPage(h.place(r, "Limits and usage", "/settings"), s))
}

func (h *Handler) getServerEvents(w http.ResponseWriter, r *http.Request) error {
	return h.pages.Stream(w, r, func(ctx context.Context) (live.Scene, error) {
		s, err := h.server(ctx)
		return live.Scene{Parts: []live.Part{{ID: "server", View: components.ServerView(s)}}}, err
	})
}

func (h *Handler) server(ctx context.Context) (components.Server, error) {
	u, err := h.manager.Usage(ctx, h.org.ID)
	if err != nil {
		return components.Server{}, err
	}
	runners, err := h.manager.Runners(ctx)
	if err != nil {
		return components.Server{}, err
	}
	out := components.Server{Version: h.version, Organization: h.org.Name, API: h.public + "/api"}
	capacity := sandbox.Resources{}
	out.Runners = runnerViews(runners)
	for _, r := range runners {
		capacity.CPU = max(capacity.CPU, r.Print.Capacity.CPU)
		capacity.MemoryGiB = max(capacity.MemoryGiB, r.Print.Capacity.MemoryGiB)
		capacity.DiskGiB = max(capacity.DiskGiB, r.Print.Capacity.DiskGiB)
	}
	out.Meters = []components.Meter{
		meter("Cores", "", u.Used.CPU, u.Organization.Quota.CPU, capacity.CPU),
		meter("Memory", " GiB", u.Used.MemoryGiB, u.Organization.Quota.MemoryGiB, capacity.MemoryGiB),
		meter("Disk", " GiB", u.Used.DiskGiB, u.Organization.Quota.DiskGiB, capacity.DiskGiB),
		meter("Snapshots of your own", "", u.Snapshots, u.MaxSnapshots, 0),
	}
	for _, e := range slices.Sorted(maps.Keys(u.ByEngine)) {
		out.ByEngine = append(out.ByEngine, view.EngineName(e)+": "+view.Resources(u.ByEngine[e]))
	}
	out.Each = view.Resources(h.most(ctx))
	return out, nil
}

// meter shows how much of a limit is used. Where there is no quota, what the
// machine has is the limit.
func meter(name, unit string, used, quota, capacity int) components.Meter {
	m := components.Meter{Name: name, Used: used, Most: quota, Text: fmt.Sprintf("%d%s", used, unit)}
	switch {
	case quota > 0:
		m.Text += fmt.Sprintf(" of %d%s (quota)", quota, unit)
	case capacity > 0:
		m.Most = capacity
		m.Text += fmt.Sprintf(" of %d%s that the largest runner has (no quota)", capacity, unit)
	}
	return m
}

// runnerViews shows the runners and, where the server was told to do without
// containers, what that means: a Docker that is missing is a runner that is not
// ready.
func runnerViews(runners []sandbox.Runner) []components.Runner {
	var out []components.Runner
	containers := false
	for _, r := range runners {
		out = append(out, runnerView(r))
		containers = containers || r.Engine == sandbox.EngineContainer
	}
	if !containers {
		out = append(out, components.Runner{
			Name: "Docker", Engine: view.EngineName(sandbox.EngineContainer), State: components.SandboxState{Look: "stopped", Word: "Off"},
			Reason: "This server was started with --docker off, so there are no containers and no desktops.",
			Facts:  []string{"Start it without that to have them. Where Docker is not installed, make docker installs it on Debian and builds the images."},
		})
	}
	return out
}

func runnerView(r sandbox.Runner) components.Runner {
	out := components.Runner{
		Name: r.Name, Engine: view.EngineName(r.Engine), State: components.SandboxState{Look: "ok", Word: "Ready"}, Reason: words.Sentence(r.Reason),
		Facts: []string{
			words.Joined(r.Print.Isolation, said("%d started", r.Started), "disk limits "+r.Print.DiskQuota),
			"Has " + view.Resources(r.Print.Capacity) + "; promised " + view.Resources(r.Used) + "; one sandbox may have " + view.Resources(r.Print.MaxEach) + ".",
		},
	}
	if r.State != "ready" {
		out.State = components.SandboxState{Look: "error", Word: "Not ready"}
		out.Facts = []string{"Everything that does not need it works. On the server, sandpiper doctor says what is missing and how to get it."}
	}
	if r.Print.DiskQuota == "" && r.State == "ready" {
		out.Facts[0] = words.Joined(r.Print.Isolation, said("%d started", r.Started))
	}
	return out
}
