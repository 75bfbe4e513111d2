package api

import (
	"crypto/subtle"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"sandpiper/sandbox"
	"sandpiper/web/api/wire"
	"sandpiper/web/auth"
	"sandpiper/web/reply"
	"sandpiper/web/run/openapi"
)

func (h *Handler) previewRoutes() []route {
	logs := with(op("GET", one+"/build-logs", "getBuildLogs", "What the build of a sandbox's image wrote"), 200, nil, nil)
	logs.Answers[0].Content = []openapi.Content{{Media: "text/plain", Description: "Text."}}
	return []route{
		{with(op("GET", one+"/ports/{port}/preview-url", "getPortPreviewUrl", "Where a port of a sandbox answers"), 200, nil, wire.PortPreviewURL{}), auth.WriteSandboxes, h.getPreviewURL},
		{with(op("GET", "/sandbox/{sandboxId}/toolbox-proxy-url", "getToolboxProxyUrl", "Where toolboxes answer"), 200, nil, wire.URL{}), "", h.getToolboxURL},
		{logs, "", h.getBuildLogs},
		{with(op("GET", one+"/build-logs-url", "getBuildLogsUrl", "Where the build's output is read"), 200, nil, wire.URL{}), "", h.getBuildLogsURL},
		{with(op("GET", "/preview/{sandboxId}/public", "isSandboxPublic", "Whether previews need no credential"), 200, nil, false), "", h.getPublic},
		{with(op("GET", "/preview/{sandboxId}/access", "hasSandboxAccess", "Whether you may see previews"), 200, nil, false), "", h.getAccess},
		{with(op("GET", "/preview/{sandboxId}/preview-warning", "isPreviewWarningEnabled", "Whether a page warns before previews: none does"), 200, nil, wire.PreviewWarning{}), "", h.getPreviewWarning},
		{with(op("GET", "/preview/{sandboxId}/signing-key", "getSigningKey", "The key that signs addresses of files"), 200, nil, ""), auth.WriteSandboxes, h.getSigningKey},
		{with(op("GET", "/preview/{sandboxId}/validate/{authToken}", "isValidAuthToken", "Whether a token is one of previews"), 200, nil, false), "", h.getValid},
	}
}

// getPreviewURL tells where a port answers. Ports of users' own servers have no
// address until previews do: a link that does not work helps nobody. The
// terminal's leads to its page, which clients print whatever it says.
func (h *Handler) getPreviewURL(w http.ResponseWriter, r *http.Request) error {
	port, err := strconv.Atoi(r.PathValue("port"))
	if err != nil || port < 1 || port > 65535 {
		return sandbox.FieldErrorf("port", "port must be a number from 1 to 65535, not %.40q", r.PathValue("port"))
	}
	s, err := h.sandboxByID(r)
	if err != nil {
		return err
	}
	out := wire.PortPreviewURL{SandboxID: s.ID, Token: h.manager.PreviewToken(s)}
	switch port {
	case sandbox.ToolboxPort:
		out.URL = toolboxURL(h.base(r)) + "/" + s.ID
	case sandbox.TerminalPort:
		out.URL = h.base(r) + "/sandboxes/" + s.ID + "/terminal"
	default:
		return sandbox.Errorf(sandbox.KindUnsupported, "port %d has no preview: this version previews no ports but %d, the toolbox", port, sandbox.ToolboxPort)
	}
	return reply.JSON(w, http.StatusOK, out)
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
	return reply.JSON(w, http.StatusOK, wire.PreviewWarning{})
}

func (h *Handler) getValid(w http.ResponseWriter, r *http.Request) error {
	s, err := h.sandboxByID(r)
	if err != nil {
		return err
	}
	good := subtle.ConstantTimeCompare([]byte(r.PathValue("authToken")), []byte(h.manager.PreviewToken(s))) == 1
	return reply.JSON(w, http.StatusOK, good)
}
