package dashboard

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/a-h/templ"

	"sandpiper/components"
	"sandpiper/sandbox"
	"sandpiper/sandbox/manager"
	"sandpiper/web/apikey"
	"sandpiper/web/auth"
	"sandpiper/web/page"
	"sandpiper/web/reply"
	"sandpiper/web/words"
)

// verb is something that is done with a sandbox. Its name is that of package
// view, and the last part of its URL.
type verb struct {
	name       string
	permission string
	any        bool // whatever the state: it is in no menu

	// form asks first; nil for what is done at once.
	form func(s sandbox.Sandbox, v url.Values) components.Form

	// do does it and says what was done.
	do func(ctx context.Context, s sandbox.Sandbox, v url.Values) (done, error)
}

// done says what was done.
type done struct {
	text   string
	next   string            // where to go, for browsers without scripts; "" for the sandbox
	moves  bool              // a page with scripts goes there as well
	secret []components.Code // something that can be seen once
	lead   []string
}

// verbs are all that can be done with a sandbox.
func (h *Handler) verbs() []verb {
	const write, remove = apikey.WriteSandboxes, apikey.DeleteSandboxes
	return []verb{
		{name: "start", permission: write, do: h.start("is starting")},
		{name: "resume", permission: write, do: h.start("goes on")},
		{name: "recover", permission: write, do: h.recover},
		{name: "stop", permission: write, do: h.stopSandbox(false)},
		{name: "force-stop", permission: write, form: forceForm, do: h.stopSandbox(true)},
		{name: "pause", permission: write, do: h.pause},
		{name: "keep", permission: write, do: h.keep},
		{name: "archive", permission: write, form: archiveForm, do: h.archive},
		{name: "fork", permission: write, form: forkForm, do: h.fork},
		{name: "snapshot", permission: apikey.WriteSnapshots, form: snapshotForm, do: h.snapshot},
		{name: "resize", permission: write, form: resizeForm, do: h.resize},
		{name: "rename", permission: write, form: renameForm, do: h.rename},
		{name: "labels", permission: write, form: labelsForm, do: h.labels},
		{name: "publish", permission: write, form: publishForm, do: h.publish(true)},
		{name: "unpublish", permission: write, do: h.publish(false)},
		{name: "ssh", permission: write, form: sshForm, do: h.sshAccess},
		{name: "delete", permission: remove, form: deleteForm, do: h.remove},
		{name: "undo", permission: remove, any: true, do: h.takeBack},
		{name: "intervals", permission: write, any: true, form: intervalsForm, do: h.intervals},
		{name: "network", permission: write, any: true, form: networkForm, do: h.network},
		{name: "rotate", permission: write, any: true, form: rotateForm, do: h.rotate},
		{name: "visit", permission: write, any: true, form: visitForm, do: h.visit},
	}
}

func (h *Handler) registerVerbs(mux *http.ServeMux) {
	if h.ssh != nil {
		h.formRoutes(mux, "/sandboxes/{id}/ssh/{access}/revoke", apikey.WriteSandboxes, nil, h.revokeSSH)
	}
	for _, v := range h.verbs() {
		h.pages.Handle(mux, "POST /sandboxes/{id}/"+v.name, h.postVerb(v))
		if v.form != nil {
			h.pages.Handle(mux, "GET /sandboxes/{id}/"+v.name, h.getVerb(v))
		}
	}
}

// subject finds the sandbox for a caller who may do the verb with it now.
func (h *Handler) subject(r *http.Request, v verb) (sandbox.Sandbox, error) {
	if err := auth.CheckPermission(r.Context(), v.permission); err != nil {
		return sandbox.Sandbox{}, err
	}
	s, err := h.pages.Sandbox(r)
	if err != nil || v.any || h.pages.Can(r.Context(), v.name, s) {
		return s, err
	}
	return s, sandbox.Errorf(sandbox.KindConflict, "sandbox %s is %s: that is not possible now, or its engine cannot do it", s.Name, s.State)
}

// getVerb shows the form of a verb: in the dialog, or as a page.
func (h *Handler) getVerb(v verb) reply.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		s, err := h.subject(r, v)
		if err != nil {
			return err
		}
		return h.ask(w, r, http.StatusOK, completed(v, s, nil), s)
	}
}

// completed returns a verb's form, as it was filled in.
func completed(v verb, s sandbox.Sandbox, values url.Values) components.Form {
	f := v.form(s, values)
	f.Action, f.Cancel = "/sandboxes/"+s.ID+"/"+v.name, "/sandboxes/"+s.ID
	return f
}

