// Package docker is the engine on Docker: each sandbox is a container in which
// toolboxd, our agent, runs as the first process.
//
// # Why is the network Docker's no business?
//
// Docker's network hook is more than half of what starting a container takes.
// A container that has no network for Docker starts in 200 ms instead of 490,
// and plugging a veth pair into it by netlink takes two (package network). Where
// the server is not root in the engine's network namespace, and for gVisor,
// which looks at its interfaces once when it starts, Docker plugs it into the
// same bridge with a fixed address. The Fingerprint says which way is in force.
//
// # How do linked sandboxes reach each other?
//
// By a wire of their own for each two of them (package network), with the addresses
// that they have on the bridge, and by lines in their hosts files. So nothing that
// holds strangers apart knows of families: Docker's rule that nobody on the bridge
// reaches another, the isolated ports, our table. Wires are laid after every start.
// What Docker has plugged in has none.
//
// # Why is nothing in the container's environment?
//
// docker inspect shows it, a commit copies it into an image, and it cannot
// change when the sandbox starts again. The agent reads its token, the user's
// environment and the entrypoint from a file in the box.
//
// # What is a box?
//
// A folder per sandbox: what the host and the container share. The container may
// write to a part of it, so it is a small tmpfs where the server is root (nobody
// can fill the host's disk through it), and the host never follows a link in
// it: the agent's socket is opened without following and connected to by its
// descriptor. Otherwise a sandbox could put a link to the host's Docker socket
// in its place.
//
// # Why six capabilities?
//
// Five (SETUID SETGID CHOWN FOWNER DAC_OVERRIDE) are what apt and sudo need; the
// agent needs KILL for processes of other users. no-new-privileges is set unless
// the image has the label sandpiper.sudo, as the default image does: sudo is a
// gain of privileges. Root in such a sandbox still has no more than these six.
//
// # What is different under gVisor?
//
// The sandbox has a kernel of its own, in a process of the host. Docker plugs it
// in, and the same rules of the host's side hold. It pauses, forks and is
// snapshotted as others are, files only. /tmp is in its memory where the image has
// nothing there: it goes when the sandbox stops. Limits of processes and memory
// hold for the whole of it: beyond them it ends, and starts again with its files.
//
// # Who owns what?
//
// Containers, networks and images carry the label sandpiper.instance with the
// number of the data folder, so two servers on one Docker engine do not touch
// each other's. A sandbox's container has its name as well, since images pass
// their labels on to containers that people start from them.
package docker
