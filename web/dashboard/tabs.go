package dashboard

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"sandpiper/components"
	"sandpiper/sandbox"
	"sandpiper/web/dashboard/metrics"
	"sandpiper/web/dashboard/view"
	"sandpiper/web/live"
	"sandpiper/web/reply"
	"sandpiper/web/words"
)

func (h *Handler) registerTabs(mux *http.ServeMux) {
	h.pages.Handle(mux, "GET /sandboxes/{id}/activity", h.getActivity)
	h.pages.Handle(mux, "GET /sandboxes/{id}/activity/events", h.tabEvents("activity", h.activityPart))
	h.pages.Handle(mux, "GET /sandboxes/{id}/metrics", h.getMetrics)
	h.pages.Handle(mux, "GET /sandboxes/{id}/metrics/events", h.tabEvents("metrics", h.metricsPart))
	h.pages.Handle(mux, "GET /sandboxes/{id}/settings", h.getSettings)
	h.pages.Handle(mux, "GET /sandboxes/{id}/settings/events", h.tabEvents("settings", h.settingsPart))
}

// partOf makes what a tab shows of a sandbox.
type partOf func(ctx context.Context, s sandbox.Sandbox) (live.Part, error)

// tabEvents keeps the header and what a tab shows up to date.
func (h *Handler) tabEvents(_ string, part partOf) reply.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		s, err := h.pages.Sandbox(r)
		if err != nil {
			return err
		}
		return h.pages.Stream(w, r, func(ctx context.Context) (live.Scene, error) {
			scene, err := h.pages.Scene(ctx, s)
			if err != nil || scene.End != "" {
				return scene, err
			}
			now, err := h.manager.Sandbox(ctx, h.org.ID, s.ID)
			if err != nil {
				return scene, nil // it went in between: the next look says so
			}
			p, err := part(ctx, now)
			scene.Parts = append(scene.Parts, p)
			return scene, err
		})
	}
}

// openTab opens a tab whose stream has more than the header.
func (h *Handler) openTab(r *http.Request, tab string) (sandbox.Sandbox, components.SandboxPage, error) {
	s, p, err := h.pages.Open(r, tab, "sandbox.js")
	p.Events = "/sandboxes/" + s.ID + "/" + tab + "/events"
	return s, p, err
}

func (h *Handler) getActivity(w http.ResponseWriter, r *http.Request) error {
	s, p, err := h.openTab(r, "activity")
	if err != nil {
		return err
	}
	return h.pages.Render(w, r, components.ActivityPage(p, h.activity(r.Context(), s)))
}

func (h *Handler) activityPart(ctx context.Context, s sandbox.Sandbox) (live.Part, error) {
	return live.Part{ID: "activity", View: components.ActivityView(h.activity(ctx, s))}, nil
}

// sources say what keeps a sandbox alive, in words.
var sources = map[sandbox.ActivitySource]string{
	sandbox.ActivityState:    "A change of its state",
	sandbox.ActivityToolbox:  "A call of its files or processes",
	sandbox.ActivityPreview:  "Traffic of a preview",
	sandbox.ActivitySSH:      "Traffic of an SSH connection",
	sandbox.ActivityTerminal: "A terminal in the browser",
	sandbox.ActivityTouch:    "Somebody said that it is in use",
	sandbox.ActivityWork:     "Its own work",
}

// activity is what keeps a sandbox alive, what will happen to it, and what has.
func (h *Handler) activity(ctx context.Context, s sandbox.Sandbox) components.Activity {
	out := components.Activity{
		ID: s.ID, Name: s.Name, Clocks: view.Clocks(s, h.now()), Resting: s.State != sandbox.StateStarted,
		Placed: words.Sentence(s.Placed), Created: h.age(s.CreatedAt), Waiting: h.waiting(s),
	}
	last, source := s.Activity.Last()
	for _, from := range slices.SortedFunc(maps.Keys(s.Activity), func(a, b sandbox.ActivitySource) int { return s.Activity[b].Compare(s.Activity[a]) }) {
		out.Sources = append(out.Sources, components.ActivitySource{What: cmpName(from), When: h.age(s.Activity[from]), Last: from == source && !last.IsZero()})
	}
	changes, err := h.manager.StateChanges(ctx, s.ID)
	if err != nil {
		h.log.WarnContext(ctx, "read what became of a sandbox", "sandbox", s.ID, "error", err)
	}
	for _, c := range changes {
		change := components.StateChange{When: h.age(c.At), To: view.State(sandbox.Sandbox{State: c.To}, 0), Reason: words.Sentence(c.Reason)}
		if c.From != "" {
			change.From = view.StateWord(c.From)
		}
		out.Changes = append(out.Changes, change)
	}
	if s.State == sandbox.StateStarted {
		out.Keep = components.SandboxAction{Label: "Keep alive", Name: "Keep alive " + s.Name, URL: "/sandboxes/" + s.ID + "/keep"}
	}
	out.Tree = h.tree(ctx, s)
	return out
}

