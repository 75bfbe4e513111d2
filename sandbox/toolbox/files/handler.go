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
	"sandpiper/sandbox/toolbox/toolboxtype"
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
	answer.Register(mux, h.routes())
}

// Routes describes all operations.
func Routes() []answer.Route { return new(Handler).routes() }

func (h *Handler) routes() []answer.Route {
	return []answer.Route{
		answer.Op("GET /files", h.list, "ListFiles", "List a folder").Knows("path", "depth integer").Gives(http.StatusOK, []toolboxtype.FileInfo{}),
		answer.Op("DELETE /files", h.remove, "DeleteFile", "Delete a file or a folder").Needs("path").Knows("recursive boolean").Gives(http.StatusNoContent, nil),
		answer.Op("GET /files/info", h.info, "GetFileInfo", "Describe a file").Needs("path").Gives(http.StatusOK, toolboxtype.FileInfo{}),
		answer.Op("POST /files/folder", h.makeFolder, "CreateFolder", "Make a folder").Needs("path").Knows("mode").Gives(http.StatusCreated, nil),
		answer.Op("POST /files/move", h.move, "MoveFile", "Move or rename a file").Needs("source", "destination"),
		answer.Op("POST /files/permissions", h.setPermissions, "SetFilePermissions", "Set the mode or the owner of a file").Needs("path").Knows("owner", "group", "mode"),
		answer.Op("GET /files/find", h.find, "FindInFiles", "Find lines with a text in files").Needs("path", "pattern").Gives(http.StatusOK, []toolboxtype.Match{}),
		answer.Op("GET /files/search", h.search, "SearchFiles", "Find files by their names").Needs("path", "pattern").Gives(http.StatusOK, toolboxtype.SearchFilesResponse{}),
		answer.Op("POST /files/replace", h.replace, "ReplaceInFiles", "Replace a text in files").Takes(toolboxtype.ReplaceRequest{}).Gives(http.StatusOK, []toolboxtype.ReplaceResult{}),
		answer.Op("GET /files/download", h.download, "DownloadFile", "Read a file").Needs("path").Sends("application/octet-stream"),
		answer.Op("GET /files/archive", h.archive, "ArchiveFolder", "Read a folder as an archive").Needs("path").Knows("format").Sends("application/octet-stream"),
		answer.Op("POST /files/bulk-download", h.downloadMany, "DownloadFiles", "Read several files").Takes(toolboxtype.FilesDownloadRequest{}).Sends("multipart/form-data"),
		answer.Op("POST /files/upload", h.upload, "UploadFileOld", "Write a file, as older clients do").Needs("path").TakesForm(toolboxtype.UploadForm{}),
		answer.Op("POST /files/upload-v2", h.uploadV2, "UploadFile", "Write a file").Needs("path").TakesForm(toolboxtype.UploadForm{}).Gives(http.StatusOK, toolboxtype.UploadedFile{}),
		answer.Op("POST /files/bulk-upload", h.uploadMany, "UploadFiles", "Write several files").TakesForm(toolboxtype.UploadManyForm{}),
	}
}
