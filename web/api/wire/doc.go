// Package wire holds the JSON shapes of the control API: what the clients of
// the Daytona API send and receive. It has no behaviour. The OpenAPI document
// is generated from these types, and tests hold them to the published
// specification.
//
// A field without omitempty is always there; a pointer without omitempty may be
// null. Times are text as JavaScript's toISOString writes them. Where a field
// says more than the published API knows, its doc tag says so.
package wire
