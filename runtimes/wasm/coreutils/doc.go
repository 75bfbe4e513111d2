// Package coreutils has the usual commands of a Unix shell as Go functions over a
// guest.FS: those of the GNU core utilities that scripts use, and grep, sed, awk,
// find, xargs, diff, tar, gzip and their like. They know no host: files, other
// programs and processes come from the Call.
//
// # Differences from GNU's
//
// Text is UTF-8 and sorted by bytes. Regular expressions are Go's, which take
// linear time and know no back-references in patterns (sed's replacements have
// them). awk is GoAWK, which reads files named on its command line and standard
// input; it cannot write files or run commands itself. There are no hard links,
// owners other than the user, devices or sparse files.
package coreutils
