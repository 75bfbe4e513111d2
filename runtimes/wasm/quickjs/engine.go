package quickjs

import (
	"errors"

	"github.com/tetratelabs/wazero/api"
)

// The engine's stack. It is made of guest memory when an instance starts, since
// the one that the module comes with allows a recursion of 2,000 calls at most.
// This one allows 5,000. For each byte of it wazero uses some 35 of the Go heap,
// outside the run's memory limit, and gives up at 84 MB: it must not be larger.
const (
	stackLimit   = 1280 << 10 // what programs may use
	stackErrors  = 64 << 10   // on top, for making an error's stack trace
	stackReserve = 64 << 10   // on top, for what the engine does without checking
	stackSize    = stackLimit + stackErrors + stackReserve
)

// gcThreshold is how much a program allocates before the first collection of
// cycles. Most programs end before.
const gcThreshold = 4 << 20

// startEngine makes a JavaScript realm in a fresh instance.
func (g *guest) startEngine() error {
	g.call("_initialize")
	if err := g.moveStack(); err != nil {
		return err
	}
	if int32(g.call("qjs_init")) != 0 {
		return errors.New("the engine did not start")
	}
	g.context = g.call("qjs_get_context_ptr")
	g.runtime = g.call("qjs_get_runtime_ptr")
	g.scratch = g.call("wasm_malloc", 8)
	g.call("JS_UpdateStackTop", g.runtime)
	g.limitStack(0)
	g.call("JS_SetGCThreshold", g.runtime, gcThreshold)
	g.call("qjs_set_module_loader", 1)
	g.call("qjs_set_promise_rejection_handler", 1)
	return nil
}

// moveStack puts the engine's stack into a block of its own.
func (g *guest) moveStack() error {
	base := g.call("wasm_malloc", stackSize)
	sp, ok := g.mod.ExportedGlobal("__stack_pointer").(api.MutableGlobal)
	if base == 0 || !ok {
		return errors.New("no room for the engine's stack")
	}
	sp.Set((base + stackSize) &^ 15)
	return nil
}

// limitStack sets how much of the stack may be used: stackLimit and extra.
func (g *guest) limitStack(extra uint64) {
	g.call("JS_SetMaxStackSize", g.runtime, stackLimit+extra)
}

// limitMemory keeps what the program allocates below n bytes, so that it meets
// an error of the language and not an allocator that fails.
func (g *guest) limitMemory(n int64) { g.call("qjs_set_memory_limit", uint64(n)) }
