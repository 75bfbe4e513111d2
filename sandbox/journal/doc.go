// Package journal keeps what a run or a cell of a session says, so that any number
// of readers can follow it, each from a position of its own and at its own pace.
package journal
