package ruby

import (
	"bytes"
	"context"
	"errors"

	"github.com/tetratelabs/wazero/api"

	"sandpiper/runtimes/wasm/vm"
)

// Exports of the module, in the spelling of its interface description.
const (
	exportInit    = "ruby-init: func(args: list<string>) -> ()"
	exportEval    = "rb-eval-string-protect: func(str: string) -> tuple<handle<rb-abi-value>, s32>"
	exportString  = "rstring-ptr: func(value: handle<rb-abi-value>) -> string"
	exportAlloc   = "cabi_realloc"
	exportReactor = "_initialize"
)

// guest calls the exports of an instance.
type guest struct {
	ctx context.Context
	mod api.Module
}

// call calls an export and returns its result, or 0 for one that has none.
func (g guest) call(name string, args ...uint64) (uint64, error) {
	results, err := vm.Current(g.ctx).Call(g.ctx, name, args...)
	if err != nil || len(results) == 0 {
		return 0, err
	}
	return results[0], nil
}

// errNoRoom is for a guest whose allocator gives addresses outside its memory.
var errNoRoom = errors.New("the guest has no room for an argument")

// alloc returns the address of n bytes of guest memory.
func (g guest) alloc(align, n int) (uint32, error) {
	p, err := g.call(exportAlloc, 0, 0, uint64(align), uint64(n))
	return uint32(p), err
}

// text copies s into guest memory, where the guest frees it.
func (g guest) text(s string) (uint32, error) {
	p, err := g.alloc(1, len(s))
	if err == nil && !g.mod.Memory().WriteString(p, s) {
		err = errNoRoom
	}
	return p, err
}

// list copies a list of strings into guest memory.
func (g guest) list(items []string) (uint32, error) {
	const pair = 8 // address and length
	list, err := g.alloc(4, pair*len(items))
	if err != nil {
		return 0, err
	}
	for i, item := range items {
		p, err := g.text(item)
		if err != nil {
			return 0, err
		}
		at := list + uint32(pair*i)
		if m := g.mod.Memory(); !m.WriteUint32Le(at, p) || !m.WriteUint32Le(at+4, uint32(len(item))) {
			return 0, errNoRoom
		}
	}
	return list, nil
}

// start initialises the instance and Ruby in it. Of args, the first is the
// program's name; they end in NUL, as C wants them.
func (g guest) start(args []string) error {
	if _, err := g.call(exportReactor); err != nil {
		return err
	}
	list, err := g.list(args)
	if err != nil {
		return err
	}
	_, err = g.call(exportInit, uint64(list), uint64(len(args)))
	return err
}

// eval evaluates Ruby text and reports whether it came to its end, which it does
// not when it leaves an exception unrescued.
func (g guest) eval(text string) (ended bool, err error) {
	_, ended, err = g.value(text)
	return ended, err
}

// value is eval that also returns the handle of the text's value.
func (g guest) value(text string) (handle uint32, ended bool, err error) {
	p, err := g.text(text)
	if err != nil {
		return 0, false, err
	}
	tuple, err := g.call(exportEval, uint64(p), uint64(len(text)))
	if err != nil {
		return 0, false, err
	}
	handle, ok1 := g.mod.Memory().ReadUint32Le(uint32(tuple))
	state, ok2 := g.mod.Memory().ReadUint32Le(uint32(tuple) + 4)
	return handle, ok1 && ok2 && state == 0, nil
}

// bytes returns a copy of the Ruby string with a handle, of at most most bytes.
func (g guest) bytes(handle uint32, most int) ([]byte, error) {
	pair, err := g.call(exportString, uint64(handle))
	if err != nil {
		return nil, err
	}
	mem := g.mod.Memory()
	p, ok1 := mem.ReadUint32Le(uint32(pair))
	n, ok2 := mem.ReadUint32Le(uint32(pair) + 4)
	if !ok1 || !ok2 {
		return nil, errNoRoom
	}
	b, ok := mem.Read(p, min(n, uint32(most)))
	if !ok {
		return nil, errNoRoom
	}
	return bytes.Clone(b), nil
}
