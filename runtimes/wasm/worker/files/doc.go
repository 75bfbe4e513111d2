// Package files lets a guest in a worker process use a file system that lives in the
// server: Serve answers for one program, over a socket of its own, and an FS is the
// worker's end.
//
// # Why not the folder itself?
//
// A worker could be given a sandbox's folder as an open file, as kernels are given
// theirs. But a kernel is alone in its folder, and a sandbox's files are used by its
// shell, its toolbox and other programs at the same time. Quotas would have to be
// counted in two processes, the files would have to belong to the workers' user, and
// a worker that a guest has taken over could write beyond every quota, make links
// and devices, and go on doing so after its program has ended. Here there is one
// account and one place where paths are resolved, everybody sees the same files at
// once, and such a worker can do no more than its guest could: it has the sockets of
// programs that run, and each leads to one sandbox's files.
//
// The price is a round trip for each operation, some tens of microseconds. So what
// needs none has none: an offset is the worker's, a close goes with the next request,
// and reads and writes travel in pieces of 128 KiB.
//
// # What is kept
//
// Most of what guests ask they could know: what a file is that they have just opened,
// whether a module's other names are still not there, what comes after the line that
// they have read. An FS keeps such answers, and knows whether they hold: the server
// counts all changes of a sandbox's files (jail.Changes) in a Page of memory that
// workers have mapped and cannot write. A look at two counters takes the place of a
// round trip, and is as good: who has heard of a change finds it counted. Where the
// system has no such memory, nothing is kept.
//
// # The wire
//
// A guest does one thing at a time, so there is one request and then its answer; what
// a peer can make the other side keep is one of them. Numbers are little endian:
//
//	request  size u32, op u8, 3 bytes of nothing, handle u32, flag u32, x i64, y i64, first u32, payload
//	answer   size u32, errno u16, 2 bytes of nothing, n i64, payload
//
// size is that of the payload, which is two strings in a request, the first of them
// first bytes long. The server does not trust what it reads. The worker does: it has
// no other choice.
package files