func cmpName(s sandbox.ActivitySource) string {
	if name, ok := sources[s]; ok {
		return name
	}
	return string(s)
}

// waiting says what a sandbox that is not there yet waits for.
func (h *Handler) waiting(s sandbox.Sandbox) string {
	if !s.State.Transient() {
		return ""
	}
	if n := h.manager.QueuePosition(s.ID); n > 0 {
		return fmt.Sprintf("It is number %d in the queue of its runner, and goes on by itself. You can leave this page.", n)
	}
	return view.StateWord(s.State) + " since " + words.Span(h.now().Sub(s.LastEvent)) + ". You can leave this page."
}

// Bounds of a fork tree on a page.
const (
	maxForks = 200
	maxDepth = 12
)

// tree is the fork tree of a sandbox: those it comes from, and its forks.
func (h *Handler) tree(ctx context.Context, s sandbox.Sandbox) []components.TreeNode {
	ancestors, err := h.manager.Ancestors(ctx, h.org.ID, s.ID)
	if err != nil {
		return nil
	}
	root := s
	if len(ancestors) > 0 {
		root = ancestors[len(ancestors)-1]
	}
	var nodes []components.TreeNode
	var add func(t sandbox.Sandbox, depth int)
	add = func(t sandbox.Sandbox, depth int) {
		if len(nodes) >= maxForks || depth > maxDepth {
			return
		}
		nodes = append(nodes, components.TreeNode{ID: t.ID, Name: t.Name, State: view.State(t, 0), Depth: depth, Current: t.ID == s.ID})
		if t.State == sandbox.StateDestroyed {
			return
		}
		forks, err := h.manager.Forks(ctx, h.org.ID, t.ID, false)
		if err != nil {
			return // it went in between
		}
		for _, f := range forks {
			add(f, depth+1)
		}
	}
	add(root, 0)
	if len(nodes) < 2 {
		return nil
	}
	return nodes
}

func (h *Handler) getMetrics(w http.ResponseWriter, r *http.Request) error {
	s, p, err := h.openTab(r, "metrics")
	if err != nil {
		return err
	}
	return h.pages.Render(w, r, components.MetricsPage(p, h.metrics(r.Context(), s)))
}

func (h *Handler) metricsPart(ctx context.Context, s sandbox.Sandbox) (live.Part, error) {
	return live.Part{ID: "metrics", View: components.MetricsView(h.metrics(ctx, s))}, nil
}

func (h *Handler) metrics(ctx context.Context, s sandbox.Sandbox) components.Metrics {
	samples, err := h.sampler.Look(ctx, s)
	out := components.Metrics{Minutes: int(metrics.Keep / time.Minute), Every: int(metrics.Every / time.Second), Seldom: int(metrics.Seldom / time.Second)}
	switch {
	case s.State != sandbox.StateStarted:
		out.Note = "It is " + strings.ToLower(view.StateWord(s.State)) + ", so nothing is measured. Start it to see what it uses."
	case err != nil:
		h.log.DebugContext(ctx, "read the metrics of a sandbox", "sandbox", s.ID, "error", err)
		out.Note = "It did not say what it uses: its toolbox does not answer at the moment. It is asked again all the time."
	}
	out.Charts = metrics.Charts(samples, h.now())
	return out
}

func (h *Handler) getSettings(w http.ResponseWriter, r *http.Request) error {
	s, p, err := h.openTab(r, "settings")
	if err != nil {
		return err
	}
	return h.pages.Render(w, r, components.SettingsPage(p, h.settings(r.Context(), s)))
}

func (h *Handler) settingsPart(ctx context.Context, s sandbox.Sandbox) (live.Part, error) {
	return live.Part{ID: "settings", View: components.SettingsView(h.settings(ctx, s))}, nil
}

