// Package sandbox is Sandpiper's domain: what a run is, what a sandbox is and
// which states it goes through, what a language is, which errors a user can
// meet, and the ports that engines and stores implement. It imports only the
// standard library, and every other package of Sandpiper may import it.
package sandbox
