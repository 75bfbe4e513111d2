// Package sessions is the native API of sessions: interpreters that keep their state
// from one cell to the next, below /v1/sessions.
//
// A cell is answered as POST /v1/run answers a run: with one JSON document, or with
// Server-Sent Events or lines of JSON as the Accept header likes it. The last event,
// exit, has the fields of that document. Unlike a run, a cell goes on when its client
// has gone: GET /v1/sessions/{id}/last finds it.
//
// Everybody who signed in sees the same sessions, as they see the same sandboxes. On
// a server that is open to everyone, a visitor's sessions are those made from the same
// address: who knows a session's id, which nobody can guess, may use it from there.
// Visitors have fewer sessions, which are kept for a shorter time, and no list of them.
//
// # The WebSocket /v1/sessions/{id}/connect
//
// The client sends text messages at any time (see apitype.SessionMessage):
//
//	{"type":"execute","id":"1","code":"…"}  executes a cell
//	{"type":"follow","id":"2"}              the events of the cell that runs, or of the last one, from its start
//	{"type":"stdin","data":"…"}             input for the cell that runs; {"type":"end"} ends it
//	{"type":"interrupt"}                    interrupts the cell that runs
//
// The server sends the events of each cell, objects with the type and the client's id
// among their fields: start, stdout, stderr, display, status, and exit with all of the
// result. {"type":"input","id":"1"} says that the cell waits for input. What could not
// be obeyed is answered with {"type":"error","id":…,"error":…}. What the session is
// follows on each exit, and after the first message that the caller may send:
// {"type":"session","session":…}. Closing the connection does not stop a cell.
//
// What WebSockets of other sites' pages may do, and the codes that the connection
// closes with, are as package run says of /v1/run/connect; the first message that has
// an "authorization" is as good as a header with it.
package sessions
