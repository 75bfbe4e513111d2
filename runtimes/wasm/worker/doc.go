// Package worker runs guests in processes apart from the server: a Pool supervises
// them and is an engine itself, a sandbox.CodeRunner, a sandbox.KernelEngine and a
// program.Engine.
//
// Whatever a guest does to the process that it is in (a fault of the runtime, memory
// without end, a way out of its sandbox) it does to a worker, which the server
// replaces. Only the runs of that worker fail, with StatusInternal and a message that
// says so, as do the programs of sandboxes, and its kernels are gone; runs that it had
// not begun go to another one.
// The server's garbage collector never waits for a guest.
//
// A worker is this program started with other arguments. The connection between the
// two is described in package link, what runs in the worker in package inside, and
// what keeps it from doing harm in package confine.
//
// # Folders and users
//
// Workers have folders of their own, below Config.Dir: a cache of machine code and a
// folder of runs each. Nothing but a worker may load modules from there, since a
// worker that a guest has taken over can write to them. Where the server is root,
// they belong to the workers' user, who could not go through the folders above: a
// worker gets its folders as open files.
//
// # Programs of sandboxes
//
// The programs of one sandbox share CPUs and memory, so they are all in one worker
// (group). The sandbox's files stay where they are: a program reaches them through a
// socket of its own, which the server answers for as long as the program runs (package
// files says why). Input, output and the end go the way that those of runs go.
//
// # How many
//
// One worker uses all CPUs. More of them share nothing: each compiles, and keeps in
// memory, what it runs. They buy that the end of one leaves the runs of the others
// alone, and no speed; so the default is one.
package worker
