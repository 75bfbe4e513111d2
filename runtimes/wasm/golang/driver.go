package golang

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"sandpiper/runtimes/wasm/toolchain"
	"sandpiper/runtimes/wasm/vm"
	"sandpiper/sandbox"
)

// Driver runs Go programs. It implements the engine's Driver.
type Driver struct {
	// Dir is the folder of the toolchain, see package toolchain. Required.
	Dir string

	// Idle is how long the compiler stays in memory. 0 for a default.
	Idle time.Duration

	// Gofmt returns the module of the command gofmt. Required for that command.
	Gofmt func() (vm.Source, error)

	host  *vm.Host
	tools *toolchain.Toolchain

	once         sync.Once // sets the rest
	formatter    *vm.Module
	formatterErr error
}

// Load implements the engine's Driver. There is no module to load.
func (d *Driver) Load(_ context.Context, host *vm.Host, _ vm.Source) error {
	d.host = host
	var err error
	d.tools, err = toolchain.New(toolchain.Config{Set: toolchain.Go, Dir: d.Dir, Idle: d.Idle}, host)
	return err
}

// Close ends the compiler's process.
func (d *Driver) Close() error {
	if d.tools == nil {
		return nil
	}
	return d.tools.Close()
}

// Run builds a program, unless it was built before, and runs it, or its tests. The
// time that building takes is bounded apart from the run's.
func (d *Driver) Run(ctx context.Context, cfg vm.RunConfig, p sandbox.Program) sandbox.Outcome {
	began := time.Now()
	plan, problems := newPlan(p.Files)
	if len(problems) > 0 {
		return failed(cfg, began, "", problems)
	}
	d.tools.Announce(cfg)
	program, report, err := d.tools.Build(ctx, plan.request)
	switch {
	case err != nil:
		return toolchain.Interrupted(ctx, cfg, err)
	case program == nil:
		if report.Problem != "" {
			vm.Note(cfg, report.Problem)
		}
		text := tidy(strings.Join(report.Messages, ""))
		return failed(cfg, began, text, diagnose(text, p.Files))
	}
	defer program.Release()
	if !slices.ContainsFunc(cfg.Env, func(v string) bool { return strings.HasPrefix(v, "TMPDIR=") }) {
		cfg.Env = append(cfg.Env, "TMPDIR=/") // there is no /tmp, and os.CreateTemp is to work
	}
	if plan.tests {
		return runTests(ctx, cfg, p, program.Module)
	}
	cfg.Args = append([]string{"program"}, p.Args...)
	res := program.Module.Run(ctx, cfg, vm.Start)
	if res.Status == sandbox.StatusError {
		res.Diagnostics = diagnosePanic(string(res.StderrTail), p.Files)
	}
	return res.Outcome
}

// runTests runs a program whose main package is that of its tests.
func runTests(ctx context.Context, cfg vm.RunConfig, p sandbox.Program, module *vm.Module) sandbox.Outcome {
	var output tail
	show := cfg.Output
	cfg.Output = func(s sandbox.Stream, b []byte) {
		if s == sandbox.Stdout {
			output.add(b)
		}
		show(s, b)
	}
	cfg.Args = append([]string{"program.test"}, testArguments(p.Args)...)
	res := module.Run(ctx, cfg, vm.Start)
	if res.Status == sandbox.StatusError {
		res.Diagnostics = append(diagnoseTests(output.String(), p.Files), diagnosePanic(string(res.StderrTail), p.Files)...)
	}
	return res.Outcome
}

// tail is the end of what was written to it.
type tail struct{ bytes.Buffer }

func (t *tail) add(b []byte) {
	const most = 64 << 10
	t.Write(b[max(0, len(b)-most):])
	if extra := t.Len() - most; extra > 0 {
		t.Next(extra)
	}
}

// failed is the outcome of a program that could not be built. What is not said yet
// is written to standard error, as the compiler would.
func failed(cfg vm.RunConfig, began time.Time, text string, found []sandbox.Diagnostic) sandbox.Outcome {
	if text == "" {
		text = toolchain.Format(found)
	}
	return toolchain.Failed(cfg, began, text, found)
}

// tidy takes the folder that the compiler worked in from its messages.
func tidy(messages string) string {
	var b strings.Builder
	for line := range strings.Lines(messages) {
		line = strings.TrimPrefix(line, "/"+sourceDir+"/")
		if m := placed().FindStringSubmatch(strings.TrimRight(line, "\n")); m != nil && m[4] != explain(m[4]) {
			line = strings.TrimSuffix(strings.TrimRight(line, "\n"), m[4]) + explain(m[4]) + "\n"
		}
		b.WriteString(line)
	}
	return b.String()
}
