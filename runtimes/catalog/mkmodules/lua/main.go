// Command lua is the Lua 5.1 runtime of the catalogue, built for WASI: it runs a
// script file the way the lua command does.
//
//	lua main.lua [args]
//
// What the sandbox has no means for, processes above all, is an error that says
// so.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/parse"
)

// Bounds of the interpreter. The depth of calls is that of Lua 5.1 itself.
const (
	callDepth    = 10_000
	registryMin  = 4 << 10 // values on the stack
	registryMax  = 1 << 20
	registryStep = 64 << 10
)

func main() {
	// The memory of a guest never shrinks, so garbage is better collected early.
	debug.SetGCPercent(50)
	debug.SetTraceback("none")
	// Lua has no means to make the folder whose files come back from a run.
	_ = os.Mkdir("out", 0o777)
	os.Exit(run(os.Args, os.Stderr))
}

// run runs the script that args name and returns the exit code.
func run(args []string, stderr io.Writer) int {
	if len(args) < 2 {
		fmt.Fprintln(stderr, "usage: lua script.lua [args]")
		return 2
	}
	state := newState(args)
	defer state.Close()
	chunk, err := state.LoadFile(args[1])
	if err == nil {
		state.Push(chunk)
		for _, arg := range args[2:] {
			state.Push(lua.LString(arg))
		}
		err = state.PCall(len(args)-2, 0, nil)
	}
	if err != nil {
		fmt.Fprintln(stderr, "lua: "+message(state, err))
		return 1
	}
	return 0
}

// newState returns an interpreter with the standard library, less what needs
// processes, and with the arguments in the table arg.
func newState(args []string) *lua.LState {
	state := lua.NewState(lua.Options{
		CallStackSize:    callDepth,
		RegistrySize:     registryMin,
		RegistryMaxSize:  registryMax,
		RegistryGrowStep: registryStep,
	})
	arg := state.NewTable()
	for i, a := range args {
		state.RawSetInt(arg, i-1, lua.LString(a))
	}
	state.SetGlobal("arg", arg)
	state.SetField(state.GetGlobal("package"), "path", lua.LString("./?.lua;./?/init.lua"))
	for _, name := range []string{"os.execute", "io.popen"} {
		library, function, _ := strings.Cut(name, ".")
		state.SetField(state.GetGlobal(library), function, state.NewFunction(noProcesses(name)))
	}
	return state
}

func noProcesses(name string) lua.LGFunction {
	return func(state *lua.LState) int {
		state.RaiseError("%s: there are no other programs in this sandbox", name)
		return 0
	}
}

// message is an error as the lua command would print it.
func message(state *lua.LState, err error) string {
	var api *lua.ApiError
	if !errors.As(err, &api) {
		return err.Error()
	}
	if syntax, ok := api.Cause.(*parse.Error); ok {
		return syntaxMessage(syntax)
	}
	if api.Type == lua.ApiErrorFile {
		return api.Object.String()
	}
	return strings.TrimSpace(text(state, api.Object) + "\n" + api.StackTrace)
}

// text is an error value as the lua command prints it.
func text(state *lua.LState, v lua.LValue) string {
	if _, ok := v.(*lua.LTable); ok && state.GetMetaField(v, "__tostring") == lua.LNil {
		return "(error object is a table value)"
	}
	return state.ToStringMeta(v).String()
}

func syntaxMessage(e *parse.Error) string {
	if e.Pos.Line == parse.EOF {
		return fmt.Sprintf("%s: %s near <eof>", e.Pos.Source, e.Message)
	}
	return fmt.Sprintf("%s:%d:%d: %s near '%s'", e.Pos.Source, e.Pos.Line, e.Pos.Column, e.Message, e.Token)
}
