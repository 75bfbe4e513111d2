// Package web assembles the HTTP surface: one mux for the API and one for
// browsers, and around both of them request ids, the access log, recovery from
// panics and the headers that every answer has.
package web
