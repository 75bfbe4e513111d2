package jupyter

import (
	"context"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"sandpiper/sandbox"
	"sandpiper/sandbox/kernels"
	"sandpiper/web/reply"
)

// maxPath bounds what a client calls a notebook, in bytes.
const maxPath = 1 << 10

// maxSessionName bounds the name that a session gets from its notebook, in
// characters: fewer than kernels.MaxName, which counts bytes.
const maxSessionName = kernels.MaxName / utf8.UTFMax

// notebook is what Jupyter calls a session: a document of the client and the
// kernel that it uses.
type notebook struct {
	id, path, name, kind string

	session string // the kernel's
}

// notebooks are those that clients have told of since the server started. A
// kernel that no client has told of has a notebook of its own name.
type notebooks struct {
	mu   sync.Mutex
	byID map[string]notebook
}

func newNotebooks() *notebooks { return &notebooks{byID: map[string]notebook{}} }

// of returns the notebooks of sessions, in order of their ids.
func (n *notebooks) of(sessions []kernels.Session) []notebook {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := []notebook{}
	for _, s := range sessions {
		known := false
		for _, it := range n.byID {
			if it.session == s.ID {
				all, known = append(all, it), true
			}
		}
		if !known {
			id := kernelID(s.ID)
			name := s.Name
			if name == "" {
				name = id
			}
			all = append(all, notebook{id: id, path: name, name: name, kind: "notebook", session: s.ID})
		}
	}
	slices.SortFunc(all, func(a, b notebook) int { return strings.Compare(a.id, b.id) })
	return all
}

func (n *notebooks) put(it notebook) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.byID[it.id] = it
}

// forget takes away the notebooks of a session that has been deleted.
func (n *notebooks) forget(session string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	maps.DeleteFunc(n.byID, func(_ string, it notebook) bool { return it.session == session })
}

// notebookModel is a notebook on the wire.
type notebookModel struct {
	ID       string       `json:"id"`
	Path     string       `json:"path"`
	Name     string       `json:"name"`
	Type     string       `json:"type"`
	Kernel   kernelModel  `json:"kernel"`
	Notebook notebookPath `json:"notebook"`
}

// notebookPath is for older clients.
type notebookPath struct {
	Path string `json:"path"`
	Name string `json:"name"`
}

func (h *Handler) modelOf(it notebook, sessions []kernels.Session) notebookModel {
	m := notebookModel{ID: it.id, Path: it.path, Name: it.name, Type: it.kind, Notebook: notebookPath{it.path, it.name}}
	for _, s := range sessions {
		if s.ID == it.session {
			m.Kernel, _ = h.kernels.model(s)
		}
	}
	return m
}

// notebookRequest asks for a notebook, or to change one.
type notebookRequest struct {
	Path   *string `json:"path"`
	Name   *string `json:"name"`
	Type   *string `json:"type"`
	Kernel *struct {
		ID   *string `json:"id"`
		Name *string `json:"name"`
	} `json:"kernel"`
	Notebook *struct { // of older clients
		Path *string `json:"path"`
	} `json:"notebook"`
}

// decodeNotebook reads a request for a notebook.
func decodeNotebook(w http.ResponseWriter, r *http.Request) (notebookRequest, error) {
	var ask notebookRequest
	if err := decode(w, r, &ask); err != nil {
		return ask, err
	}
	if ask.Path == nil && ask.Notebook != nil {
		ask.Path = ask.Notebook.Path
	}
	for field, value := range map[string]*string{"path": ask.Path, "name": ask.Name, "type": ask.Type} {
		if value != nil && len(*value) > maxPath {
			return ask, sandbox.FieldErrorf(field, "%s has at most %d bytes", field, maxPath)
		}
	}
	return ask, nil
}

// change applies what a request says of the document.
func (q notebookRequest) change(it *notebook) {
	for field, value := range map[*string]*string{&it.path: q.Path, &it.name: q.Name, &it.kind: q.Type} {
		if value != nil {
			*field = *value
		}
	}
}

// find returns the notebook with an id, and all of the owner's sessions.
func (h *Handler) find(ctx context.Context, id string) (notebook, []kernels.Session, error) {
	sessions := h.keeper.List(owner(ctx))
	for _, it := range h.notebooks.of(sessions) {
		if it.id == id {
			return it, sessions, nil
		}
	}
	return notebook{}, nil, sandbox.Errorf(sandbox.KindNotFound, "there is no session %.60q", id)
}

