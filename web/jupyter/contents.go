package jupyter

import (
	"net/http"
	"path"
	"strings"
	"time"

	"sandpiper/sandbox"
	"sandpiper/web/reply"
)

// contentsModel is a file or a folder on the wire.
type contentsModel struct {
	Name         string  `json:"name"`
	Path         string  `json:"path"`
	Type         string  `json:"type"`
	Created      string  `json:"created"`
	LastModified string  `json:"last_modified"`
	Writable     bool    `json:"writable"`
	Content      any     `json:"content"`
	Format       *string `json:"format"`
	MIMEType     *string `json:"mimetype"`
}

func newContents(at, kind string) contentsModel {
	now := stamp(time.Now())
	return contentsModel{Name: path.Base(at), Path: at, Type: kind, Created: now, LastModified: now}
}

// listContents shows the one folder that there is, which is empty.
func (h *Handler) listContents(w http.ResponseWriter, r *http.Request) error {
	if at := r.PathValue("path"); at != "" {
		return sandbox.Errorf(sandbox.KindNotFound, "there is no file %.80q: notebooks stay with the client, Sandpiper runs their cells", at)
	}
	root := newContents("", "directory")
	format := "json"
	root.Name, root.Content, root.Format = "", []contentsModel{}, &format
	return reply.JSON(w, http.StatusOK, root)
}

// newUntitled answers a name for a notebook.
func (h *Handler) newUntitled(w http.ResponseWriter, r *http.Request) error {
	var ask struct {
		Type     string `json:"type"`
		CopyFrom string `json:"copy_from"`
	}
	if r.ContentLength != 0 {
		if err := decode(w, r, &ask); err != nil {
			return err
		}
	}
	if ask.CopyFrom != "" || ask.Type != "" && ask.Type != "notebook" {
		return errNoContents
	}
	at := strings.TrimPrefix(path.Join("/", r.PathValue("path"), "Untitled-"+sandbox.NewID()+".ipynb"), "/")
	return reply.JSON(w, http.StatusCreated, newContents(at, "notebook"))
}

// renameContents answers the notebook of a newUntitled under its new name.
func (h *Handler) renameContents(w http.ResponseWriter, r *http.Request) error {
	var ask struct {
		Path string `json:"path"`
	}
	if err := decode(w, r, &ask); err != nil {
		return err
	}
	if ask.Path == "" || len(ask.Path) > maxPath {
		return sandbox.FieldErrorf("path", "path has 1 to %d bytes", maxPath)
	}
	return reply.JSON(w, http.StatusOK, newContents(strings.TrimPrefix(path.Clean("/"+ask.Path), "/"), "notebook"))
}

// deleteContents forgets the notebook of a newUntitled, of which nothing is known.
func (h *Handler) deleteContents(w http.ResponseWriter, _ *http.Request) error {
	w.WriteHeader(http.StatusNoContent)
	return nil
}

var errNoContents = sandbox.Errorf(sandbox.KindUnsupported, "Sandpiper runs the cells of notebooks and does not store them; save them where your client runs")

func (h *Handler) saveContents(http.ResponseWriter, *http.Request) error { return errNoContents }
