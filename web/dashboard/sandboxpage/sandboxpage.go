// Package sandboxpage is the frame of a sandbox's pages: it finds the sandbox
// that a request names for a caller who may see it, makes the header and the
// tabs around what a page shows, and keeps the header up to date.
//
// A package that serves one of the tabs says so with Serves before the server
// starts, registers its routes below /sandboxes/{id}/ with Handle, and answers
// with a component inside components.SandboxFrame:
//
//	pages.Serves("terminal")
//	pages.Handle(mux, "GET /sandboxes/{id}/terminal", func(w http.ResponseWriter, r *http.Request) error {
//		s, p, err := pages.Open(r, "terminal", "terminal.js")
//		if err != nil {
//			return err
//		}
//		return pages.Render(w, r, components.TerminalPage(p, …)) // inside @SandboxFrame(p)
//	})
//
// The page's script calls startSandboxPage of static/src/lib/sandboxpage.ts,
// which connects the header's stream. The document then has an event
// sandbox:state, whose detail.data is the state as on the wire, at the beginning
// and whenever it changes, and again after the connection was lost.
package sandboxpage

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/a-h/templ"

	"sandpiper/components"
	"sandpiper/sandbox"
	"sandpiper/sandbox/manager"
	"sandpiper/web/auth"
	"sandpiper/web/dashboard/view"
	"sandpiper/web/live"
	"sandpiper/web/page"
	"sandpiper/web/reply"
)

// tab is a part of a sandbox's pages.
type tab struct{ id, name string }

// tabs are all that a sandbox's pages can have, in their order.
var tabs = []tab{
	{"terminal", "Terminal"}, {"desktop", "Desktop"}, {"files", "Files"}, {"ports", "Ports"}, {"processes", "Processes"},
	{"metrics", "Metrics"}, {"activity", "Activity"}, {"settings", "Settings"},
}

// Manager is what the frame needs of the manager; *manager.Manager has it.
type Manager interface {
	Sandbox(ctx context.Context, org, idOrName string) (sandbox.Sandbox, error)
	Subscribe(org string) (events <-chan manager.Event, stop func())
	QueuePosition(id string) int
	Runners(ctx context.Context) ([]sandbox.Runner, error)
}

// Config says what the frame stands on.
type Config struct {
	Manager      Manager
	Frame        *page.Frame
	Organization string           // ID of the one that all callers belong to
	Now          func() time.Time // nil means time.Now
	Log          *slog.Logger     // nil means slog.Default()
}

// Pages makes the frame of a sandbox's pages. It implements web.Routes, and is
// safe for concurrent use once the server serves.
type Pages struct {
	manager Manager
	frame   *page.Frame
	org     string
	now     func() time.Time
	log     *slog.Logger
	served  map[string]bool
	without map[string]bool // verbs that this server lacks
	undo    func(id string) (components.Undo, bool)
	problem func(id string) string
	streams reply.Lifelines

	mu      sync.Mutex
	waiting map[chan<- struct{}]bool // streams that Wake wakes
}

// New returns Pages without any tab.
func New(cfg Config) *Pages {
	p := &Pages{
		manager: cfg.Manager, frame: cfg.Frame, org: cfg.Organization, now: cfg.Now, log: cmp.Or(cfg.Log, slog.Default()),
		served: map[string]bool{}, without: map[string]bool{}, waiting: map[chan<- struct{}]bool{},
		undo:    func(string) (components.Undo, bool) { return components.Undo{}, false },
		problem: func(string) string { return "" },
	}
	if p.now == nil {
		p.now = time.Now
	}
	return p
}

// Serves says that a tab is served: "terminal", "desktop", "files", "ports",
// "processes", "metrics", "activity" or "settings". It is for the time before
// the server serves, as Lacks and Undo are.
func (p *Pages) Serves(id string) {
	if !slices.ContainsFunc(tabs, func(t tab) bool { return t.id == id }) {
		panic("there is no tab " + id)
	}
	p.served[id] = true
}

// Lacks says that this server cannot do a verb, such as "ssh".
func (p *Pages) Lacks(verb string) { p.without[verb] = true }

