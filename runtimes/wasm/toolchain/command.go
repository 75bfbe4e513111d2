package toolchain

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"sandpiper/runtimes/wasm/home"
	"sandpiper/runtimes/wasm/vm"
	"sandpiper/sandbox"
)

// ModuleCommand is the name of the command that runs a WebAssembly program: what a
// compiler made in a sandbox, or what came from elsewhere. A shell calls it for
// files that begin with ModuleMagic.
const (
	ModuleCommand = "wasm"
	ModuleMagic   = "\x00asm"
)

// Exit codes of commands.
const (
	ExitFailed  = 1
	ExitUsage   = 2
	exitNoExec  = 126
	exitUnknown = 127
)

// Say writes a line to a command's standard error and returns its outcome.
func Say(cfg vm.RunConfig, code int, format string, args ...any) sandbox.Outcome {
	text := fmt.Sprintf(format, args...)
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	cfg.Output(sandbox.Stderr, []byte(text))
	return Exit(code)
}

// Exit is the outcome of a command that ended by itself.
func Exit(code int) sandbox.Outcome {
	if code == 0 {
		return sandbox.Outcome{Status: sandbox.StatusOK}
	}
	return sandbox.Outcome{Status: sandbox.StatusError, ExitCode: code}
}

// Broken is the outcome of a command whose build was not carried out, because of err,
// which Build or Make returned.
func Broken(ctx context.Context, cfg vm.RunConfig, command string, err error) sandbox.Outcome {
	o := Interrupted(ctx, cfg, err)
	if ctx.Err() == nil {
		Say(cfg, ExitFailed, "%s: %s", command, o.Message)
	}
	return o
}

// ExecModule is the command "wasm": its first argument names a WebAssembly program,
// which gets them all.
func (t *Toolchain) ExecModule(ctx context.Context, cfg vm.RunConfig, inv vm.Invocation) sandbox.Outcome {
	if len(inv.Args) == 0 {
		return Say(cfg, ExitUsage, "usage: %s FILE [ARGUMENT...]", ModuleCommand)
	}
	files, err := home.Open(cfg, inv.Dir)
	if err != nil {
		return Say(cfg, exitNoExec, "%s: %v", ModuleCommand, err)
	}
	wasm, err := files.Read(inv.Args[0])
	if err != nil {
		return Say(cfg, exitUnknown, "%s: %v", ModuleCommand, err)
	}
	if !bytes.HasPrefix(wasm, []byte(ModuleMagic)) {
		return Say(cfg, exitNoExec, "%s: %s: not a WebAssembly program", ModuleCommand, inv.Args[0])
	}
	program, report, err := t.Build(ctx, Request{Files: []File{{Name: programFile, Content: wasm}}, Result: programFile})
	switch {
	case err != nil:
		return Broken(ctx, cfg, inv.Args[0], err)
	case program == nil:
		return Say(cfg, exitNoExec, "%s: %s", inv.Args[0], report.Problem)
	}
	defer program.Release()
	if !program.Module.Exports("_start") {
		return Say(cfg, exitNoExec, "%s: it exports no _start function: it is not a WASI command", inv.Args[0])
	}
	cfg.Args = slices.Clone(inv.Args)
	return program.Module.Run(ctx, cfg, vm.Start).Outcome
}
