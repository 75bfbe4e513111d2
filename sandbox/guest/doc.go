// Package guest says what a toolbox needs from inside a sandbox: a file system,
// processes, shells that keep their state, and a few facts. Package osguest is
// the same over a real operating system; the WebAssembly engine has its own.
//
// Paths are absolute, clean and slash-separated, as programs in the sandbox see
// them. Errors of files are those of io/fs and syscall, so that errors.Is with
// fs.ErrNotExist, fs.ErrPermission, syscall.ENOTDIR and so on tells what went
// wrong in every guest.
package guest
