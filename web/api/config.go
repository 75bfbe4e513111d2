package api

import (
	"net/http"

	"sandpiper/sandbox"
	"sandpiper/web/api/wire"
	"sandpiper/web/reply"
	"sandpiper/web/run/openapi"
)

// The user that everybody with a key or a session is, until there are accounts.
// Its ID is that of the organization's owner.
const (
	userName  = "admin"
	userEmail = "admin@localhost"
)

// op describes an operation of the API.
func op(method, path, id, summary string) openapi.Operation {
	return openapi.Operation{Method: method, Path: "/api" + path, ID: id, Summary: summary}
}

// public is op for an operation that needs no credential.
func public(method, path, id, summary string) openapi.Operation {
	o := op(method, path, id, summary)
	o.Public = true
	return o
}

// with adds the body of the request and gives the body of the answer.
func with(o openapi.Operation, status int, body, answer any) openapi.Operation {
	if body != nil {
		o.Body = &openapi.Content{Value: body, Open: true}
	}
	a := openapi.Answer{Status: status}
	if answer != nil {
		a.Content = []openapi.Content{{Value: answer}}
	}
	o.Answers = append(o.Answers, a)
	return o
}

func (h *Handler) configRoutes() []route {
	return []route{
		{with(public("GET", "/config", "ConfigController_getConfig", "What clients must know of this server"), 200, nil, wire.Configuration{}), "", h.getConfig},
		{with(public("GET", "/health/ready", "HealthController_check", "Whether the server takes work"), 200, nil, wire.Readiness{}), "", h.getReady},
		{with(op("GET", "/users/me", "getAuthenticatedUser", "Who you are"), 200, nil, wire.User{}), "", h.getUser},
		{with(op("GET", "/users/account-providers", "getAvailableAccountProviders", "Other accounts that can be linked: none"), 200, nil, []wire.UserPublicKey{}), "", emptyList},
		{with(op("GET", "/users/me/pending-sso-links", "listPendingSsoLinks", "Accounts that wait to be linked: none"), 200, nil, []wire.UserPublicKey{}), "", emptyList},
	}
}

func (h *Handler) getConfig(w http.ResponseWriter, r *http.Request) error {
	base := h.base(r)
	w.Header().Set("Cache-Control", "no-store")
	return reply.JSON(w, http.StatusOK, wire.Configuration{
		Version:                h.version,
		Announcements:          map[string]wire.Announcement{},
		ProxyTemplateURL:       h.site.Template(),
		ProxyToolboxURL:        toolboxURL(base),
		DefaultSnapshot:        h.manager.DefaultSnapshot(),
		DashboardURL:           base,
		MaxAutoArchiveInterval: minutes(sandbox.MaxAutoArchive),
		Environment:            "self-hosted",
		SSHGatewayCommand:      h.sshCommand(r, "{{TOKEN}}"),
	})
}

func (h *Handler) getReady(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Cache-Control", "no-store")
	part, status := wire.Health{Status: "up"}, http.StatusOK
	out := wire.Readiness{Status: "ok", Info: map[string]wire.Health{}, Error: map[string]wire.Health{}}
	if err := h.ready(); err != nil {
		part, status = wire.Health{Status: "down", Message: reply.Public(err).Message}, http.StatusServiceUnavailable
		out.Status = "error"
		out.Error["server"] = part
	} else {
		out.Info["server"] = part
	}
	out.Details = map[string]wire.Health{"server": part}
	return reply.JSON(w, status, out)
}

func (h *Handler) getUser(w http.ResponseWriter, _ *http.Request) error {
	return reply.JSON(w, http.StatusOK, wire.User{
		ID: h.org.Owner, Name: userName, Email: userEmail, EmailVerified: true,
		PublicKeys: []wire.UserPublicKey{}, CreatedAt: stampOr(h.org.Created),
	})
}

// emptyList answers for what this server never has any of.
func emptyList(w http.ResponseWriter, _ *http.Request) error {
	return reply.JSON(w, http.StatusOK, []struct{}{})
}
