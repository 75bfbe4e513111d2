package ruby

import (
	"context"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"sandpiper/runtimes/wasm/vm"
)

// function is a host function that the module imports: its name and one letter
// for each parameter and result, i for an i32 and d for an f64.
type function struct{ name, params, results string }

// handleFunctions keep Ruby values alive while the host refers to them. The host
// never does, so a handle is the value itself.
var handleFunctions = []function{
	{"resource_new_rb-abi-value", "i", "i"},
	{"resource_get_rb-abi-value", "i", "i"},
	{"resource_drop_js-abi-value", "i", ""},
}

// javaScriptFunctions are behind the library js, which is for Ruby in a web
// page.
var javaScriptFunctions = []function{
	{"rb_wasm_throw_prohibit_rewind_exception", "ii", ""},
	{"eval-js: func(code: string) -> variant { success(handle<js-abi-value>), failure(handle<js-abi-value>) }", "iii", ""},
	{"is-js: func(value: handle<js-abi-value>) -> bool", "i", "i"},
	{"instance-of: func(value: handle<js-abi-value>, klass: handle<js-abi-value>) -> bool", "ii", "i"},
	{"global-this: func() -> handle<js-abi-value>", "", "i"},
	{"int-to-js-number: func(value: s32) -> handle<js-abi-value>", "i", "i"},
	{"float-to-js-number: func(value: float64) -> handle<js-abi-value>", "d", "i"},
	{"string-to-js-string: func(value: string) -> handle<js-abi-value>", "ii", "i"},
	{"bool-to-js-bool: func(value: bool) -> handle<js-abi-value>", "i", "i"},
	{"proc-to-js-function: func(value: u32) -> handle<js-abi-value>", "i", "i"},
	{"rb-object-to-js-rb-value: func(raw-rb-abi-value: u32) -> handle<js-abi-value>", "i", "i"},
	{"js-value-to-string: func(value: handle<js-abi-value>) -> string", "ii", ""},
	{"js-value-to-integer: func(value: handle<js-abi-value>) -> variant { as-float(float64), bignum(string) }", "ii", ""},
	{"export-js-value-to-host: func(value: handle<js-abi-value>) -> ()", "i", ""},
	{"import-js-value-from-host: func() -> handle<js-abi-value>", "", "i"},
	{"js-value-typeof: func(value: handle<js-abi-value>) -> string", "ii", ""},
	{"js-value-equal: func(lhs: handle<js-abi-value>, rhs: handle<js-abi-value>) -> bool", "ii", "i"},
	{"js-value-strictly-equal: func(lhs: handle<js-abi-value>, rhs: handle<js-abi-value>) -> bool", "ii", "i"},
	{"reflect-apply: func(target: handle<js-abi-value>, this-argument: handle<js-abi-value>, arguments: list<handle<js-abi-value>>) -> variant { success(handle<js-abi-value>), failure(handle<js-abi-value>) }", "iiiii", ""},
	{"reflect-get: func(target: handle<js-abi-value>, property-key: string) -> variant { success(handle<js-abi-value>), failure(handle<js-abi-value>) }", "iiii", ""},
	{"reflect-set: func(target: handle<js-abi-value>, property-key: string, value: handle<js-abi-value>) -> variant { success(handle<js-abi-value>), failure(handle<js-abi-value>) }", "iiiii", ""},
}

// defineHandles adds handleFunctions: they leave their argument as the result.
func defineHandles(b wazero.HostModuleBuilder) {
	define(b, handleFunctions, func(context.Context, api.Module, []uint64) {})
}

// defineJavaScript adds javaScriptFunctions: they end the program and say why.
func defineJavaScript(b wazero.HostModuleBuilder) {
	define(b, javaScriptFunctions, func(ctx context.Context, _ api.Module, _ []uint64) {
		run := vm.Current(ctx)
		run.Note("the library js needs a web page around Ruby, which is not there")
		run.Exit(1)
	})
}

func define(b wazero.HostModuleBuilder, functions []function, call api.GoModuleFunc) {
	for _, f := range functions {
		b.NewFunctionBuilder().WithGoModuleFunction(call, valueTypes(f.params), valueTypes(f.results)).Export(f.name)
	}
}

func valueTypes(letters string) []api.ValueType {
	types := make([]api.ValueType, len(letters))
	for i, letter := range letters {
		types[i] = api.ValueTypeI32
		if letter == 'd' {
			types[i] = api.ValueTypeF64
		}
	}
	return types
}
