package command

import (
	"context"
	"errors"
	"strings"

	"sandpiper/runtimes/wasm/vm"
	"sandpiper/sandbox"
)

// MainFile stands for the main file's path in Driver.Args.
const MainFile = "{main}"

// Driver runs programs with a command module. Set its fields before Load.
type Driver struct {
	Name      string   // the module's name, which is also its Args[0]
	Args      []string // further arguments; the program's own follow
	Env       []string // "NAME=value"
	Untrusted bool     // the module is not one of ours

	// Diagnose finds the error that ended a program in the end of its stderr.
	// It may be nil.
	Diagnose func(stderr []byte, files []sandbox.File) []sandbox.Diagnostic

	// Hint returns one sentence that helps with the error that ended a program,
	// or "". It may be nil.
	Hint func(stderr []byte, files []sandbox.File) string

	// Parse reads the arguments that the command is given in a sandbox's shell;
	// dir is the working folder and stdin reads all of standard input. It returns
	// the script's path or, when that is "", the text of one; and what follows it.
	// nil takes the first argument for the script.
	Parse func(dir string, args []string, stdin func() (string, error)) (script, text string, rest []string, err error)

	// MakesFolder is a folder that the module makes in its working folder when it
	// starts, for the results of a run. In a sandbox it does not get to.
	MakesFolder string

	module *vm.Module
}

// Load compiles the module.
func (d *Driver) Load(ctx context.Context, host *vm.Host, source vm.Source) error {
	m, err := host.Load(ctx, d.Name, source, vm.LoadOptions{Untrusted: d.Untrusted})
	if err != nil {
		return err
	}
	if !m.Exports("_start") {
		return errors.New("the module exports no _start function: it is not a WASI command")
	}
	d.module = m
	return nil
}

// Run starts the command on the program's main file.
func (d *Driver) Run(ctx context.Context, cfg vm.RunConfig, p sandbox.Program) sandbox.Outcome {
	cfg.Args = d.arguments(p)
	cfg.Env = append(cfg.Env, d.Env...)
	res := d.module.Run(ctx, cfg, vm.Start)
	if res.Status != sandbox.StatusError {
		return res.Outcome
	}
	if d.Diagnose != nil {
		res.Diagnostics = d.Diagnose(res.StderrTail, p.Files)
	}
	if d.Hint != nil {
		if hint := d.Hint(res.StderrTail, p.Files); hint != "" {
			vm.Note(cfg, hint)
		}
	}
	return res.Outcome
}

func (d *Driver) arguments(p sandbox.Program) []string {
	args := []string{d.Name}
	for _, a := range d.Args {
		args = append(args, strings.ReplaceAll(a, MainFile, p.Files[0].Name))
	}
	return append(args, p.Args...)
}
