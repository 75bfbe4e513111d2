package toolbox

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"syscall"

	"sandpiper/sandbox/guest"
	"sandpiper/sandbox/toolbox/answer"
	"sandpiper/sandbox/toolbox/reverse"
	"sandpiper/sandbox/toolbox/sftp"
	"sandpiper/sandbox/toolbox/upgrade"
)

// remote is the parts that only SSH needs: files by SFTP, ports that are
// forwarded out of the sandbox, and its unix sockets.
type remote struct {
	sftp    *sftp.Handler
	reverse *reverse.Handler
	bare    guest.Guest // with the powers that it has besides
	sockets upgrade.Group
}

func newRemote(live *liveGuest, bare guest.Guest) *remote {
	return &remote{sftp: sftp.New(live), reverse: reverse.New(bare), bare: bare}
}

func (m *remote) register(mux *http.ServeMux) {
	m.sftp.Register(mux)
	m.reverse.Register(mux)
	mux.Handle("GET /unix", answer.Handler(m.socket))
}

func (m *remote) close() {
	m.sftp.Close()
	m.reverse.Close()
	m.sockets.Close()
}

// socket is tunnel for a unix socket.
func (m *remote) socket(w http.ResponseWriter, r *http.Request) error {
	name := r.FormValue("path")
	if len(name) > answer.MaxPath {
		return answer.BadRequest("a path may have %d bytes at most", answer.MaxPath)
	}
	if err := upgrade.Check(r, upgrade.TCP); err != nil {
		return err
	}
	dialer, ok := m.bare.(guest.SocketDialer)
	if !ok {
		return answer.Errorf(http.StatusNotImplemented, "INTERNAL_SERVER_ERROR", "this sandbox has no sockets")
	}
	ctx, cancel := context.WithTimeout(r.Context(), dialTime)
	defer cancel()
	inside, err := dialer.DialSocket(ctx, name)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return answer.Errorf(http.StatusForbidden, "FORBIDDEN", "access to the socket %.200q is denied", name)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.EINVAL):
		return answer.Errorf(http.StatusNotFound, "NOT_FOUND", "nothing listens on the socket %.200q", name)
	case err != nil:
		return &answer.Error{Status: http.StatusGatewayTimeout, Code: "REQUEST_TIMEOUT", Message: "what listens on that socket does not accept connections", Err: err}
	}
	defer inside.Close()
	conn, err := upgrade.Accept(w, upgrade.TCP)
	if err != nil || !m.sockets.Add(conn) {
		return nil // the caller is gone, or the toolbox is closing
	}
	defer m.sockets.Done(conn)
	upgrade.Join(conn, inside)
	return nil
}
