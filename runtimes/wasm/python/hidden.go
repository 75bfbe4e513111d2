package python

import (
	"sandpiper/runtimes/wasm/vm"
)

// moduleHash is the SHA-256 of the module whose functions we know. CPython's
// start cannot be repeated from its exports, and the module has no names; the
// test TestHiddenFunctions finds the functions by what they are called with.
const moduleHash = "5051b0305a3f1fec7077f7ab1f65c82a8d56100815a8645bce6952076dc0c1dc"

// Exports of functions that the module keeps to itself.
const (
	callObject = "py_call" // PyObject *PyObject_Call(PyObject *callable, PyObject *args, PyObject *kwargs)
	tripSignal = "py_trip" // void trip_signal(int), which has the handler called soon
)

// hiddenFunctions are their indexes in the module.
var hiddenFunctions = map[string]uint32{callObject: 751, tripSignal: 7415}

// loadOptions are the same for the plain module and for that with the image.
var loadOptions = vm.LoadOptions{Images: true, Functions: hiddenFunctions}

// isKnown reports whether source is the module with these functions.
func isKnown(source vm.Source) bool { return source.Hash == moduleHash }
