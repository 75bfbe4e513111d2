// Package computer is the engine for WebAssembly sandboxes: a sandbox is a folder
// and, while it is started, a guest.Guest whose programs run on the WebAssembly
// runtimes of this server, in its worker processes, and whose shell runs in a confined
// child process. It is there in a millisecond, and an idle one takes next to no memory.
//
// # What is where
//
// The engine's folder has one folder for each sandbox, named by its ID, with
// box.json (what has to be known of it) and root (its file system); one for each
// snapshot, in snapshots; and archives. A folder whose name begins with a dot is
// being made or removed: what makes it renames it when it is complete, and New
// removes those that were left over. Which sandboxes are started is known to the
// process only, since their programs end with it.
//
// # What a sandbox can do to others
//
// Its files go through package jail, with quotas, wherever its programs run. Its
// programs share its CPUs and memory, as package program says. When what runs them dies
// they end with code 137 and a line that says why. Its shells are children
// with limits of their own, as package shell says. Everything else is bounded by
// the limits of this package: processes, open files, shells, connections.
package computer
