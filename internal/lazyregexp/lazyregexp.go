// Package lazyregexp compiles patterns when they are first asked for.
//
// Workers and shells are processes of the one program, started often and with
// people waiting: a pattern that each compiled at its start would cost all of
// them what few need.
package lazyregexp

import (
	"os"
	"regexp"
	"strings"
	"sync"
)

// inTest says that this is a test's program, in which a wrong pattern is to fail
// at once.
var inTest = strings.HasSuffix(strings.TrimSuffix(os.Args[0], ".exe"), ".test")

// New returns what compiles pattern once, at its first call. A pattern that does
// not compile panics there, and already here when tests run.
func New(pattern string) func() *regexp.Regexp {
	compiled := sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
	if inTest {
		compiled()
	}
	return compiled
}
