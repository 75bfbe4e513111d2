// Package kernels keeps sessions: interpreters whose state outlives a cell, a
// connection, an idle hour and a restart of the server.
//
// # The life of a session
//
// A session is idle or busy while a kernel holds its state in memory, and paused
// while only a file holds it. Who uses a paused session brings it back, and need
// not know that it was paused. Sessions are paused when they have been idle for a
// time, and when the kernels that are live need more memory than they may: the
// one that has been idle for longest first. After a restart of the server all
// sessions are paused.
//
// # What is never lost
//
// A moment after a cell has ended its effect is saved in the background, unless the
// next cell is there already. So the end of the process that a kernel lives in, or
// of the whole server, takes no more than the cells since. Who runs the next cell
// is told which (Answer.Notice). A state file is replaced by a whole new one or not
// at all.
//
// # What cells have to do with connections
//
// A cell goes on when whoever asked for it has gone. What it says is kept, within
// the engine's bounds on output, and can be read until the session's next cell
// begins: see Keeper.Last.
//
// # Files
//
// Each session has a folder, which its program sees as "/". It stays through pauses
// and restarts, and a fork has a copy of it. Under Config.Dir, "files" has the
// folders and "states" the saved states; programs are given nothing but their own
// folder.
package kernels