// ask shows a form.
func (h *Handler) ask(w http.ResponseWriter, r *http.Request, status int, f components.Form, s sandbox.Sandbox) error {
	if page.IsFragment(r) {
		return page.Fragment(w, r, status, components.FormDialog(f))
	}
	return h.frame.Render(w, r, status, components.FormPage(h.place(r, f.Title+" · "+s.Name, "/sandboxes"), f))
}

// postVerb does it.
func (h *Handler) postVerb(v verb) reply.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		s, err := h.subject(r, v)
		if err != nil {
			return err
		}
		filled, err := values(w, r)
		if err != nil {
			return err
		}
		result, err := v.do(r.Context(), s, filled)
		h.pages.Wake()
		if err != nil {
			if v.form == nil || sandbox.KindOf(err) == sandbox.KindInternal {
				return err
			}
			e := reply.Public(err)
			f := completed(v, s, filled)
			blame(&f, e)
			return h.ask(w, r, reply.Status(e.Kind), f, s)
		}
		if result.next == "" {
			result.next = "/sandboxes/" + s.ID
		}
		return h.tell(w, r, result)
	}
}

// tell says what was done: as a notice on the page that is open, by leading on, or
// by showing what is to be seen once.
func (h *Handler) tell(w http.ResponseWriter, r *http.Request, d done) error {
	fragment := page.IsFragment(r)
	switch {
	case d.secret != nil && fragment:
		return page.Fragment(w, r, http.StatusOK, components.Secret(d.text, d.lead, d.secret))
	case d.secret != nil:
		return h.pages.Render(w, r, components.SecretPage(h.place(r, d.text, ""), d.text, d.lead, d.secret, d.next))
	case fragment && d.moves:
		w.Header().Set("HX-Redirect", d.next)
		w.WriteHeader(http.StatusOK)
		return nil
	case fragment:
		w.Header().Set("HX-Trigger", "ask:done")
		w.Header().Set("HX-Retarget", "#notices")
		return page.Fragment(w, r, http.StatusOK, notice(d.text))
	}
	http.Redirect(w, r, d.next, http.StatusSeeOther)
	return nil
}

func notice(text string) templ.Component { return components.Notice("info", text) }

// start starts a sandbox, whichever way it rests.
func (h *Handler) start(what string) func(context.Context, sandbox.Sandbox, url.Values) (done, error) {
	return func(ctx context.Context, s sandbox.Sandbox, _ url.Values) (done, error) {
		now, err := h.manager.Start(ctx, h.org.ID, s.ID)
		if err != nil {
			return done{}, err
		}
		if now.State == sandbox.StateStarted {
			return done{text: s.Name + " is started."}, nil
		}
		return done{text: s.Name + " " + what + "; this page shows when it is there."}, nil
	}
}

func (h *Handler) recover(ctx context.Context, s sandbox.Sandbox, _ url.Values) (done, error) {
	_, err := h.manager.Recover(ctx, h.org.ID, s.ID, false)
	return done{text: said("%s is being brought back.", s.Name)}, err
}

func (h *Handler) stopSandbox(force bool) func(context.Context, sandbox.Sandbox, url.Values) (done, error) {
	return func(ctx context.Context, s sandbox.Sandbox, _ url.Values) (done, error) {
		now, err := h.manager.Stop(ctx, h.org.ID, s.ID, force)
		text := soFar(now, sandbox.StateStopped, said("%s is stopped. Its files are kept.", s.Name))
		if s.Intervals.Ephemeral() {
			text = said("%s stops and is deleted, as it was made for.", s.Name)
		}
		return done{text: text}, err
	}
}

func (h *Handler) pause(ctx context.Context, s sandbox.Sandbox, _ url.Values) (done, error) {
	now, err := h.manager.Pause(ctx, h.org.ID, s.ID)
	return done{text: soFar(now, sandbox.StatePaused, said("%s is paused. Its processes are frozen and use no processor.", s.Name))}, err
}

// soFar says what there is to say when a sandbox is in a state, or how it is
// where it took longer than a request waits.
func soFar(s sandbox.Sandbox, want sandbox.State, there string) string {
	if s.State == want {
		return there
	}
	return said("%s is %s; this page shows what becomes of it.", s.Name, s.State)
}

func (h *Handler) keep(ctx context.Context, s sandbox.Sandbox, _ url.Values) (done, error) {
	err := h.manager.Touch(ctx, h.org.ID, s.ID, sandbox.ActivityTouch)
	return done{text: said("The idle clock of %s begins again.", s.Name)}, err
}

