package vm

import (
	"context"
	"fmt"

	"github.com/tetratelabs/wazero/api"

	"sandpiper/runtimes/wasm/rewrite"
)

// stackPointer is the export of the C stack's pointer: linkers make it the first
// global.
const stackPointer = rewrite.GlobalPrefix + "0"

// redZone is how much of the stack below its pointer a C function may use that
// calls none itself. The compiler leaves the pointer where it is then.
const redZone = 128

// CallAside calls an export in the middle of what the guest does, as what is called
// by Instance.Interrupt does. The guest may be in a function whose variables are
// below the stack's pointer, and what is called now must not write over them. The
// module was loaded for images.
func CallAside(ctx context.Context, guest api.Module, name string, args ...uint64) error {
	pointer, ok := guest.ExportedGlobal(stackPointer).(api.MutableGlobal)
	if !ok {
		return fmt.Errorf("call %s: the module has no stack pointer", name)
	}
	at := pointer.Get()
	if at <= redZone || at > uint64(guest.Memory().Size()) {
		return fmt.Errorf("call %s: the stack's pointer is %d", name, at)
	}
	pointer.Set(at - redZone)
	defer pointer.Set(at)
	_, err := guest.ExportedFunction(name).Call(ctx, args...)
	return err
}
