package python

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// The functions that we need have no names in the module. They are found by what
// they are called with: the program's text, and the numbers of signals, which the
// program computes.
const (
	marker  = "import _thread; [_thread.interrupt_main(n * 17 % 31 + 32) for n in range(12)]"
	signals = "\x20\x31\x23\x34\x26\x37\x29\x3a\x2c\x3d\x2f\x21"
)

// discovery listens to all calls of a run.
type discovery struct {
	depth   int
	runs    []uint32          // functions that got the program as (char *, 0) -> int, outermost first
	signals map[uint32]string // what functions of one argument and result were called with, where that may be a signal
}

// NewFunctionListener implements experimental.FunctionListenerFactory.
func (d *discovery) NewFunctionListener(f api.FunctionDefinition) experimental.FunctionListener {
	i32 := []api.ValueType{api.ValueTypeI32}
	switch {
	case !slices.Equal(f.ResultTypes(), i32):
		return nil
	case slices.Equal(f.ParamTypes(), i32):
		return experimental.FunctionListenerFunc(d.one)
	case len(f.ParamTypes()) == 2 && f.ParamTypes()[0] == api.ValueTypeI32 && f.ParamTypes()[1] == api.ValueTypeI32:
		return experimental.FunctionListenerFunc(d.two)
	}
	return nil
}

func (d *discovery) one(_ context.Context, _ api.Module, f api.FunctionDefinition, args []uint64, _ experimental.StackIterator) {
	if n := uint32(args[0]); n >= 32 && n < 64 {
		d.signals[f.Index()] += string(rune(n))
	}
}

func (d *discovery) two(_ context.Context, guest api.Module, f api.FunctionDefinition, args []uint64, _ experimental.StackIterator) {
	b, ok := guest.Memory().Read(uint32(args[0]), uint32(len(marker)+1))
	if ok && bytes.HasPrefix(b, []byte(marker)) && !slices.Contains(d.runs, f.Index()) {
		d.runs = append(d.runs, f.Index())
	}
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
		if strings.Contains(seen, signals) {
			interrupts = append(interrupts, f)
		}
	}
	if want := hiddenFunctions[interrupt]; len(interrupts) != 1 || interrupts[0] != want {
		t.Errorf("PyErr_SetInterruptEx is one of %v, not %d", interrupts, want)
	}
	// Those that only read the text come before and after.
	if want := hiddenFunctions[runString]; !slices.Contains(d.runs, want) {
		t.Errorf("PyRun_SimpleStringFlags is one of %v, not %d", d.runs, want)
	}
}
