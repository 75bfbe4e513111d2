// Package inside is the worker process: it serves an engine to the server that
// started it, over the one connection that it has.
//
// A worker first gives up what it has no need of (package confine), then opens the
// engine, and answers calls until the connection ends; so it never outlives its
// server. What a program says is gathered for a moment before it is sent, so that a
// short run takes two messages; a call that has more to say than the connection
// takes keeps it, which its own limits of output and displays bound, or the window
// that programs of sandboxes have.
package inside
