// Package piston lets clients of Piston's API v2 run programs here: the same
// paths, bodies, messages and close codes over the same scheduler. What Piston
// calls a runtime is a language; there is no compile stage and nothing to
// install.
//
// Differences that a client can notice: a run may last as long as this server
// lets it, standard input is closed where Piston would leave it hanging, and a
// server that is busy answers 429 instead of keeping the request waiting for
// ever.
package piston