func (h *Handler) archive(ctx context.Context, s sandbox.Sandbox, _ url.Values) (done, error) {
	_, err := h.manager.Archive(ctx, h.org.ID, s.ID)
	return done{text: said("%s is being archived.", s.Name)}, err
}

func (h *Handler) fork(ctx context.Context, s sandbox.Sandbox, v url.Values) (done, error) {
	fork, err := h.manager.Fork(ctx, h.org.ID, s.ID, strings.TrimSpace(v.Get("name")))
	return done{text: "The fork is there.", next: "/sandboxes/" + fork.ID, moves: true}, err
}

func (h *Handler) snapshot(ctx context.Context, s sandbox.Sandbox, v url.Values) (done, error) {
	name := strings.TrimSpace(v.Get("name"))
	if name == "" {
		return done{}, sandbox.FieldErrorf("name", "give the snapshot a name")
	}
	_, err := h.manager.Snapshot(ctx, h.org.ID, s.ID, name, false)
	return done{text: said("The snapshot %s is being made; it appears among the snapshots.", name), next: "/snapshots"}, err
}

func (h *Handler) resize(ctx context.Context, s sandbox.Sandbox, v url.Values) (done, error) {
	want, err := resources(v)
	if err != nil {
		return done{}, err
	}
	for _, same := range []struct {
		want *int
		has  int
	}{{&want.CPU, s.Resources.CPU}, {&want.MemoryGiB, s.Resources.MemoryGiB}, {&want.DiskGiB, s.Resources.DiskGiB}} {
		if *same.want == same.has {
			*same.want = 0 // it stays
		}
	}
	if want == (sandbox.Resources{}) {
		return done{text: said("%s has just that already.", s.Name)}, nil
	}
	_, err = h.manager.Resize(ctx, h.org.ID, s.ID, want)
	return done{text: said("%s has its new size.", s.Name)}, err
}

func (h *Handler) rename(ctx context.Context, s sandbox.Sandbox, v url.Values) (done, error) {
	name := strings.TrimSpace(v.Get("name"))
	_, err := h.manager.Rename(ctx, h.org.ID, s.ID, name)
	return done{text: said("%s is called %s now.", s.Name, name)}, err
}

func (h *Handler) labels(ctx context.Context, s sandbox.Sandbox, v url.Values) (done, error) {
	labels, err := pairs(v, "labels")
	if err != nil {
		return done{}, err
	}
	_, err = h.manager.SetLabels(ctx, h.org.ID, s.ID, labels)
	return done{text: said("The labels of %s are as you wrote them.", s.Name)}, err
}

func (h *Handler) publish(public bool) func(context.Context, sandbox.Sandbox, url.Values) (done, error) {
	return func(ctx context.Context, s sandbox.Sandbox, _ url.Values) (done, error) {
		_, err := h.manager.SetPublic(ctx, h.org.ID, s.ID, public)
		if public {
			return done{text: said("Everybody who has the address sees what %s serves.", s.Name)}, err
		}
		return done{text: said("The previews of %s need a sign-in or a token again.", s.Name)}, err
	}
}

func (h *Handler) sshAccess(ctx context.Context, s sandbox.Sandbox, v url.Values) (done, error) {
	d, err := minutes(v, "minutes")
	if err != nil {
		return done{}, err
	}
	ttl := time.Hour
	if d != nil {
		ttl = *d
	}
	token, command, expires, err := h.ssh.Grant(ctx, h.org.ID, s.ID, ttl)
	if err != nil {
		return done{}, err
	}
	return done{
		text: "SSH access to " + s.Name,
		lead: []string{"It ends on " + words.Exact(expires) + ". The token in it is shown here once, and works for whoever has it."},
		secret: []components.Code{
			{ID: "ssh-command", Title: "Terminal", Text: command},
			{ID: "ssh-config", Title: "VS Code and ~/.ssh/config", Text: sshConfig(s, token, command)},
		},
	}, nil
}

func (h *Handler) revokeSSH(r *http.Request, _ url.Values) (done, error) {
	s, err := h.pages.Sandbox(r)
	if err == nil {
		err = h.ssh.RevokeByID(r.Context(), h.org.ID, s.ID, r.PathValue("access"))
	}
	return done{text: said("That SSH access to %s is revoked, and its connections are ended.", s.Name), next: "/sandboxes/" + s.ID + "/settings"}, err
}