// OnUndo says how to find out whether a sandbox is about to be deleted.
func (p *Pages) OnUndo(undo func(id string) (components.Undo, bool)) { p.undo = undo }

// OnProblem says how to find out what went wrong with a sandbox that its record
// does not tell of; "" for nothing.
func (p *Pages) OnProblem(problem func(id string) string) { p.problem = problem }

// Close ends the streams: for http.Server.RegisterOnShutdown.
func (p *Pages) Close() { p.streams.End() }

// Register adds the routes that all tabs share.
func (p *Pages) Register(mux *http.ServeMux) {
	p.Handle(mux, "GET /sandboxes/{id}", p.getSandbox)
	p.Handle(mux, "GET /sandboxes/{id}/events", p.getEvents)
}

// Handle adds a route for callers who signed in. Others are led to the form to
// sign in, and back; a page's script and a program get the error.
func (p *Pages) Handle(mux *http.ServeMux, pattern string, h reply.Handler) {
	p.frame.Handle(mux, pattern, func(w http.ResponseWriter, r *http.Request) error {
		err := auth.CheckSignedIn(r.Context())
		switch {
		case err == nil:
			return h(w, r)
		case r.Method != http.MethodGet || page.IsFragment(r) || page.WantsJSON(r) || sandbox.KindOf(err) != sandbox.KindUnauthorized:
			return err
		}
		http.Redirect(w, r, page.SignInURL(r.URL.RequestURI()), http.StatusSeeOther)
		return nil
	})
}

// Sandbox finds the sandbox that {id} of the path names, by its ID or its name.
// One that is not there, or is not the caller's, is a *sandbox.Error of
// KindNotFound.
func (p *Pages) Sandbox(r *http.Request) (sandbox.Sandbox, error) {
	s, err := p.manager.Sandbox(r.Context(), p.org, r.PathValue("id"))
	if err != nil && sandbox.KindOf(err) == sandbox.KindNotFound {
		return s, sandbox.Errorf(sandbox.KindNotFound, "there is no sandbox %.80q; it may have been deleted", r.PathValue("id"))
	}
	return s, err
}

// Open finds the sandbox as Sandbox does, and makes the frame of a tab's page
// that runs script, a built file such as "terminal.js".
func (p *Pages) Open(r *http.Request, current, script string) (sandbox.Sandbox, components.SandboxPage, error) {
	s, err := p.Sandbox(r)
	if err != nil {
		return s, components.SandboxPage{}, err
	}
	out := components.SandboxPage{Head: p.Head(r.Context(), s)}
	for _, t := range tabs {
		if !p.served[t.id] {
			continue
		}
		out.Tabs = append(out.Tabs, components.SandboxTab{Name: t.name, URL: tabURL(s.ID, t.id), Current: t.id == current})
		if t.id == current {
			out.Page = p.frame.PageWith(r, s.Name+" · "+t.name, script)
		}
	}
	out.Page.Place = "/sandboxes"
	return s, out, nil
}

// Render answers with a page.
func (p *Pages) Render(w http.ResponseWriter, r *http.Request, c templ.Component) error {
	return p.frame.Render(w, r, http.StatusOK, c)
}

// Head makes the header of a sandbox's pages as it is now.
func (p *Pages) Head(ctx context.Context, s sandbox.Sandbox) components.SandboxHead {
	h := components.SandboxHead{
		ID: s.ID, Name: s.Name, State: view.State(s, p.manager.QueuePosition(s.ID)), Facts: view.Facts(s),
		Clocks: view.Clocks(s, p.now()), Problem: cmp.Or(p.problem(s.ID), view.Problem(s)),
	}
	h.First, h.Rest = p.Actions(ctx, s)
	h.Undo, _ = p.undo(s.ID)
	return h
}

// Actions returns what can be done with a sandbox now: buttons, and the rest for
// a menu.
func (p *Pages) Actions(ctx context.Context, s sandbox.Sandbox) (buttons, menu []components.SandboxAction) {
	return p.ActionsWith(s, p.AllPowers(ctx)(s))
}

// ActionsWith is Actions for a sandbox whose engine has these powers.
func (p *Pages) ActionsWith(s sandbox.Sandbox, powers sandbox.Powers) (buttons, menu []components.SandboxAction) {
	return view.Actions(s, powers, p.without)
}

