//go:build !linux

package quickjs

// limitChild does nothing here: a child is bounded by its stack and its time.
func limitChild() {}
