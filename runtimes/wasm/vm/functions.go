package vm

import (
	"context"
	"errors"
	"fmt"
	"weak"

	"github.com/tetratelabs/wazero/api"
	wazerosys "github.com/tetratelabs/wazero/sys"
)

// functions are the exports of a guest that are in no call. wazero makes each with a
// stack of its own, which it doubles by copying when a call needs more and then keeps:
// for a short program that is most of what it allocates.
type functions struct{ idle map[string][]api.Function }

// take returns an export that nobody is in, or nil where there is none of that name.
func (k *functions) take(guest api.Module, name string) api.Function {
	idle := k.idle[name]
	if len(idle) == 0 {
		return guest.ExportedFunction(name)
	}
	k.idle[name] = idle[:len(idle)-1]
	return idle[len(idle)-1]
}

func (k *functions) give(name string, f api.Function) { k.idle[name] = append(k.idle[name], f) }

// keptFunctions holds the functions of a guest from one use to the next, but not over
// a garbage collection: the stack of a deep recursion has many megabytes.
type keptFunctions struct{ weak.Pointer[functions] }

func (k *keptFunctions) get() *functions {
	kept := k.Value()
	if kept == nil {
		kept = &functions{idle: map[string][]api.Function{}}
		k.Pointer = weak.Make(kept)
	}
	return kept
}

// Call calls an export of the guest. The guest may come back to the host from there
// and be called again.
func (r *Run) Call(ctx context.Context, name string, args ...uint64) ([]uint64, error) {
	f := r.functions.take(r.guest, name)
	if f == nil {
		return nil, fmt.Errorf("%s has no export %q", r.module.name, name)
	}
	res, err := f.Call(ctx, args...)
	if err == nil || errors.As(err, new(*wazerosys.ExitError)) {
		r.functions.give(name, f)
	}
	return res, err
}
