// Package toolboxtype holds what travels over the toolbox's HTTP interface: the
// shapes of its requests and answers, with the names of the specification. They
// are data only; what is allowed in them is decided by the handlers.
package toolboxtype
