// Package confine takes from a worker process what it has no need of, and tells what
// it could take: guests are strangers' code, and a fault of the runtime that lets one
// out should find nothing to do.
//
// A server starts its workers (Attributes) as a user of their own where it is root,
// and in a namespace without a network where it may. The
// worker itself (Process) then gives up privileges for good, limits what it may have
// open, offers itself to the kernel as the first to end when memory is short, keeps
// to its own folders by Landlock, and to the system calls that it needs by a filter.
//
// Each measure is reported as taken or not: kernels, containers and users differ in
// what they permit. The measures do not depend on each other, and a worker runs with
// those that there are; the operator sees which (sandpiper doctor, and the log). On
// systems other than Linux a worker is a plain child process.
//
// Address space cannot be limited (RLIMIT_AS), nor can data (RLIMIT_DATA): memories
// of guests are reserved in full and filled as they grow, and both limits count what
// is reserved. The server watches what its workers really have instead.
package confine
