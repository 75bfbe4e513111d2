// Package jail holds the file systems that a WebAssembly guest may see, as
// implementations of wazero's experimental/sys.FS:
//
//   - FS, the program's own folder on disk, over an *os.Root, with quotas;
//   - Devices, a folder to mount at /dev, with display and null;
//   - Library, a read-only tree such as an embed.FS.
//
// # Why not wazero's own mounts?
//
// WithDirMount joins paths and lets the host resolve them, so a guest that can
// make a symbolic link reads and writes the whole host. FS resolves every path
// component by component below its root, refuses to make links at all, and
// refuses everything that is not a regular file or a folder.
// WithFSMount (sysfs.AdaptFS) keeps a guest inside its tree but lets it open
// files without end, reports the zero modification time as the year 1754 and
// has no inode numbers; Library is as small and has none of the three.
//
// # Why EIO for a quota?
//
// The errors a wazero file system can return do not include ENOSPC, EDQUOT and
// EMFILE. A guest that meets a limit gets EIO, and FS.Exceeded says which limit
// it was, so that an engine can tell the user in one line.
package jail
