// Package shell runs a sandbox's shell in a child process of its own, so that
// whatever a script does (grow a variable, loop without end, fork bombs of
// subshells) happens to that child and not to the server.
//
// # The child
//
// A child is this program itself, started with a variable set in its environment,
// as package quickjs does for its translator. Before it does anything it gives up
// what it could do to the host: its memory and open files are limited, Landlock
// takes the file system and the network away, and a system call filter leaves it
// what a Go program needs to compute and to use the descriptors that it has, and
// nothing else. Everything that a script can reach comes over one socket from the
// server, as package wire says: files, programs, processes.
//
// A child process serves one sandbox and is then thrown away, so nothing of one can
// be left for another. Starting one takes longer than most commands. So a few are kept
// ready, and one whose command has left nothing behind, no job, goroutine, descriptor
// or much memory, says that it rests: it can serve the next command of its sandbox, as
// a new shell. Those of terminals and sessions end with them.
//
// # The shell
//
// Scripts are interpreted by mvdan.cc/sh, as bash. It knows no processes, so some
// statements are rewritten before they run (see rewrite), and some builtin
// commands are replaced (see builtins). What is missing compared with bash:
// redirections of descriptors above 2, PIPESTATUS, coprocesses, job control with
// fg and bg, and attributes of declare other than -a, -A, -n, -r, -x and -g.
package shell
