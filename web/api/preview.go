package api

import (
	"crypto/subtle"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"sandpiper/sandbox"
	"sandpiper/web/api/wire"
	"sandpiper/web/auth"
	"sandpiper/web/preview"
	"sandpiper/web/reply"
	"sandpiper/web/run/openapi"
)

func (h *Handler) previewRoutes() []route {
	logs := with(op("GET", one+"/build-logs", "getBuildLogs", "What the build of a sandbox's image wrote"), 200, nil, nil)
	logs.Answers[0].Content = []openapi.Content{{Media: "text/plain", Description: "Text."}}
	signed := with(op("GET", one+"/ports/{port}/signed-preview-url", "getSignedPortPreviewUrl", "An address of a port for whoever has it"), 200, nil, wire.SignedPortPreviewURL{})
	signed.Parameters = []openapi.Parameter{{Name: "expiresInSeconds", In: "query", Type: "integer", Description: "From 1 to 86400; 60 when left out."}}
	return []route{
		{signed, auth.WriteSandboxes, h.getSignedPreviewURL},
		{with(op("POST", one+"/ports/{port}/signed-preview-url/{token}/expire", "expireSignedPortPreviewUrl", "End a signed address before its time"), 200, nil, nil), auth.WriteSandboxes, h.postExpire},
		{with(op("GET", "/preview/{signedPreviewToken}/{port}/sandbox-id", "getSandboxIdFromSignedPreviewUrlToken", "The sandbox that a signed address lets into"), 200, nil, ""), "", h.getSignedSandbox},
		{with(op("GET", one+"/ports/{port}/preview-url", "getPortPreviewUrl", "Where a port of a sandbox answers"), 200, nil, wire.PortPreviewURL{}), auth.WriteSandboxes, h.getPreviewURL},
		{with(op("GET", "/sandbox/{sandboxId}/toolbox-proxy-url", "getToolboxProxyUrl", "Where toolboxes answer"), 200, nil, wire.URL{}), "", h.getToolboxURL},
		{logs, "", h.getBuildLogs},
		{with(op("GET", one+"/build-logs-url", "getBuildLogsUrl", "Where the build's output is read"), 200, nil, wire.URL{}), "", h.getBuildLogsURL},
		{with(op("GET", "/preview/{sandboxId}/public", "isSandboxPublic", "Whether previews need no credential"), 200, nil, false), "", h.getPublic},
		{with(op("GET", "/preview/{sandboxId}/access", "hasSandboxAccess", "Whether you may see previews"), 200, nil, false), "", h.getAccess},
		{with(op("GET", "/preview/{sandboxId}/preview-warning", "isPreviewWarningEnabled", "Whether a page warns before previews"), 200, nil, wire.PreviewWarning{}), "", h.getPreviewWarning},
		{with(op("GET", "/preview/{sandboxId}/signing-key", "getSigningKey", "The key that signs addresses of files"), 200, nil, ""), auth.WriteSandboxes, h.getSigningKey},
		{with(op("GET", "/preview/{sandboxId}/validate/{authToken}", "isValidAuthToken", "Whether a token is one of previews"), 200, nil, false), "", h.getValid},
	}
}

// getPreviewURL tells where a port answers. The toolbox is reached by a path,
// too, and programs that look names up by themselves may not know the host.
func (h *Handler) getPreviewURL(w http.ResponseWriter, r *http.Request) error {
	port, err := pathPort(r)
	if err != nil {
		return err
	}
	s, err := h.sandboxByID(r)
	if err != nil {
		return err
	}
	out := wire.PortPreviewURL{SandboxID: s.ID, Token: h.manager.PreviewToken(s), URL: h.site.URL(preview.Address{Port: port, Name: s.ID})}
	if port == sandbox.ToolboxPort {
		out.URL = toolboxURL(h.base(r)) + "/" + s.ID
	}
	return reply.JSON(w, http.StatusOK, out)
}

// pathPort reads the port of the path.
func pathPort(r *http.Request) (int, error) {
	port, err := strconv.Atoi(r.PathValue("port"))
	if err != nil || port < 1 || port > 65535 {
		return 0, sandbox.FieldErrorf("port", "port must be a number from 1 to 65535, not %.40q", r.PathValue("port"))
	}
	return port, nil
}

