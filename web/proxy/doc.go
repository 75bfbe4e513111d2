// Package proxy leads requests to what listens inside sandboxes. Of the ports
// it serves the toolbox's, below /toolbox/ and where older clients look for it.
//
// What answers is in the hands of whoever uses the sandbox, so nothing of it
// counts as ours: it sees no credential of the caller, sets no cookie, sends
// nobody elsewhere, and what it sends cannot run as a page of this server.
package proxy
