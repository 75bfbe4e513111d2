// Package api serves the control API under /api/: sandboxes, snapshots, warm
// pools, keys, and what clients of the Daytona API ask for besides. It turns
// requests into calls of the manager and the manager's answers into the shapes
// of package wire.
//
// # How is an operation added?
//
// Give it a line in the routes of its noun (routes of lifecycle.go and so on)
// with its method, path, id, permission and handler, and take it out of
// absent.go. The mux, the OpenAPI document and the table of make conformance
// are made of the same lines.
package api
