package dashboard

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"sandpiper/components"
	"sandpiper/sandbox"
	"sandpiper/web/apikey"
	"sandpiper/web/auth"
	"sandpiper/web/live"
	"sandpiper/web/words"
)

// keyGroups are the permissions that do something on this server, with what they
// are for. The API knows more, for clients that ask for all.
var keyGroups = []struct{ permission, label string }{
	{apikey.WriteSandboxes, "Make and use sandboxes, and run programs"},
	{apikey.DeleteSandboxes, "Delete sandboxes"},
	{apikey.WriteSnapshots, "Make snapshots"},
	{apikey.DeleteSnapshots, "Remove snapshots"},
	{apikey.Manage, "Make and revoke API keys"},
}

func (h *Handler) registerKeys(mux *http.ServeMux) {
	h.pages.Handle(mux, "GET /keys", h.getKeys)
	h.pages.Handle(mux, "GET /keys/events", h.getKeysEvents)
	h.formRoutes(mux, "/keys/new", apikey.Manage, h.keyForm, h.makeKey)
	h.formRoutes(mux, "/keys/{name}/revoke", apikey.Manage, h.revokeForm, h.revoke)
}

func (h *Handler) getKeys(w http.ResponseWriter, r *http.Request) error {
	rows, err := h.keyRows(r.Context())
	if err != nil {
		return err
	}
	return h.pages.Render(w, r, components.KeysPage(h.place(r, "API keys", "/keys"), rows))
}

// getKeysEvents keeps the list up to date.
func (h *Handler) getKeysEvents(w http.ResponseWriter, r *http.Request) error {
	return h.pages.Stream(w, r, func(ctx context.Context) (live.Scene, error) {
		rows, err := h.keyRows(ctx)
		if err != nil {
			return live.Scene{}, err
		}
		items := make([]live.Part, 0, len(rows))
		for _, row := range rows {
			items = append(items, live.Part{ID: "key-" + row.ID, View: components.KeyRowView(row)})
		}
		return live.Scene{Parts: []live.Part{{ID: "keys", View: components.KeyRowsView(rows), Items: items}}}, nil
	})
}

func (h *Handler) keyRows(ctx context.Context) (rows []components.KeyRow, err error) {
	all, err := h.keys.APIKeys(ctx)
	for _, k := range all {
		rows = append(rows, h.keyRow(k))
	}
	return rows, err
}

func (h *Handler) keyRow(k sandbox.APIKey) components.KeyRow {
	row := components.KeyRow{
		ID: k.ID, Name: k.Name, Hint: apikey.Masked(k), Permissions: strings.Join(k.Permissions, ", "), Created: h.age(k.CreatedAt), LastUsed: h.age(k.LastUsedAt),
		State: components.SandboxState{Look: "ok", Word: "Valid"},
	}
	switch {
	case apikey.Operators(k):
		row.Permissions, row.Note = "everything", "The operator's own. It is changed where the server is started."
	case len(k.Permissions) == 0:
		row.Permissions = "reading only"
	}
	if !k.ExpiresAt.IsZero() {
		row.Expires = "until " + words.Exact(k.ExpiresAt)
		if !h.now().Before(k.ExpiresAt) {
			row.State = components.SandboxState{Look: "stopped", Word: "Expired"}
		}
	}
	if !apikey.Operators(k) {
		row.Revoke = &components.SandboxAction{Label: "Revoke…", Name: "Revoke " + k.Name, URL: "/keys/" + url.PathEscape(k.Name) + "/revoke", Asks: true, Danger: true}
	}
	return row
}

func (h *Handler) keyForm(r *http.Request, v url.Values) (components.Form, error) {
	mine := auth.Permissions(r.Context())
	var may []components.Field
	for _, g := range keyGroups {
		if mine != nil && !slices.Contains(mine, g.permission) {
			continue
		}
		may = append(may, components.Field{Kind: "check", Name: g.permission, Label: g.label, Checked: v == nil && g.permission == apikey.WriteSandboxes || v.Get(g.permission) == "true"})
	}
	return components.Form{
		Title: "New API key", Submit: "Make the key",
		Lead: []string{"A key lets a program use this server. It is shown once, when it is made."},
		Groups: []components.FieldGroup{
			{Fields: []components.Field{
				{Kind: "text", Name: "name", Label: "Name", Value: v.Get("name"), Required: true, Hint: "What uses it: ci, notebook, my laptop."},
				{Kind: "number", Name: "days", Label: "Valid for", Unit: "days", Min: "1", Value: v.Get("days"), Hint: "Empty for as long as nobody revokes it."},
			}},
			{Legend: "It may", Hint: "Reading is always allowed.", Fields: may},
		},
	}, nil
}

func (h *Handler) makeKey(r *http.Request, v url.Values) (done, error) {
	request := apikey.Request{Name: strings.TrimSpace(v.Get("name")), Permissions: []string{}}
	if request.Name == "" {
		return done{}, sandbox.FieldErrorf("name", "give the key a name, to know it by in the list")
	}
	for _, g := range keyGroups {
		if v.Get(g.permission) == "true" {
			request.Permissions = append(request.Permissions, g.permission)
		}
	}
	days, err := number(v, "days")
	switch {
	case err != nil:
		return done{}, err
	case days < 0 || days > 36_500:
		return done{}, sandbox.FieldErrorf("days", "a key is valid for 1 to 36500 days")
	case days > 0:
		request.Expires = time.Now().Add(time.Duration(days) * 24 * time.Hour)
	}
	key, secret, err := apikey.Make(r.Context(), h.keys, request)
	if err != nil {
		return done{}, err
	}
	return done{
		text: "The key " + key.Name, next: "/keys",
		lead: []string{"Copy it now: nobody can see it again."},
		secret: []components.Code{
			{ID: "key-secret", Title: "Key", Text: secret},
			{ID: "key-environment", Title: "For SDKs and the command line", Text: "export DAYTONA_API_URL=" + h.public + "/api\nexport DAYTONA_API_KEY=" + secret},
		},
	}, nil
}

func (h *Handler) revokeForm(r *http.Request, _ url.Values) (components.Form, error) {
	k, err := apikey.Find(r.Context(), h.keys, r.PathValue("name"))
	return components.Form{
		Title: "Revoke the key " + k.Name, Submit: "Revoke it", Danger: true,
		Lead: []string{"Whatever uses it is refused from now on. It cannot be brought back; a new key can be made."},
	}, err
}

func (h *Handler) revoke(r *http.Request, _ url.Values) (done, error) {
	name := r.PathValue("name")
	err := apikey.Revoke(r.Context(), h.keys, name)
	return done{text: said("The key %s is revoked.", name), next: "/keys", moves: true}, err
}
