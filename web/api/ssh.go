package api

import (
	"cmp"
	"context"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/sshaccess"
	"sandpiper/web/api/wire"
	"sandpiper/web/auth"
	"sandpiper/web/reply"
	"sandpiper/web/run/openapi"
)

// SSH gives out the tokens by which sandboxes are reached over SSH.
type SSH interface {
	Create(ctx context.Context, org, idOrName string, ttl time.Duration) (a sandbox.SSHAccess, token string, err error)
	Revoke(ctx context.Context, org, idOrName, token string) (sandbox.Sandbox, error)
	Validate(ctx context.Context, org, token string) (sandbox.Sandbox, error)
}

var _ SSH = (*sshaccess.Desk)(nil)

func (h *Handler) sshRoutes() []route {
	create := with(op("POST", one+"/ssh-access", "createSshAccess", "Make a token that opens a sandbox by SSH"), 200, nil, wire.SSHAccess{})
	create.Description = "The token is the user name: ssh TOKEN@host. Connections end when it expires."
	create.Parameters = []openapi.Parameter{{Name: "expiresInMinutes", In: "query", Type: "number", Description: "60 when left out."}}
	revoke := with(op("DELETE", one+"/ssh-access", "revokeSshAccess", "Make tokens for SSH invalid and end their connections"), 200, nil, wire.Sandbox{})
	revoke.Parameters = []openapi.Parameter{{Name: "token", In: "query", Type: "string", Description: "All of the sandbox when left out."}}
	validate := with(op("GET", "/sandbox/ssh-access/validate", "validateSshAccess", "Whether a token opens a sandbox by SSH"), 200, nil, wire.SSHAccessValidation{})
	validate.Parameters = []openapi.Parameter{{Name: "token", In: "query", Type: "string"}}
	return []route{
		{create, auth.WriteSandboxes, h.postSSHAccess},
		{revoke, auth.WriteSandboxes, h.deleteSSHAccess},
		{validate, "", h.getSSHAccess},
	}
}

// errNoSSH is the answer of a server that was started without SSH.
var errNoSSH = sandbox.Errorf(sandbox.KindUnsupported, "SSH is off on this server: start it without --ssh-listen=off, or use a PTY of the toolbox")

func (h *Handler) postSSHAccess(w http.ResponseWriter, r *http.Request) error {
	if h.ssh == nil {
		return errNoSSH
	}
	ttl := sshaccess.DefaultTTL
	if text := r.URL.Query().Get("expiresInMinutes"); text != "" {
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || !(n > 0 && n <= sshaccess.MaxTTL.Minutes()) {
			return sandbox.FieldErrorf("expiresInMinutes", "expiresInMinutes must be a number above 0 and at most %d, not %.40q", int(sshaccess.MaxTTL.Minutes()), text)
		}
		ttl = time.Duration(n * float64(time.Minute))
	}
	a, token, err := h.ssh.Create(r.Context(), h.org.ID, r.PathValue("sandboxIdOrName"), ttl)
	if err != nil {
		return err
	}
	return reply.JSON(w, http.StatusOK, wire.SSHAccess{
		ID: a.ID, SandboxID: a.Sandbox, Token: token, SSHCommand: h.sshCommand(r, token),
		ExpiresAt: stamp(a.ExpiresAt), CreatedAt: stamp(a.CreatedAt), UpdatedAt: stamp(a.CreatedAt),
	})
}

func (h *Handler) deleteSSHAccess(w http.ResponseWriter, r *http.Request) error {
	if h.ssh == nil {
		return errNoSSH
	}
	return h.answer(w, r)(h.ssh.Revoke(r.Context(), h.org.ID, r.PathValue("sandboxIdOrName"), r.URL.Query().Get("token")))
}

func (h *Handler) getSSHAccess(w http.ResponseWriter, r *http.Request) error {
	if h.ssh == nil {
		return errNoSSH
	}
	token := r.URL.Query().Get("token")
	if token == "" {
		return sandbox.FieldErrorf("token", "token is required")
	}
	s, err := h.ssh.Validate(r.Context(), h.org.ID, token)
	if err != nil && sandbox.KindOf(err) != sandbox.KindNotFound {
		return err
	}
	return reply.JSON(w, http.StatusOK, wire.SSHAccessValidation{Valid: err == nil, SandboxID: s.ID})
}

// sshCommand is the command line that opens a sandbox with a token.
func (h *Handler) sshCommand(r *http.Request, token string) string {
	host, port, err := net.SplitHostPort(h.sshHost)
	if err != nil {
		return ""
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = cmp.Or(hostOf(h.base(r)), "localhost")
	}
	if port == "22" {
		return "ssh " + token + "@" + host
	}
	return "ssh -p " + port + " " + token + "@" + host
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}
