package toolbox

import (
	"context"
	"errors"
	"net/http"
	"syscall"
	"time"

	"sandpiper/sandbox/toolbox/answer"
	"sandpiper/sandbox/toolbox/upgrade"
)

// dialTime is how long a server in the sandbox may take to accept a connection.
const dialTime = 10 * time.Second

// tunnel connects the caller to a port of the sandbox: after an upgrade to
// "tcp", what either side sends reaches the other as it is.
func (t *Toolbox) tunnel(w http.ResponseWriter, r *http.Request) error {
	port, err := parsePort(r.FormValue("port"))
	if err != nil {
		return err
	}
	if err := upgrade.Check(r, upgrade.TCP); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), dialTime)
	defer cancel()
	server, err := t.guest.DialPort(ctx, port)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return answer.Errorf(http.StatusNotImplemented, "INTERNAL_SERVER_ERROR", "this sandbox has no sockets")
	case errors.Is(err, syscall.ECONNREFUSED):
		return answer.Errorf(http.StatusNotFound, "NOT_FOUND", "nothing listens on port %d", port)
	case err != nil:
		return &answer.Error{Status: http.StatusGatewayTimeout, Code: "REQUEST_TIMEOUT", Message: "the server on that port does not accept connections", Err: err}
	}
	defer server.Close()
	conn, err := upgrade.Accept(w, upgrade.TCP)
	if err != nil || !t.tunnels.Add(conn) {
		return nil // the caller is gone, or the toolbox is closing
	}
	defer t.tunnels.Done(conn)
	upgrade.Join(conn, server)
	return nil
}
