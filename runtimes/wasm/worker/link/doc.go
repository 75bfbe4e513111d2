// Package link is what a server and a worker process say to each other: typed
// messages over one socket pair.
//
// A message has a type (Op), the number of the call that it belongs to, a JSON
// body, plain bytes, and perhaps open files from the server to the worker. Every
// call is begun by the server and ended by one OpEnd of the worker; in between both
// may send what belongs to it.
//
// # Fairness and bounds
//
// A message travels in fragments of at most 64 KiB, and those who send take turns
// after each of them: whatever one call sends, another one waits for a fragment of
// it at most. What has come of messages that are not complete is bounded for each
// message and for all together; a peer that goes beyond that, or sends what is no
// message, loses the connection.
//
// Runs have no window. What a worker sends of one is bounded by the run's own limit
// of output and displays, and the server takes it as fast as it comes: its sinks do
// not block. Programs of sandboxes have no such limit, and readers that may be slow:
// a program waits once Window bytes of its output are on their way, until OpTaken
// says that they have arrived. What the server sends is bounded as programs are, and standard input is
// sent when it is asked for. States of kernels, which may be large, do not travel
// here but through a pipe of their own; nor do the files of sandboxes' programs, for
// which OpExec brings a socket (package files).
package link
