package process

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"sandpiper/sandbox/guest"
	"sandpiper/sandbox/session"
	"sandpiper/sandbox/toolbox/answer"
	"sandpiper/sandbox/toolbox/toolboxtype"
)

// The sizes of terminals, in characters.
const (
	defaultCols = 80
	defaultRows = 24
	maxSize     = 1000
)

// envProtocol begins the subprotocol in which clients hand over variables as
// base64url of a JSON object.
const envProtocol = "X-Daytona-Pty-Envs~"

func (h *Handler) listPTYs(w http.ResponseWriter, r *http.Request) error {
	list := toolboxtype.PtyListResponse{Sessions: []toolboxtype.PtySessionInfo{}}
	for _, p := range h.sessions.PTYs() {
		list.Sessions = append(list.Sessions, wirePTY(p))
	}
	return answer.JSON(w, http.StatusOK, list)
}

func (h *Handler) createPTY(w http.ResponseWriter, r *http.Request) error {
	var q toolboxtype.PtyCreateRequest
	if err := answer.Decode(w, r, &q); err != nil {
		return err
	}
	p, err := h.newPTY(q)
	if err != nil {
		return err
	}
	return answer.JSON(w, http.StatusCreated, toolboxtype.PtyCreateResponse{SessionID: p.ID})
}

// newPTY checks a request and makes the terminal that it asks for.
func (h *Handler) newPTY(q toolboxtype.PtyCreateRequest) (*session.PTY, error) {
	if q.ID == "" {
		q.ID = uuid.NewString()
	}
	size, err := ptySize(q.Cols, q.Rows)
	if err != nil {
		return nil, err
	}
	dir, err := h.folder(q.Cwd)
	if err != nil {
		return nil, err
	}
	if err := checkEnv(q.Envs); err != nil {
		return nil, err
	}
	p, err := h.sessions.CreatePTY(session.PTYConfig{ID: q.ID, Dir: dir, Env: q.Envs, Size: size, Lazy: q.LazyStart})
	if err != nil {
		return nil, problem(err)
	}
	return p, nil
}

// ptySize checks a size; what is not given, or 0, is the default.
func ptySize(cols, rows *int) (guest.WinSize, error) {
	size := guest.WinSize{Cols: defaultCols, Rows: defaultRows}
	for _, side := range []struct {
		name  string
		value *int
		to    *uint16
	}{{"cols", cols, &size.Cols}, {"rows", rows, &size.Rows}} {
		if side.value == nil || *side.value == 0 {
			continue
		}
		if *side.value < 1 || *side.value > maxSize {
			return size, answer.BadRequest("%s must be from 1 to %d, not %d", side.name, maxSize, *side.value)
		}
		*side.to = uint16(*side.value)
	}
	return size, nil
}

func (h *Handler) pty(w http.ResponseWriter, r *http.Request) error {
	p, err := h.sessions.PTY(r.PathValue("sessionId"))
	if err != nil {
		return problem(err)
	}
	return answer.JSON(w, http.StatusOK, wirePTY(p))
}

func (h *Handler) deletePTY(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("sessionId")
	if err := h.sessions.DeletePTY(id); err != nil {
		return problem(err)
	}
	return answer.JSON(w, http.StatusOK, map[string]string{"message": "terminal " + id + " is deleted"})
}

func (h *Handler) resizePTY(w http.ResponseWriter, r *http.Request) error {
	var q toolboxtype.PtyResizeRequest
	if err := answer.Decode(w, r, &q); err != nil {
		return err
	}
	if q.Cols == 0 || q.Rows == 0 {
		return answer.BadRequest("cols and rows must be from 1 to %d", maxSize)
	}
	size, err := ptySize(&q.Cols, &q.Rows)
	if err != nil {
		return err
	}
	p, err := h.sessions.PTY(r.PathValue("sessionId"))
	if err != nil {
		return problem(err)
	}
	if err := p.Resize(size); err != nil {
		return problem(err)
	}
	return answer.JSON(w, http.StatusOK, wirePTY(p))
}

// ptyFromQuery reads the request that is made together with its connection.
func ptyFromQuery(r *http.Request) (q toolboxtype.PtyCreateRequest, err error) {
	q = toolboxtype.PtyCreateRequest{ID: r.FormValue("id"), Cwd: r.FormValue("cwd"), LazyStart: true}
	for name, to := range map[string]**int{"cols": &q.Cols, "rows": &q.Rows} {
		if text := r.FormValue(name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil {
				return q, answer.BadRequest("%s must be a number, not %q", name, text)
			}
			*to = &n
		}
	}
	for _, p := range protocols(r) {
		encoded, ok := strings.CutPrefix(p, envProtocol)
		if !ok {
			continue
		}
		data, err := base64.RawURLEncoding.DecodeString(encoded)
		if err == nil {
			err = json.Unmarshal(data, &q.Envs)
		}
		if err != nil {
			return q, answer.BadRequest("the variables in the subprotocol are not base64url of a JSON object of strings")
		}
	}
	return q, nil
}

func wirePTY(p *session.PTY) toolboxtype.PtySessionInfo {
	size := p.WinSize()
	envs := p.Env
	if envs == nil {
		envs = map[string]string{}
	}
	return toolboxtype.PtySessionInfo{
		ID: p.ID, Cwd: p.Dir, Envs: envs, Cols: int(size.Cols), Rows: int(size.Rows),
		CreatedAt: p.CreatedAt.UTC(), Active: p.Active(), LazyStart: p.Lazy,
	}
}
