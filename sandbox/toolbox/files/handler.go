// Package files serves the toolbox's operations on files over a guest's file
// system.
//
// Paths are absolute or relative to the guest's working folder; "~" is a name
// like any other. Links are followed as the guest's own system follows them,
// except where something is deleted or moved, which is done to the link itself,
// and where a folder is searched, which never leaves it through a link.
package files

import (
	"net/http"
	"time"

	"sandpiper/sandbox/guest"
	"sandpiper/sandbox/toolbox/answer"
)

// limits bound what one request may ask for. What does not fit is refused, or
// left out with the header of truncated.
type limits struct {
	entries      int           // that are looked at in folders
	matches      int           // that a search returns
	matchBytes   int           // of the lines that find returns
	searchTime   time.Duration // of find and search
	replaceBytes int64         // of a file in which text is replaced, before and after
	files        int           // of one multiple upload, download or replacement
	archiveBytes int64         // of the files in one archive
	idle         time.Duration // that a client may send or take nothing
}

var defaultLimits = limits{
	entries: 200_000, matches: 10_000, matchBytes: 8 << 20, searchTime: 30 * time.Second,
	replaceBytes: 64 << 20, files: 10_000, archiveBytes: 64 << 30, idle: 2 * time.Minute,
}

// truncated is the header that says that a search found more than it returns.
const truncated = "X-Truncated"

// Handler serves the operations. It is safe for concurrent use.
type Handler struct {
	fs      guest.FS
	workDir string
	limits  limits
	parts   partNames
}

// New returns the handler of a guest's files.
func New(g guest.Guest) *Handler {
	return &Handler{fs: g.FS(), workDir: g.Info().WorkDir, limits: defaultLimits}
}

// Register adds the routes of all operations to mux.
func (h *Handler) Register(mux *http.ServeMux) {
	for pattern, handler := range map[string]answer.Handler{
		"GET /files":                h.list,
		"DELETE /files":             h.remove,
		"GET /files/info":           h.info,
		"POST /files/folder":        h.makeFolder,
		"POST /files/move":          h.move,
		"POST /files/permissions":   h.setPermissions,
		"GET /files/find":           h.find,
		"GET /files/search":         h.search,
		"POST /files/replace":       h.replace,
		"GET /files/download":       h.download,
		"GET /files/archive":        h.archive,
		"POST /files/bulk-download": h.downloadMany,
		"POST /files/upload":        h.upload,
		"POST /files/upload-v2":     h.uploadV2,
		"POST /files/bulk-upload":   h.uploadMany,
	} {
		mux.Handle(pattern, handler)
	}
}
