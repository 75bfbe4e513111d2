// Package osguest is a guest.Guest over a real Linux, usually that of a
// container: its whole file system, its processes and its network are the
// guest's own. It needs no cgo. On other systems it is empty.
package osguest