// Can reports whether a verb can be done with a sandbox now.
func (p *Pages) Can(ctx context.Context, verb string, s sandbox.Sandbox) bool {
	return !p.without[verb] && view.Can(verb, s, p.AllPowers(ctx)(s))
}

// AllPowers returns a function that says what a sandbox's engine can do, nothing
// when it is not there.
func (p *Pages) AllPowers(ctx context.Context) func(s sandbox.Sandbox) sandbox.Powers {
	runners, err := p.manager.Runners(ctx)
	if err != nil {
		return func(sandbox.Sandbox) sandbox.Powers { return sandbox.Powers{} }
	}
	return func(s sandbox.Sandbox) sandbox.Powers {
		for _, r := range runners {
			if r.ID == s.Runner || s.Runner == "" && r.Engine == s.Engine {
				return r.Print.Can
			}
		}
		return sandbox.Powers{}
	}
}

// Wake makes every stream look again, for changes that the manager does not tell
// of.
func (p *Pages) Wake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.waiting {
		nudge(c)
	}
}

// nudge tells of a change, unless the last is not looked at yet.
func nudge(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// changes returns a channel that has something whenever something may have
// changed, and that is closed when the manager ends. stop ends it.
func (p *Pages) changes(ctx context.Context) (changes <-chan struct{}, stop func()) {
	events, unsubscribe := p.manager.Subscribe(p.org)
	heard, out := make(chan struct{}, 1), make(chan struct{}, 1)
	p.mu.Lock()
	p.waiting[heard] = true
	p.mu.Unlock()
	go func() {
		defer close(out)
		for {
			select {
			case <-ctx.Done():
				return
			case <-heard:
			case _, ok := <-events:
				if !ok {
					return
				}
			}
			nudge(out)
		}
	}()
	return out, func() {
		p.mu.Lock()
		delete(p.waiting, heard)
		p.mu.Unlock()
		unsubscribe()
	}
}

// Stream keeps a page up to date with what look returns, until the client is
// gone or signed out, or the server shuts down.
func (p *Pages) Stream(w http.ResponseWriter, r *http.Request, look func(ctx context.Context) (live.Scene, error)) error {
	ctx, release := auth.Lasting(r.Context())
	defer release()
	ctx, cancel := p.streams.Attach(ctx)
	defer cancel()
	changes, stop := p.changes(ctx)
	defer stop()
	return live.Serve(ctx, w, live.Stream{Changes: changes, Look: look})
}

// getSandbox leads to the tab that is of most use.
func (p *Pages) getSandbox(w http.ResponseWriter, r *http.Request) error {
	s, err := p.Sandbox(r)
	if err != nil {
		return err
	}
	best := "activity"
	if s.State == sandbox.StateStarted && p.served["terminal"] {
		best = "terminal"
	}
	http.Redirect(w, r, tabURL(s.ID, best), http.StatusSeeOther)
	return nil
}

// getEvents keeps the header up to date.
func (p *Pages) getEvents(w http.ResponseWriter, r *http.Request) error {
	s, err := p.Sandbox(r)
	if err != nil {
		return err
	}
	return p.Stream(w, r, func(ctx context.Context) (live.Scene, error) { return p.Scene(ctx, s) })
}

// Scene is what changes by itself on every page of a sandbox. When the sandbox
// is gone, it leads to the list.
func (p *Pages) Scene(ctx context.Context, was sandbox.Sandbox) (live.Scene, error) {
	s, err := p.manager.Sandbox(ctx, p.org, was.ID)
	if sandbox.KindOf(err) == sandbox.KindNotFound && err != nil || err == nil && s.State == sandbox.StateDestroyed {
		return live.Scene{End: "/sandboxes?gone=" + url.QueryEscape(was.Name)}, nil
	}
	if err != nil {
		return live.Scene{}, err
	}
	return live.Scene{
		Parts:  []live.Part{{ID: "box-head", View: components.SandboxHeader(p.Head(ctx, s))}},
		Events: map[string]string{"sandbox:state": string(s.State)},
	}, nil
}

func tabURL(id, tab string) string { return "/sandboxes/" + id + "/" + tab }
