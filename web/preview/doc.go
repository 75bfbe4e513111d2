// Package preview says where the ports of sandboxes answer, and signs addresses
// that let in whoever has them.
//
// A port has a host of its own below the domain of previews:
//
//	3000-6d4c8f6e-….localhost:8080    of a sandbox, for those who may see it
//	3000-mfzwizltoq….localhost:8080   signed: for whoever has the address
//
// A host is an origin, so nothing of one preview reaches another or the app.
// Where host names do not reach the server there is a path on a listener of its
// own: /p/<sandbox or token>/3000/. Behind the sandbox and a dot it can carry
// what else a cookie would say.
package preview
