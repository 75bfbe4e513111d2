// Package catalog knows which languages Sandpiper runs in WebAssembly: their
// names, versions and examples, the kind of driver that runs each, and the
// compiled runtimes, which are embedded in the program. Compressed they take
// 17 MB: Ruby 8.5, Python 6.5, Lua 1.2, SQL 0.5, QuickJS 0.3.
//
// The runtimes are not in the repository: mkmodules makes them from pinned
// packages (`make setup`). Without them this package compiles all the same, and
// OpenModule says what to do.
package catalog
