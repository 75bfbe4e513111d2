// Package scheduler gives every run its place: it checks the program, chooses
// the engine and says why, queues fairly among clients, keeps what the run says
// for any number of readers, and records how it ended.
//
// # Why does a run keep its output?
//
// A guest must never wait for a slow browser, and a browser that lost its
// connection wants to go on where it was. So a run writes to a journal in
// memory and each reader follows it from a position of its own. The journal is
// bounded, because the engine bounds what a run may say.
//
// # Why do clients take turns?
//
// One client that sends a hundred programs must not make another wait for all
// of them. Turns go round among the clients that wait, each client's runs keep
// their order, and one client cannot hold every place.
//
// # Where does a sandbox go?
//
// A Placer knows what every sandbox holds, what its hosts have and really have
// left, and what organizations may hold. Limits of sandboxes are ceilings, so
// more is promised than a host has; what the host has left bounds that again.
// Creations and starts on one runner take turns as runs do, client by client,
// because an engine gets slower, not faster, when it starts many at once.
//
// # What is never lost?
//
// A run that Submit accepted gets exactly one exit event and one record,
// whatever happens: a cancelled wait, an engine that panics, a shutdown.
package scheduler
