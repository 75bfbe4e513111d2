package python

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// The functions that we need have no names in the module. They are found by what
// they are called with: a function that the program registers to be called at its
// end, with nothing, whose address it prints; and the numbers of signals, which the
// program computes.
const marker = "import _thread, atexit, signal; p = [n * 17 % 31 + 1 for n in range(31)]; p.remove(9); p.remove(19)\n" +
	"for n in range(1, 32):\n  if n in p: signal.signal(n, lambda *_: None)\n" +
	"for n in p: _thread.interrupt_main(n)\n" +
	"def end(): pass\n" +
	"atexit.register(end)\nprint(id(end), id(()))\n"

// signals are what the program trips, in order.
func signals() string {
	var b []byte
	for n := range 31 {
		if s := n*17%31 + 1; s != 9 && s != 19 { // SIGKILL and SIGSTOP
			b = append(b, byte(s))
		}
	}
	return string(b)
}

// discovery listens to all calls of a run.
type discovery struct {
	calls   []call            // of functions (i32, i32, i32) -> i32
	signals map[uint32]string // what functions of one argument and no result were called with
}

type call struct {
	function uint32
	args     [3]uint32
}

// NewFunctionListener implements experimental.FunctionListenerFactory.
func (d *discovery) NewFunctionListener(f api.FunctionDefinition) experimental.FunctionListener {
	i32 := []api.ValueType{api.ValueTypeI32}
	switch {
	case slices.Equal(f.ParamTypes(), i32) && len(f.ResultTypes()) == 0:
		return experimental.FunctionListenerFunc(d.one)
	case slices.Equal(f.ResultTypes(), i32) && slices.Equal(f.ParamTypes(), slices.Repeat(i32, 3)):
		return experimental.FunctionListenerFunc(d.three)
	}
	return nil
}

func (d *discovery) one(_ context.Context, _ api.Module, f api.FunctionDefinition, args []uint64, _ experimental.StackIterator) {
	if n := uint32(args[0]); n >= 1 && n < 32 {
		d.signals[f.Index()] += string(rune(n))
	}
}

func (d *discovery) three(_ context.Context, _ api.Module, f api.FunctionDefinition, args []uint64, _ experimental.StackIterator) {
	d.calls = append(d.calls, call{f.Index(), [3]uint32{uint32(args[0]), uint32(args[1]), uint32(args[2])}})
}

// TestHiddenFunctions finds the functions again that the driver calls by their
// indexes.
func TestHiddenFunctions(t *testing.T) {
	wasm := pythonModule(t)
	if sum := sha256.Sum256(wasm); hex.EncodeToString(sum[:]) != moduleHash {
		t.Errorf("the module is another one: %x; find its functions with this test and change the constants", sum)
	}
	d := &discovery{signals: map[uint32]string{}}
	ctx := experimental.WithFunctionListenerFactory(t.Context(), d)
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	defer rt.Close(ctx)
	wasi_snapshot_preview1.MustInstantiate(ctx, rt)
	var out bytes.Buffer
	if _, err := rt.InstantiateWithConfig(ctx, wasm, wazero.NewModuleConfig().WithArgs("python", "-c", marker).WithStdout(&out).WithStderr(&out)); err != nil {
		t.Fatalf("%v: %s", err, &out)
	}
	var interrupts []uint32
	for f, seen := range d.signals {
		if seen == signals() {
			interrupts = append(interrupts, f)
		}
	}
	if want := hiddenFunctions[tripSignal]; len(interrupts) != 1 || interrupts[0] != want {
		t.Errorf("trip_signal is one of %v, not %d", interrupts, want)
	}
	var function, nothing uint32
	if _, err := fmt.Sscan(out.String(), &function, &nothing); err != nil {
		t.Fatalf("%v: %q", err, &out)
	}
	// PyObject_Call calls one that is for functions of the program's kind only.
	var callers []uint32
	for _, c := range d.calls {
		if c.args == [3]uint32{function, nothing, 0} {
			callers = append(callers, c.function)
		}
	}
	if want := hiddenFunctions[callObject]; len(callers) == 0 || callers[0] != want {
		t.Errorf("PyObject_Call is the first of %v, not %d", callers, want)
	}
}
