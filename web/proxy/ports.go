package proxy

import (
	"net/http"

	"sandpiper/sandbox"
	"sandpiper/web/reply"
)

// PortHandler serves a port of every sandbox that leads to a page of ours
// rather than to a server inside: sandbox.TerminalPort, sandbox.RecordingsPort.
//
// The request came to the port's preview host. Whoever sent it may use the
// sandbox s: it is a member of its organization or has its token; that a sandbox
// is public opens none of these ports. The path is as it was asked for. What is
// below ToolboxPath never reaches a PortHandler: it is led to the toolbox of s,
// so that a page needs no other origin than its own. Pages of ours share no
// origin with the app, and the handler sets its own Content-Security-Policy.
type PortHandler interface {
	ServePort(w http.ResponseWriter, r *http.Request, s sandbox.Sandbox)
}

// ToolboxPath is where the pages of a PortHandler find the toolbox of their
// sandbox: ToolboxPath + "process/pty" is the toolbox's /process/pty. WebSockets
// below it are for pages of the same origin only.
const ToolboxPath = "/.sandpiper/toolbox/"

// ServeToolbox leads a request to the toolbox of s. The path is the toolbox's
// own, escaped and with a slash at the beginning; the query is the request's.
// That the caller may use s must have been made sure of. The answer is as
// harmless as all that the toolbox says: it sets no cookie and runs nothing.
func (p *Proxy) ServeToolbox(w http.ResponseWriter, r *http.Request, s sandbox.Sandbox, path string) {
	reply.Handler(func(w http.ResponseWriter, r *http.Request) error {
		return p.serve(w, r, s, path)
	}).With(p.errors).ServeHTTP(w, r)
}