func (h *Handler) getSignedPreviewURL(w http.ResponseWriter, r *http.Request) error {
	port, err := pathPort(r)
	if err != nil {
		return err
	}
	life, err := linkLife(r.URL.Query().Get("expiresInSeconds"))
	if err != nil {
		return err
	}
	s, err := h.sandboxByID(r)
	if err != nil {
		return err
	}
	token, err := h.links.Sign(s, port, life)
	if err != nil {
		return err
	}
	return reply.JSON(w, http.StatusOK, wire.SignedPortPreviewURL{
		SandboxID: s.ID, Port: port, Token: token, URL: h.site.URL(preview.Address{Port: port, Name: token}),
	})
}

// linkLife reads how long a signed address is to be good.
func linkLife(text string) (time.Duration, error) {
	if text == "" {
		return preview.DefaultLife, nil
	}
	seconds, err := strconv.Atoi(text)
	if most := int(preview.MaxLife.Seconds()); err != nil || seconds < 1 || seconds > most {
		return 0, sandbox.FieldErrorf("expiresInSeconds", "expiresInSeconds must be a whole number from 1 to %d, not %.40q", most, text)
	}
	return time.Duration(seconds) * time.Second, nil
}

func (h *Handler) postExpire(w http.ResponseWriter, r *http.Request) error {
	port, err := pathPort(r)
	if err != nil {
		return err
	}
	s, err := h.sandboxByID(r)
	if err != nil {
		return err
	}
	if err := h.links.End(r.Context(), s, port, r.PathValue("token")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// getSignedSandbox is for proxies of users' own. That a token is not good says
// nothing of the caller's key, so it is not found.
func (h *Handler) getSignedSandbox(w http.ResponseWriter, r *http.Request) error {
	port, err := pathPort(r)
	if err != nil {
		return err
	}
	s, err := h.links.Open(r.Context(), r.PathValue("signedPreviewToken"), port)
	if err != nil && sandbox.KindOf(err) != sandbox.KindUnauthorized {
		return err
	}
	if err != nil || s.Organization != h.org.ID {
		return sandbox.Errorf(sandbox.KindNotFound, "no signed address of port %d has this token; it may have expired, or was ended", port)
	}
	return reply.JSON(w, http.StatusOK, s.ID)
}

func (h *Handler) getToolboxURL(w http.ResponseWriter, r *http.Request) error {
	if _, err := h.sandboxByID(r); err != nil {
		return err
	}
	return reply.JSON(w, http.StatusOK, wire.URL{URL: toolboxURL(h.base(r))})
}

// getBuildLogs has little to tell: images are taken as they are.
func (h *Handler) getBuildLogs(w http.ResponseWriter, r *http.Request) error {
	s, err := h.sandboxByID(r)
	if err != nil {
		return err
	}
	return plainText(w, fmt.Sprintf("Nothing was built: the sandbox starts from the snapshot %s.\n", s.Snapshot))
}

func (h *Handler) getBuildLogsURL(w http.ResponseWriter, r *http.Request) error {
	s, err := h.sandboxByID(r)
	if err != nil {
		return err
	}
	return reply.JSON(w, http.StatusOK, wire.URL{URL: h.base(r) + "/api/sandbox/" + url.PathEscape(s.ID) + "/build-logs"})
}

func plainText(w http.ResponseWriter, text string) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, err := w.Write([]byte(text))
	return err
}

func (h *Handler) getPublic(w http.ResponseWriter, r *http.Request) error {
	s, err := h.sandboxByID(r)
	if err != nil {
		return err
	}
	return reply.JSON(w, http.StatusOK, s.Public)
}

func (h *Handler) getAccess(w http.ResponseWriter, r *http.Request) error {
	if _, err := h.sandboxByID(r); err != nil {
		return err
	}
	return reply.JSON(w, http.StatusOK, true)
}

func (h *Handler) getPreviewWarning(w http.ResponseWriter, r *http.Request) error {
	if _, err := h.sandboxByID(r); err != nil {
		return err
	}
	return reply.JSON(w, http.StatusOK, wire.PreviewWarning{Enabled: h.warn})
}

func (h *Handler) getValid(w http.ResponseWriter, r *http.Request) error {
	s, err := h.sandboxByID(r)
	if err != nil {
		return err
	}
	good := subtle.ConstantTimeCompare([]byte(r.PathValue("authToken")), []byte(h.manager.PreviewToken(s))) == 1
	return reply.JSON(w, http.StatusOK, good)
}
