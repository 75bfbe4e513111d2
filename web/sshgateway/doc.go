// Package sshgateway lets people into sandboxes by SSH: ssh <token>@host. The
// token is the user name; no password or key is asked for. It serves shells,
// commands, SFTP and the forwarding of ports and unix sockets.
//
// # Where does a session run?
//
// The gateway ends SSH here and asks the sandbox's toolbox for the rest, over
// connections that the manager dials: package attach for processes, package sftp
// for files, package reverse for ports that listen in the sandbox. So every
// engine is reached in the same way, and no SSH is spoken in a sandbox.
//
// # What ends a connection?
//
// Its token, when it is revoked or has expired; its sandbox, when it stops; the
// server, when it shuts down; and a peer that does not answer. Sessions are told
// why on their standard error, and exit with 255, as OpenSSH has it for errors
// of its own. Processes get SIGHUP.
package sshgateway