func (h *Handler) listNotebooks(w http.ResponseWriter, r *http.Request) error {
	sessions := h.keeper.List(owner(r.Context()))
	models := []notebookModel{}
	for _, it := range h.notebooks.of(sessions) {
		models = append(models, h.modelOf(it, sessions))
	}
	return reply.JSON(w, http.StatusOK, models)
}

func (h *Handler) getNotebook(w http.ResponseWriter, r *http.Request) error {
	it, sessions, err := h.find(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return reply.JSON(w, http.StatusOK, h.modelOf(it, sessions))
}

// openNotebook answers the notebook of a path with its kernel; it starts one for
// a path that is new.
func (h *Handler) openNotebook(w http.ResponseWriter, r *http.Request) error {
	ask, err := decodeNotebook(w, r)
	if err != nil {
		return err
	}
	if ask.Path == nil || *ask.Path == "" {
		return sandbox.FieldErrorf("path", "a session needs the path of its notebook")
	}
	ctx := r.Context()
	sessions := h.keeper.List(owner(ctx))
	all := h.notebooks.of(sessions)
	if i := slices.IndexFunc(all, func(it notebook) bool { return it.path == *ask.Path }); i >= 0 {
		return h.answerNotebook(w, all[i], sessions)
	}
	s, err := h.kernelFor(ctx, ask, *ask.Path)
	if err != nil {
		return err
	}
	it := notebook{id: sandbox.NewUUID(), kind: "notebook", session: s.ID}
	ask.change(&it)
	h.notebooks.put(it)
	return h.answerNotebook(w, it, []kernels.Session{s})
}

func (h *Handler) answerNotebook(w http.ResponseWriter, it notebook, sessions []kernels.Session) error {
	w.Header().Set("Location", "/jupyter/api/sessions/"+it.id)
	return reply.JSON(w, http.StatusCreated, h.modelOf(it, sessions))
}

// kernelFor returns the kernel that a request asks for, by its id or by the name
// of its kind.
func (h *Handler) kernelFor(ctx context.Context, ask notebookRequest, path string) (kernels.Session, error) {
	kind := startRequest{Path: path}
	if ask.Kernel != nil && ask.Kernel.ID != nil && *ask.Kernel.ID != "" {
		return h.byKernel(ctx, *ask.Kernel.ID)
	}
	if ask.Kernel != nil && ask.Kernel.Name != nil {
		kind.Name = *ask.Kernel.Name
	}
	return h.start(ctx, kind)
}

func (h *Handler) changeNotebook(w http.ResponseWriter, r *http.Request) error {
	ask, err := decodeNotebook(w, r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	it, sessions, err := h.find(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	before := it
	ask.change(&it)
	if ask.Kernel != nil {
		s, err := h.kernelFor(ctx, ask, it.path)
		if err != nil {
			return err
		}
		it.session, sessions = s.ID, append(sessions, s)
	}
	h.notebooks.put(it)
	if it.session != before.session {
		err = h.release(ctx, before.session, sessions)
	} else if it.path != before.path {
		_, err = h.keeper.Rename(ctx, owner(ctx), it.session, sessionName(it.path))
	}
	if err != nil {
		return err
	}
	return reply.JSON(w, http.StatusOK, h.modelOf(it, sessions))
}

// release deletes a session that was a notebook's, unless another notebook uses it.
func (h *Handler) release(ctx context.Context, id string, sessions []kernels.Session) error {
	i := slices.IndexFunc(sessions, func(s kernels.Session) bool { return s.ID == id })
	if i < 0 || h.notebooks.use(id) {
		return nil
	}
	return h.delete(ctx, sessions[i])
}

// use reports whether a client has told of a notebook with a session.
func (n *notebooks) use(session string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, it := range n.byID {
		if it.session == session {
			return true
		}
	}
	return false
}

func (h *Handler) closeNotebook(w http.ResponseWriter, r *http.Request) error {
	it, sessions, err := h.find(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	i := slices.IndexFunc(sessions, func(s kernels.Session) bool { return s.ID == it.session })
	if err := h.delete(r.Context(), sessions[i]); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// sessionName is the name of a session whose notebook has a path.
func sessionName(p string) string {
	if p == "" {
		return ""
	}
	name := []rune(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, path.Base(p)))
	return string(name[:min(len(name), maxSessionName)])
}
