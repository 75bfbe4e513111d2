package desktop

import (
	"net/http"
	"strings"

	"sandpiper/components"
	"sandpiper/sandbox"
	"sandpiper/web/page"
)

// toolboxPath is where the proxy leads requests of pages at preview addresses to
// the sandbox's toolbox: proxy.ToolboxPath, which this package does not import.
const toolboxPath = "/.sandpiper/toolbox/"

// files are what the page of recordings brings: built files by path.
var files = map[string]string{
	"/.sandpiper/app.css":       "app.css",
	"/.sandpiper/desktop.css":   "desktop.css",
	"/.sandpiper/recordings.js": "standalone/recordings.js",
}

// ServePort serves the page of a sandbox's recordings at its preview address. It
// implements proxy.PortHandler; who may see it was decided before.
func (h *Handler) ServePort(w http.ResponseWriter, r *http.Request, _ sandbox.Sandbox) {
	nonce := page.NewNonce()
	header := w.Header()
	header.Set("Content-Security-Policy", strings.Join([]string{
		"default-src 'none'", "script-src 'self' 'nonce-" + nonce + "'", "style-src 'self'", "connect-src 'self'", "media-src 'self'", "img-src data:",
		"frame-ancestors 'none'", "form-action 'none'", "base-uri 'none'",
	}, "; "))
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Robots-Tag", "noindex")
	switch name, file := files[r.URL.Path]; {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		header.Set("Allow", "GET, HEAD")
		http.Error(w, "this page takes GET only", http.StatusMethodNotAllowed)
	case file:
		h.assets.Stable(name).ServeHTTP(w, r)
	case r.URL.Path == "/":
		header.Set("Content-Type", "text/html; charset=utf-8")
		header.Set("Cache-Control", "no-store")
		err := components.RecordingsPage(components.RecordingsView{Nonce: nonce, Toolbox: toolboxPath}).Render(r.Context(), w)
		if err != nil {
			h.log.DebugContext(r.Context(), "write the page of recordings", "error", err)
		}
	default:
		http.Error(w, "there is nothing here; the recordings are at /", http.StatusNotFound)
	}
}
