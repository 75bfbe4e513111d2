package quickjs

import (
	"context"
	"slices"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// importModule is the name of the module that the engine imports from the host.
const importModule = "env"

// hostImports are the functions that the engine imports. Each finds its session
// in the context of the guest call that led to it.
var hostImports = map[string]func(wazero.HostModuleBuilder){importModule: defineImports}

func defineImports(b wazero.HostModuleBuilder) {
	const i32 = api.ValueTypeI32
	for _, f := range []struct {
		name    string
		params  int
		results int
		do      func(s *session, stack []uint64)
	}{
		{"host_call", 5, 1, hostCall},
		{"host_module_normalize", 2, 1, hostNormalize},
		{"host_module_load", 2, 1, hostLoad},
		{"host_promise_rejection", 3, 0, hostRejection},
		{"host_interrupt", 0, 1, hostInterrupt},
		{"host_get_timezone_offset", 2, 1, hostNothing}, // local time is UTC
	} {
		params := slices.Repeat([]api.ValueType{i32}, f.params)
		results := []api.ValueType{i32}[:f.results]
		b.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(func(ctx context.Context, _ api.Module, stack []uint64) {
			f.do(sessionOf(ctx), stack)
		}), params, results).Export(f.name)
	}
}

// hostInterrupt says whether the engine has to stop what it does. If so it is to
// ask again soon: what it stops may be the making of an error's stack, whose
// failure nobody hears of. Soon is after it has called stackTrace for the error that
// this makes.
func hostInterrupt(s *session, stack []uint64) {
	stack[0] = 0
	if s.cell.stopped() {
		stack[0] = 1
		s.pollIn(3)
	}
}

func hostNothing(_ *session, stack []uint64) { stack[0] = 0 }

// The names of the two host functions that the prelude gets.
const (
	callName  = "host"
	stackName = "stack"
)

// minArgs is how many arguments an operation sees at least.
const minArgs = 3

// maxArgs is how many it sees at most.
const maxArgs = 8

// hostCall is called for every call of a host function: with its name, this,
// and the arguments as pointers to values that stay the engine's. It returns a
// pointer to the result, or 0 after throwing.
func hostCall(s *session, stack []uint64) {
	name, ok := s.mod.Memory().Read(uint32(stack[0]), uint32(stack[1]))
	args := s.arguments(uint32(stack[3]), uint32(stack[4]))
	var result value
	switch {
	case !ok:
		result = s.misuse(callName)
	case string(name) == stackName:
		result = s.stackTrace(args)
	default:
		result = s.operate(args)
	}
	stack[0] = s.box(result)
}

// operate carries out the operation whose index is the first argument.
func (s *session) operate(args []value) value {
	i := args[0].integer()
	if i < 0 || i >= len(operations) {
		return s.misuse(callName)
	}
	return operations[i].do(s, args[1:])
}

// arguments reads the argument list of a host call. It is at least minArgs+1
// long; what is missing is undefined.
func (s *session) arguments(count, list uint32) []value {
	args := make([]value, max(minArgs+1, min(count, maxArgs)))
	mem := s.mod.Memory()
	for i := range args {
		args[i] = undefined
		if uint32(i) >= count {
			continue
		}
		p, ok := mem.ReadUint32Le(list + 4*uint32(i))
		if v, ok2 := mem.ReadUint64Le(p); ok && ok2 {
			args[i] = value(v)
		}
	}
	return args
}

// box puts a result into memory of its own, which the engine frees.
func (s *session) box(v value) uint64 {
	if v == exception {
		return 0
	}
	p := s.call("wasm_malloc", 8)
	if p == 0 {
		s.free(v)
		s.outOfMemory()
		return 0
	}
	if !s.mod.Memory().WriteUint64Le(uint32(p), uint64(v)) {
		panic(errOutside)
	}
	return p
}

// misuse throws for a host call that the prelude never makes.
func (s *session) misuse(what string) value {
	return s.throwError("ERR_INVALID_ARG_TYPE", "TypeError", "wrong arguments for "+what, "")
}

// hostRejection passes the engine's news of a rejected promise on to the
// prelude, which keeps the list in the guest's own memory.
func hostRejection(s *session, stack []uint64) {
	mem := s.mod.Memory()
	promise, ok1 := mem.ReadUint64Le(uint32(stack[0]))
	reason, ok2 := mem.ReadUint64Le(uint32(stack[1]))
	if ok1 && ok2 && s.api != nil {
		s.rejections = true
		r := s.apply(s.api["rejection"], value(promise), value(reason), boolean(uint32(stack[2]) != 0))
		if r == exception {
			s.lostRejection(s.caught())
		}
		s.free(r)
	}
	s.call("qjs_free_value", uint64(uint32(stack[0])))
	s.call("qjs_free_value", uint64(uint32(stack[1])))
}

// lostRejection ends a program of which a rejected promise could not be noted
// because there was no memory left for the list: it would go on and on, since the
// promise itself is given up again.
func (s *session) lostRejection(err value) {
	if strings.HasPrefix(s.describe(err), "out of memory") {
		s.memoryFull = true
		s.write(outOfMemoryText + "\n")
		s.run.Note(s.memoryNote())
		s.run.Exit(exitUncaught)
	}
}

// stackTrace makes the text of an error's stack property. It works where a
// program has used up its stack, for then an error most needs one.
func (s *session) stackTrace(args []value) value {
	s.limitStack(stackErrors)
	defer s.limitStack(0)
	if c := s.cell; c != nil && c.interrupted { // that is what the error is about
		c.interrupted = false
		defer func() { c.interrupted = true; s.pollIn(0) }()
	}
	return s.apply(s.api["prepareStack"], args[0], args[1])
}
