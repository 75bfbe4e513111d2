package quickjs

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/sys"

	"sandpiper/runtimes/wasm/vm"
)

// Flags of the engine's eval.
const (
	evalScript  = 0
	evalModule  = 1 << 0
	evalCompile = 1 << 5 // compile only
	evalAsync   = 1 << 7 // a script with await, whose value is a promise of an object with its value
)

// Flags of the engine's writer: the first lets functions through.
const (
	writeBytecode = 1 << 0
	writeNoSource = 1 << 4 // leave the source text out
)

// guest is one instance of the engine. Its methods call the engine, so they may
// run program code and can end by unwinding: a call that fails panics with what
// vm.Module.Run or, further out, wazero turns into the result of the run.
type guest struct {
	ctx     context.Context
	run     *vm.Run
	mod     api.Module
	context uint64 // the engine's JSContext
	runtime uint64 // the engine's JSRuntime
	scratch uint64 // 8 bytes of guest memory for results by pointer
}

func newGuest(ctx context.Context, mod api.Module) *guest {
	return &guest{ctx: ctx, run: vm.Current(ctx), mod: mod}
}

// fault is the panic of a guest call that failed. guarded turns it back into the
// error, and where host functions lie in between, wazero does.
type fault struct{ error }

func (f fault) Unwrap() error { return f.error }

var errOutside = fault{errors.New("the engine's allocator returned an address outside its memory")}

// guarded calls f and returns the error of a guest call that panicked in it.
func guarded(f func()) (err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case fault:
			err = p.error
		default:
			panic(p)
		}
	}()
	f()
	return nil
}

// call calls an export that returns nothing or 32 bits.
func (g *guest) call(name string, args ...uint64) uint64 {
	return g.invoke(name, args) & math.MaxUint32
}

// callValue is call for an export that returns a value.
func (g *guest) callValue(name string, args ...uint64) value { return value(g.invoke(name, args)) }

// invoke calls an export. Of a 32-bit result, the upper half is garbage.
func (g *guest) invoke(name string, args []uint64) uint64 {
	res, err := g.run.Call(g.ctx, name, args...)
	if err != nil {
		rethrow(err)
	}
	if len(res) == 0 {
		return 0
	}
	return res[0]
}

// rethrow passes the error of a guest call on to the frames further out. wazero
// lets an exit error through as it is.
func rethrow(err error) {
	var exit *sys.ExitError
	if errors.As(err, &exit) {
		panic(exit)
	}
	panic(fault{err})
}

// alloc copies b and a zero byte into the guest. The result is 0 when the guest
// has no memory left; otherwise release frees it.
func (g *guest) alloc(b string) uint64 {
	p := g.call("wasm_malloc", uint64(len(b)+1))
	if p == 0 {
		return 0
	}
	mem := g.mod.Memory()
	if !mem.WriteString(uint32(p), b) || !mem.WriteByte(uint32(p)+uint32(len(b)), 0) {
		panic(errOutside)
	}
	return p
}

func (g *guest) release(p uint64) { g.call("wasm_free", p) }

// outOfMemory throws the engine's error of that name.
func (g *guest) outOfMemory() value { return g.callValue("JS_ThrowOutOfMemory", g.context) }

// text makes a string value, or throws.
func (g *guest) text(s string) value {
	p := g.alloc(s)
	if p == 0 {
		return g.outOfMemory()
	}
	defer g.release(p)
	return g.callValue("JS_NewStringLen", g.context, p, uint64(len(s)))
}

// data makes a Uint8Array with a copy of b, or throws.
func (g *guest) data(b []byte) value {
	p := g.alloc(string(b))
	if p == 0 {
		return g.outOfMemory()
	}
	defer g.release(p)
	return g.callValue("JS_NewUint8ArrayCopy", g.context, p, uint64(len(b)))
}

// maxCopy is how much of a string or of bytes is copied out of the guest, in
// bytes. What is longer is cut there: no operation takes that much.
const maxCopy = maxFile + 1

// str returns a copy of the string that v is; ok is false for anything else.
// Surrogates that stand alone are encoded as such, which is not valid UTF-8.
func (g *guest) str(v value) (s string, ok bool) { return g.strUpTo(v, maxCopy) }

// maxPath is the longest path or module name that means something, in bytes.
const maxPath = 4096

// name is str for a path, a module's name or some other word. Of a longer string
// it returns one byte more than maxPath, which means nothing: a guest must not
// have the host copy megabytes again and again while it looks for a file.
func (g *guest) name(v value) (s string, ok bool) { return g.strUpTo(v, maxPath+1) }

// strUpTo is str for the first most bytes.
func (g *guest) strUpTo(v value, most int64) (s string, ok bool) {
	if !v.isString() {
		return "", false
	}
	p := g.call("JS_ToCStringLen2", g.context, g.scratch, uint64(v), 0)
	if p == 0 {
		g.free(g.caught())
		return "", false
	}
	defer g.call("JS_FreeCString", g.context, p)
	b, ok := g.slice(p)
	return string(b[:min(int64(len(b)), most)]), ok
}

