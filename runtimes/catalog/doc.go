// Package catalog knows which languages Sandpiper runs in WebAssembly: their
// names, versions and examples, the kind of driver that runs each, and the
// compiled runtimes, which are embedded in the program. Compressed they take
// about 19 MB: Python 9 MB, Ruby 8 MB, the others under 1 MB each.
//
// The runtimes are not in the repository: mkmodules makes them from pinned
// packages (`make setup`). Without them this package compiles all the same, and
// OpenModule says what to do.
package catalog
