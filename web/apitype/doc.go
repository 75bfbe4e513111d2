// Package apitype holds the wire structs of Sandpiper's own API: what clients
// send and receive as JSON. It has no behaviour and may be imported by clients
// written in Go. The OpenAPI document is generated from these types.
//
// Struct tags: json gives the name on the wire, doc a sentence for the OpenAPI
// document, enum the allowed values and default the value that a missing field
// has. A field without omitempty and without a default is always there.
package apitype