// bytes returns a copy of the Uint8Array that v is; ok is false for anything else.
func (g *guest) bytes(v value) (b []byte, ok bool) { return g.bytesUpTo(v, maxCopy) }

// bytesUpTo is bytes for the first most of them.
func (g *guest) bytesUpTo(v value, most int64) (b []byte, ok bool) {
	if !v.isObject() {
		return nil, false
	}
	p := g.call("JS_GetUint8Array", g.context, g.scratch, uint64(v))
	if p == 0 {
		g.free(g.caught())
		return nil, false
	}
	b, ok = g.slice(p)
	return append([]byte(nil), b[:min(int64(len(b)), most)]...), ok
}

// slice returns the bytes at p whose number a call has left in scratch. They are
// good until the next call of the guest.
func (g *guest) slice(p uint64) ([]byte, bool) {
	n, ok := g.mod.Memory().ReadUint32Le(uint32(g.scratch))
	if !ok {
		return nil, false
	}
	return g.mod.Memory().Read(uint32(p), n)
}

// free gives up a value.
func (g *guest) free(v value) {
	if !v.isFloat() && v.tag() < 0 {
		g.call("JS_FreeValue", g.context, uint64(v))
	}
}

// eval compiles and, unless the flags say otherwise, runs source code.
func (g *guest) eval(source, file string, flags uint64) value {
	code := g.alloc(source)
	name := g.alloc(file)
	if code == 0 || name == 0 {
		return g.outOfMemory()
	}
	defer g.release(code)
	defer g.release(name)
	return g.callValue("JS_Eval", g.context, code, uint64(len(source)), name, flags)
}

// compile returns the bytecode of a script.
func (g *guest) compile(source, file string) ([]byte, error) {
	f := g.eval(source, file, evalScript|evalCompile)
	if f == exception {
		return nil, fmt.Errorf("compile %s: %s", file, g.describe(g.caught()))
	}
	defer g.free(f)
	p := g.call("JS_WriteObject", g.context, g.scratch, uint64(f), writeBytecode|writeNoSource)
	b, ok := g.slice(p)
	if p == 0 || !ok {
		return nil, fmt.Errorf("compile %s: no bytecode", file)
	}
	return append([]byte(nil), b...), nil
}

// load runs bytecode that compile made and returns its completion value.
func (g *guest) load(bytecode []byte) value {
	p := g.alloc(string(bytecode))
	if p == 0 {
		return g.outOfMemory()
	}
	defer g.release(p)
	f := g.callValue("JS_ReadObject", g.context, p, uint64(len(bytecode)), writeBytecode)
	if f == exception {
		return exception
	}
	return g.callValue("JS_EvalFunction", g.context, uint64(f)) // consumes f
}

// apply calls the function f; the arguments stay the caller's.
func (g *guest) apply(f value, args ...value) value {
	if len(args) == 0 {
		return g.callValue("JS_Call", g.context, uint64(f), uint64(undefined), 0, 0)
	}
	list := g.call("wasm_malloc", uint64(8*len(args)))
	if list == 0 {
		return g.outOfMemory()
	}
	defer g.release(list)
	for i, a := range args {
		if !g.mod.Memory().WriteUint64Le(uint32(list)+uint32(8*i), uint64(a)) {
			panic(errOutside)
		}
	}
	return g.callValue("JS_Call", g.context, uint64(f), uint64(undefined), uint64(len(args)), list)
}

// get returns a property; the caller frees it.
func (g *guest) get(object value, name string) value {
	p := g.alloc(name)
	if p == 0 {
		return g.outOfMemory()
	}
	defer g.release(p)
	return g.callValue("JS_GetPropertyStr", g.context, uint64(object), p)
}

// set sets a property to v, which it takes over.
func (g *guest) set(object value, name string, v value) {
	p := g.alloc(name)
	if p == 0 {
		g.free(v)
		g.outOfMemory()
		return
	}
	defer g.release(p)
	g.call("JS_SetPropertyStr", g.context, uint64(object), p, uint64(v))
}

// caught takes the exception that was thrown last; the caller frees it.
func (g *guest) caught() value { return g.callValue("JS_GetException", g.context) }

// throw makes v, which it takes over, the current exception.
func (g *guest) throw(v value) value { return g.callValue("JS_Throw", g.context, uint64(v)) }

// describe returns v's message for people who look at the host's errors.
func (g *guest) describe(v value) string {
	defer g.free(v)
	if s, ok := g.str(v); ok {
		return s
	}
	m := g.get(v, "message")
	defer g.free(m)
	st := g.get(v, "stack")
	defer g.free(st)
	text, _ := g.str(m)
	stack, _ := g.str(st)
	return text + "\n" + stack
}

// runJobs runs pending promise jobs until there are none or one throws: then
// failed is true and the exception is waiting to be caught. It is for the event loop
// only.
func (g *guest) runJobs() (ran bool, failed bool) {
	for g.call("JS_IsJobPending", g.runtime) != 0 {
		ran = true
		if int32(g.call("JS_ExecutePendingJob", g.runtime, g.scratch)) < 0 {
			return true, true
		}
	}
	return ran, false
}
