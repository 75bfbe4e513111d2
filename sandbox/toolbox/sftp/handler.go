// Package sftp serves a guest's files by the SFTP protocol, for the subsystem of
// that name of an SSH connection. The protocol itself is pkg/sftp's.
//
// Paths are as in package files: absolute, or relative to the guest's working
// folder, and what the guest's user may not touch is refused. Hard links are not
// made: guests have none.
package sftp

import (
	"net/http"

	"github.com/pkg/sftp"

	"sandpiper/sandbox/guest"
	"sandpiper/sandbox/toolbox/answer"
	"sandpiper/sandbox/toolbox/upgrade"
)

// Protocol is the name of the upgrade.
const Protocol = "sandpiper-sftp"

// Handler answers POST /sftp: after the upgrade the connection speaks SFTP.
// Callers must have been checked.
type Handler struct {
	guest guest.Guest
	conns upgrade.Group
}

// New returns a handler, which the caller must Close.
func New(g guest.Guest) *Handler { return &Handler{guest: g} }

// Register adds the handler's route.
func (h *Handler) Register(mux *http.ServeMux) { mux.Handle("POST /sftp", answer.Handler(h.serve)) }

// Close ends all connections and waits for their end.
func (h *Handler) Close() { h.conns.Close() }

func (h *Handler) serve(w http.ResponseWriter, r *http.Request) error {
	if err := upgrade.Check(r, Protocol); err != nil {
		return err
	}
	conn, err := upgrade.Accept(w, Protocol)
	if err != nil || !h.conns.Add(conn) {
		return nil // the caller is gone, or the toolbox is closing
	}
	defer h.conns.Done(conn)
	f := &files{guest: h.guest, fs: h.guest.FS(), dir: h.guest.Info().WorkDir}
	server := sftp.NewRequestServer(conn, sftp.Handlers{FileGet: f, FilePut: f, FileCmd: f, FileList: f}, sftp.WithStartDirectory(f.dir))
	_ = server.Serve() // it ends with the connection, in whatever way; what is open is closed
	return nil
}
