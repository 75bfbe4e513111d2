package files

import (
	"errors"
	"io/fs"
	"net/http"
	"path"
	"syscall"

	"sandpiper/sandbox/toolbox/answer"
)

// makeFolder makes a folder and its parents. One that is there already is left
// as it is.
func (h *Handler) makeFolder(w http.ResponseWriter, r *http.Request) error {
	dir, err := h.resolveQuery(r, "path")
	if err != nil {
		return err
	}
	mode, err := parseMode(or(r.URL.Query().Get("mode"), "0755"))
	if err != nil {
		return err
	}
	if err := h.folder(dir, mode); err != nil {
		return err
	}
	w.WriteHeader(http.StatusCreated)
	return nil
}

func (h *Handler) folder(dir string, mode fs.FileMode) error {
	info, err := h.fs.Stat(dir)
	switch {
	case err == nil && info.IsDir():
		return nil
	case err == nil:
		return answer.Errorf(http.StatusConflict, "CONFLICT", "%s is there already, and is a file", dir)
	}
	made, err := h.makeParents(path.Dir(dir))
	if err == nil {
		err = h.fs.Mkdir(dir, mode.Perm())
	}
	if err == nil {
		err = h.chmod(dir, mode) // whatever the umask took away
	}
	if err != nil {
		h.unmake(made)
	}
	return answer.FileError(dir, err)
}

// chmod sets a mode, where the guest has any.
func (h *Handler) chmod(name string, mode fs.FileMode) error {
	info, err := h.fs.Stat(name)
	if err != nil || info.Mode()&permissions == mode {
		return err
	}
	if err := h.fs.Chmod(name, mode); !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}

// makeParents makes dir and the folders above it that are missing, and returns
// those that it made, the deepest last.
func (h *Handler) makeParents(dir string) (made []string, err error) {
	if info, err := h.fs.Stat(dir); err == nil {
		if !info.IsDir() {
			return nil, &fs.PathError{Op: "mkdir", Path: dir, Err: syscall.ENOTDIR}
		}
		return nil, nil
	}
	if dir != "/" {
		if made, err = h.makeParents(path.Dir(dir)); err != nil {
			return made, err
		}
	}
	switch err := h.fs.Mkdir(dir, 0o755); {
	case err == nil:
		return append(made, dir), nil
	case errors.Is(err, fs.ErrExist): // another request was faster
		return made, nil
	default:
		return made, err
	}
}

// unmake removes folders that makeParents made, where they are still empty.
func (h *Handler) unmake(made []string) {
	for i := len(made) - 1; i >= 0; i-- {
		_ = h.fs.Remove(made[i])
	}
}

// remove deletes a file, a link or, when asked to, a folder with all in it.
func (h *Handler) remove(w http.ResponseWriter, r *http.Request) error {
	name, err := h.resolveQuery(r, "path")
	if err != nil {
		return err
	}
	recursive, err := parseBool(r.URL.Query().Get("recursive"))
	if err != nil {
		return err
	}
	info, err := h.fs.Lstat(name)
	switch {
	case err != nil:
		return answer.FileError(name, err)
	case name == "/":
		return answer.BadRequest("the root folder cannot be deleted")
	case info.IsDir() && !recursive:
		return answer.BadRequest("%s is a folder; set recursive=true to delete it with all that is in it", name)
	case info.IsDir():
		err = h.fs.RemoveAll(name)
	default:
		err = h.fs.Remove(name)
	}
	if err != nil {
		return answer.FileError(name, err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func parseBool(s string) (bool, error) {
	switch s {
	case "", "false", "False", "0":
		return false, nil
	case "true", "True", "1":
		return true, nil
	}
	return false, answer.BadRequest("recursive must be true or false, not %.40q", s)
}

// setPermissions sets a file's mode, owner and group, those that are given.
func (h *Handler) setPermissions(w http.ResponseWriter, r *http.Request) error {
	name, err := h.resolveQuery(r, "path")
	if err != nil {
		return err
	}
	q := r.URL.Query()
	owner, group, modeText := q.Get("owner"), q.Get("group"), q.Get("mode")
	if owner == "" && group == "" && modeText == "" {
		return answer.BadRequest("say what to set: mode, owner or group")
	}
	var mode fs.FileMode
	if modeText != "" {
		if mode, err = parseMode(modeText); err != nil {
			return err
		}
	}
	if owner != "" || group != "" {
		if err := h.chown(name, owner, group); err != nil {
			return err
		}
	}
	if modeText != "" { // after chown, which clears special bits
		if err := h.fs.Chmod(name, mode); err != nil {
			return answer.FileError(name, err)
		}
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

func (h *Handler) chown(name, owner, group string) error {
	err := h.fs.Chown(name, owner, group)
	if errors.Is(err, fs.ErrInvalid) {
		return answer.BadRequest("the sandbox has no such owner or group: %.100q, %.100q", owner, group)
	}
	return answer.FileError(name, err)
}
