// Package python runs Python programs: CPython as a WASI command, with its
// standard library inside the module.
package python
