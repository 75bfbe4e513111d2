// Package gitrepo works with git repositories in a guest's file system, without
// git being there: it clones, commits, pushes and so on with go-git. Command is
// a git command line on top of the same functions, for guests that cannot run
// the real one.
//
// Nothing is read from the machine that runs this code: not its configuration,
// not its files and not its programs. Which remotes may be reached is decided by
// a Network.
package gitrepo
