// Package jail holds the file systems that a WebAssembly guest may see, as
// implementations of wazero's experimental/sys.FS:
//
//   - FS, the program's own folder on disk, over an *os.Root, with quotas, for
//     one run or, as NewHome makes it, for as long as a sandbox lives;
//   - Devices, a folder to mount at /dev, with display and null;
//   - Library, a read-only tree such as an embed.FS.
//
// # Why not wazero's own mounts?
//
// WithDirMount joins paths and lets the host resolve them, so a guest that can
// make a symbolic link reads and writes the whole host. FS resolves every path
// component by component below its root, refuses to make hard links, and refuses
// everything that is not a regular file or a folder.
// WithFSMount (sysfs.AdaptFS) keeps a guest inside its tree but lets it open
// files without end, reports the zero modification time as the year 1754 and
// has no inode numbers; Library is as small and has none of the three.
//
// # Why may a sandbox have symbolic links?
//
// Package managers, Git and people use them. Only a sandbox's FS makes them, with
// any text, and only FS follows them: it resolves a path itself, taking "/" in a
// link for the sandbox's own root, so that the host is never asked to follow one,
// and os.Root refuses where that should go wrong. The text is never followed by
// anything else of ours: copies and archives take links as links.
//
// # Why EIO for a quota?
//
// The errors a wazero file system can return do not include ENOSPC, EDQUOT and
// EMFILE. A guest that meets a limit gets EIO, and FS.Exceeded says which limit
// it was, so that an engine can tell the user in one line.
package jail
