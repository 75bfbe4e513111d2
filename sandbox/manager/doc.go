// Package manager holds the use cases of sandboxes and keeps what is promised
// true: it creates, starts, stops and destroys them, counts what they use, ends
// what has outlived its time, and puts right what it finds to be otherwise.
//
// # How does a sandbox get where it should be?
//
// A request changes only the record: what is wanted (Desired) and what is going
// on (State), in one write of the store. A worker, one for each sandbox, then
// does what the record asks for, one step after another, until there is nothing
// left to do. A request that comes in between changes what is wanted, and the
// worker goes on from there; a destruction cuts off what the worker is at. So
// two requests at once never meet in an engine, and after a crash the record
// says what is to be finished.
//
// # What happens behind our back?
//
// The reconciler compares the records with what the engines hold, with plan, a
// pure function that is tested with random histories. A sandbox that is gone
// fails with the reason, one that has ended is stopped, one that nobody knows is
// swept after a time of grace. Before it writes anything down it looks at that
// one sandbox again.
package manager
