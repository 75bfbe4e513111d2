// Package rewrite changes WebAssembly binaries before they are compiled, so
// that a host can interrupt them, meter them and bound what they allocate.
//
// The engine that runs guests has no cheap way of its own to stop one: a guest
// that is busy in machine code never looks up. Rewrite therefore plants a fuel
// counter in the module. At every loop header, and on request at every function
// entry, the counter is decremented, and when it has run out an imported host
// function is called that refills it or ends the guest. The count is the same in
// every run of the same program, so it is also a measure of work that does not
// depend on how busy the machine is.
//
// The package reads untrusted input. It decodes every byte of the sections that
// it keeps, the way wazero 1.12 does, and refuses what it does not know: an
// instruction that the two read differently could hide a loop from the counter.
// Counts and lengths are checked against the bytes that are there, which also
// spares the compiler from allocating for counts that are lies.
package rewrite

import (
	"fmt"
	"maps"
	"slices"
)

// Version names the output of Rewrite for given input and options. It changes
// whenever that output does, so it belongs in the keys of caches.
const Version = "4"

// Names through which the host and a rewritten module meet.
const (
	TickModule = "wz"   // the module of the imported function, reserved: a module that imports from it is refused
	TickName   = "tick" // the imported function, without parameters and results
	FuelExport = "__wz_fuel"

	// GlobalPrefix and the global's index in decimal are the name under which
	// Options.ExportGlobals exports it.
	GlobalPrefix = "__wz_g"

	reservedPrefix = "__wz_" // of names that a module must not export itself
)

// Options says what Rewrite does beside stripping custom sections and checking
// the module. The zero value does nothing else.
type Options struct {
	// Fuel plants the fuel counter; nil leaves the code as it is.
	Fuel *Fuel

	// MaxTable bounds the entries of all tables together. The room that the
	// minimum sizes leave is shared evenly, so a single table may grow to
	// MaxTable. A module whose minimum sizes exceed it is refused. 0 for no bound.
	MaxTable uint32

	// MaxMemoryPages lowers the memory's maximum, in pages of 64 KiB. A module
	// whose minimum exceeds it is refused. 0 for no bound.
	MaxMemoryPages uint32

	// KeepNames keeps the module's and the functions' names for stack traces.
	KeepNames bool

	// ExportGlobals exports every mutable global; see GlobalExports.
	ExportGlobals bool

	// Functions exports functions that the module keeps to itself: the names are
	// ours, the indexes count the module's imported functions first. A module
	// that has fewer functions is refused.
	Functions map[string]uint32

	// ImagePages, when it is not 0, makes a module whose instances go on from an
	// image of another one's memory, which the host puts there before anything
	// runs: the memory begins with that many pages, there is no data, and
	// nothing is called at the start. Globals and tables start as they are in the
	// module; so a module that changes its tables is refused.
	ImagePages uint32
}

// Fuel describes the fuel counter: an exported mutable i32 global, FuelExport.
// Where it is checked it is decremented, and when that leaves zero or less the
// function TickName of TickModule is called, which is expected to refill it.
// Instructions that copy or fill memory or tables cost one unit more for every
// 256 bytes or entries: a single one can take as long as millions of others.
type Fuel struct {
	// Initial is the counter's value when an instance starts. At zero or less
	// the first check calls the host.
	Initial int32

	// Entries also checks at every function entry. Without it a program that
	// recurses without a loop is not interrupted before its stack is full, which
	// is fine for interpreters with a limit of their own and for nothing else.
	// Tail calls are checked in any case.
	Entries bool
}

// Key identifies the options in the key of a cache, together with the module's
// hash and Version.
func (o Options) Key() string {
	fuel := "none"
	if o.Fuel != nil {
		fuel = fmt.Sprintf("%d,%t", o.Fuel.Initial, o.Fuel.Entries)
	}
	key := fmt.Sprintf("fuel=%s table=%d memory=%d names=%t globals=%t",
		fuel, o.MaxTable, o.MaxMemoryPages, o.KeepNames, o.ExportGlobals)
	for _, name := range slices.Sorted(maps.Keys(o.Functions)) {
		key += fmt.Sprintf(" %q=%d", name, o.Functions[name])
	}
	if o.ImagePages > 0 {
		key += fmt.Sprintf(" image=%d", o.ImagePages)
	}
	return key
}

// Info describes the module that was read, so that a caller can refuse one that
// would take too long to compile: the time to compile a function grows faster
// than its size.
type Info struct {
	Functions   int // defined in the module
	CodeBytes   int // the sizes of all function bodies together
	LargestBody int // the size of the largest function body, in bytes
	MostLocals  int // the largest number of locals in a function, without its parameters
	Loops       int // loop instructions

	// Effort is about how many microseconds compiling takes beyond what is
	// proportional to the code. The compiler's time grows with the square of a
	// function's loops, and with its blocks times its locals.
	Effort int

	ChangesTables bool // it has instructions that change tables
}

// Error says why a module cannot be rewritten: it is malformed, uses something
// that the engine does not have, or exceeds a bound of the options.
type Error struct {
	Offset int // in the input, in bytes
	Reason string
}

// Error implements error.
func (e *Error) Error() string {
	return fmt.Sprintf("wasm module, offset %#x: %s", e.Offset, e.Reason)
}

// Rewrite returns a copy of the module in wasm, changed as opts says and without
// its custom sections. Any error is an *Error. The module is checked as far as
// the rewriting needs; whether it is valid is for the compiler to say. Memory use
// is proportional to the size of the input, with a factor of about ten for code
// that consists of empty loops.
func Rewrite(wasm []byte, opts Options) ([]byte, Info, error) {
	m := &module{reader: reader{b: wasm, end: len(wasm)}, opts: opts}
	m.split()
	m.declare()
	m.bound()
	out := m.encode()
	if m.err != nil {
		return nil, Info{}, m.err
	}
	return out, m.info, nil
}
