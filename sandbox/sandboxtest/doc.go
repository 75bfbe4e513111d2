// Package sandboxtest helps to test what stands on package sandbox: a
// scriptable engine, stores in memory, and the suites that every engine and
// every store must pass.
package sandboxtest