// settings are what can be changed of a sandbox, each with the form that does.
func (h *Handler) settings(ctx context.Context, s sandbox.Sandbox) []components.Setting {
	at := func(verb, label string) *components.SandboxAction {
		return &components.SandboxAction{Label: label, Name: label + " of " + s.Name, URL: "/sandboxes/" + s.ID + "/" + verb, Asks: true}
	}
	public, publish := "Only who signed in or has a token sees its previews.", at("publish", "Make public")
	if s.Public {
		public, publish = "Whoever has the address sees its previews.", &components.SandboxAction{Label: "Make private", Name: "Make the previews of " + s.Name + " private", URL: "/sandboxes/" + s.ID + "/unpublish"}
	}
	resize := at("resize", "Resize")
	if !h.pages.Can(ctx, "resize", s) {
		resize = nil
	}
	visit := "It starts only when somebody starts it."
	if s.Labels[startOnVisit] == "true" {
		visit = "A visit of a preview starts it when it is stopped."
	}
	remove := at("delete", "Delete")
	remove.Danger = true
	if !h.pages.Can(ctx, "delete", s) {
		remove = nil
	}
	user := s.User
	if user == "" {
		user = s.OwnUser
	}
	all := []components.Setting{
		{Name: "ID", Values: []string{s.ID}, Code: true},
		{Name: "Snapshot", Values: []string{s.Snapshot}},
		{Name: "Engine", Values: []string{view.Engine(s), words.Sentence(s.Placed)}},
		{Name: "User", Values: []string{user}, Code: true},
		{Name: "Size", Values: []string{view.Resources(s.Resources)}, Change: resize},
		{Name: "Labels", Values: orNone(view.Labels(s.Labels)), Change: at("labels", "Change")},
		{Name: "Clocks", Values: clockWords(s), Change: at("intervals", "Change")},
		{Name: "Network", Values: networkWords(s.Network), Change: at("network", "Change")},
		{Name: "Previews", Values: []string{public}, Change: publish},
		{Name: "Start on visit", Values: []string{visit}, Change: at("visit", "Change")},
		{Name: "Signing key", Values: []string{"Signs preview links and addresses of files."}, Change: at("rotate", "Rotate")},
		{Name: "Environment", Values: orNone(slices.Sorted(maps.Keys(s.Env))), Code: len(s.Env) > 0},
	}
	all = append(all, h.sshSettings(ctx, s)...)
	return append(all, components.Setting{Name: "Delete", Values: []string{"Deletes the sandbox and all its files."}, Change: remove})
}

// sshSettings are the accesses of a sandbox by SSH, each with what ends it.
func (h *Handler) sshSettings(ctx context.Context, s sandbox.Sandbox) []components.Setting {
	if h.ssh == nil {
		return nil
	}
	accesses, err := h.ssh.Accesses(ctx, h.org.ID, s.ID)
	if err != nil {
		h.log.WarnContext(ctx, "list who may reach a sandbox by SSH", "sandbox", s.ID, "error", err)
		return []components.Setting{{Name: "SSH access", Values: []string{"It could not be read who has it. This page tries again."}}}
	}
	var out []components.Setting
	for _, a := range accesses {
		end := "SSH access of " + s.Name + " made on " + words.Exact(a.CreatedAt)
		out = append(out, components.Setting{
			Name: "SSH access", Values: []string{"Made on " + words.Exact(a.CreatedAt) + ".", "Ends on " + words.Exact(a.ExpiresAt) + "."},
			Change: &components.SandboxAction{Label: "Revoke", Name: "Revoke the " + end, URL: "/sandboxes/" + s.ID + "/ssh/" + a.ID + "/revoke", Danger: true},
		})
	}
	if len(out) == 0 {
		out = []components.Setting{{Name: "SSH access", Values: []string{"Nobody has it."}}}
	}
	if h.pages.Can(ctx, "ssh", s) {
		out = append(out, components.Setting{Values: []string{"Access is a token for one sandbox, and ends by itself."},
			Change: &components.SandboxAction{Label: "Give access", Name: "Give access to " + s.Name + " by SSH", URL: "/sandboxes/" + s.ID + "/ssh", Asks: true}})
	}
	return out
}

func orNone(values []string) []string {
	if len(values) == 0 {
		return []string{"None"}
	}
	return values
}

// clockWords says which clocks a sandbox has, whatever its state.
func clockWords(s sandbox.Sandbox) []string {
	i := s.Intervals
	var out []string
	switch {
	case i.AutoStop > 0:
		out = append(out, "Stops after "+words.Span(i.AutoStop)+" without activity.")
	case i.AutoPause > 0:
		out = append(out, "Pauses after "+words.Span(i.AutoPause)+" without activity.")
	default:
		out = append(out, "Never stops by itself.")
	}
	switch {
	case i.Ephemeral():
		out = append(out, "Deleted as soon as it stops.")
	case i.AutoDelete > 0:
		out = append(out, "Deleted when it was stopped for "+words.Span(i.AutoDelete)+".")
	}
	if !i.Ephemeral() {
		archive := i.AutoArchive
		if archive == 0 {
			archive = sandbox.MaxAutoArchive
		}
		out = append(out, "Archived when it was stopped for "+words.Span(archive)+".")
	}
	if !s.DestroyAt.IsZero() {
		out = append(out, "Deleted on "+words.Exact(s.DestroyAt)+", whatever happens.")
	}
	return out
}

func networkWords(n sandbox.Network) []string {
	switch {
	case n.BlockAll:
		return []string{"All connections out of it are blocked."}
	case len(n.Allow)+len(n.Domains) > 0:
		return append([]string{"It reaches only:"}, append(slices.Clone(n.Allow), n.Domains...)...)
	}
	return []string{"It may reach everything that the server allows."}
}