// sshConfig is an entry for a client's configuration, which editors read.
func sshConfig(s sandbox.Sandbox, token, command string) string {
	host, port := "localhost", "22"
	args := strings.Fields(command)
	for i, a := range args {
		if at := strings.LastIndexByte(a, '@'); at >= 0 {
			host = a[at+1:]
		}
		if a == "-p" && i+1 < len(args) {
			port = args[i+1]
		}
	}
	return "Host " + s.Name + "\n  HostName " + host + "\n  Port " + port + "\n  User " + token
}

// remove deletes a sandbox in a while, so that it can be taken back.
func (h *Handler) remove(ctx context.Context, s sandbox.Sandbox, v url.Values) (done, error) {
	if typed := strings.TrimSpace(v.Get("name")); typed != s.Name {
		return done{}, sandbox.FieldErrorf("name", "the name is %s; write it as it is to delete this sandbox", s.Name)
	}
	forks, err := h.manager.Forks(ctx, h.org.ID, s.ID, false)
	if err != nil {
		return done{}, err
	}
	if len(forks) > 0 {
		return done{}, sandbox.Errorf(sandbox.KindConflict, "%s has %d forks, the first of them %s; delete those first", s.Name, len(forks), forks[0].Name)
	}
	kept := context.WithoutCancel(ctx) // outlasts the request, and says who asked
	h.farewell.Add(s.ID, func() error {
		ctx, cancel := context.WithTimeout(kept, time.Minute)
		defer cancel()
		_, err := h.manager.Destroy(ctx, h.org.ID, s.ID)
		if err == nil || sandbox.KindOf(err) == sandbox.KindNotFound {
			return nil
		}
		h.log.Warn("delete a sandbox that a page asked to delete", "sandbox", s.ID, "error", err)
		return err
	})
	return done{text: said("%s will be deleted in a few seconds. Undo is beside its name.", s.Name), next: "/sandboxes"}, nil
}

func (h *Handler) takeBack(_ context.Context, s sandbox.Sandbox, _ url.Values) (done, error) {
	if !h.farewell.Undo(s.ID) {
		return done{}, sandbox.Errorf(sandbox.KindConflict, "it is too late: the deletion of %s has begun, or nobody asked for it", s.Name)
	}
	return done{text: said("%s stays.", s.Name)}, nil
}

func (h *Handler) intervals(ctx context.Context, s sandbox.Sandbox, v url.Values) (done, error) {
	u, err := intervalUpdate(s, v)
	if err != nil {
		return done{}, err
	}
	if u == (manager.IntervalUpdate{}) {
		return done{text: "Nothing was changed."}, nil
	}
	_, err = h.manager.SetIntervals(ctx, h.org.ID, s.ID, u)
	return done{text: said("The clocks of %s are set.", s.Name), next: "/sandboxes/" + s.ID + "/settings"}, err
}

func (h *Handler) network(ctx context.Context, s sandbox.Sandbox, v url.Values) (done, error) {
	block := v.Get("block") == "true"
	u := manager.NetworkUpdate{BlockAll: &block}
	if !block {
		allow, err := sandbox.ParseAllowList(strings.Join(list(v.Get("allow")), ","))
		if err != nil {
			return done{}, err
		}
		domains, err := sandbox.ParseDomains(strings.Join(list(v.Get("domains")), ","))
		if err != nil {
			return done{}, err
		}
		u.Allow, u.Domains = &allow, &domains
	}
	_, err := h.manager.SetNetwork(ctx, h.org.ID, s.ID, u)
	return done{text: said("What %s may reach is changed, from now on.", s.Name), next: "/sandboxes/" + s.ID + "/settings"}, err
}

func (h *Handler) rotate(ctx context.Context, s sandbox.Sandbox, _ url.Values) (done, error) {
	_, err := h.manager.RotateSigningKey(ctx, h.org.ID, s.ID)
	return done{text: said("Links and tokens of %s that were given out no longer work.", s.Name), next: "/sandboxes/" + s.ID + "/settings"}, err
}

// visit says whether a visit of a preview starts the sandbox, which is a label.
func (h *Handler) visit(ctx context.Context, s sandbox.Sandbox, v url.Values) (done, error) {
	labels := map[string]string{}
	for name, value := range s.Labels {
		labels[name] = value
	}
	on := v.Get("visit") == "true"
	delete(labels, startOnVisit)
	text := said("%s starts only when somebody starts it.", s.Name)
	if on {
		labels[startOnVisit] = "true"
		text = said("A visit of a preview starts %s when it is stopped.", s.Name)
	}
	_, err := h.manager.SetLabels(ctx, h.org.ID, s.ID, labels)
	return done{text: text, next: "/sandboxes/" + s.ID + "/settings"}, err
}
