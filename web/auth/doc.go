// Package auth says who a request is from: the owner of an API key, a signed-in
// browser, or an address. It issues browser sessions for one-time links and
// API keys, and limits how often an address may run programs on an open server.
//
// Secrets are random, stored and compared as SHA-256, and never logged.
package auth
