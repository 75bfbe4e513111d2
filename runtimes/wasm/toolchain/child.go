package toolchain

import (
	"cmp"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"sandpiper/runtimes/catalog"
	"sandpiper/runtimes/wasm/jail"
	"sandpiper/runtimes/wasm/vm"
	"sandpiper/sandbox"
)

// childVariable makes the program a child when it is set in its environment, to the
// name of a set.
const childVariable = "SANDPIPER_TOOLCHAIN_CHILD"

// Bounds on a build, in the child.
const (
	maxMessages = 128 << 10 // bytes that a tool may print
	maxJob      = 256 << 20 // bytes that tools may write
	maxJobFiles = 4000
	maxProgram  = 64 << 20         // bytes of a module
	stepTime    = 40 * time.Second // of CPU; more goes by on a busy machine
)

// A child never gets further than here. It ends with its input, so also when the
// server does.
func init() {
	name := os.Getenv(childVariable)
	if name == "" {
		return
	}
	os.Clearenv()
	if err := childMain(name); err != nil {
		fmt.Fprintln(os.Stderr, "toolchain:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// child builds programs. Its working folder is the toolchain's.
type child struct {
	set   Set
	base  string // the working folder, as an absolute name
	host  *vm.Host
	sdk   string // folder
	tools map[string]*tool
}

// tool is a compiler, loaded when it is first needed.
type tool struct {
	mu     sync.Mutex // held while it is loaded
	module *vm.Module // nil until then
}

func childMain(name string) error {
	set, err := find(name)
	if err != nil {
		return err
	}
	if err := confine(); err != nil {
		return err
	}
	base, err := baseFolder()
	if err != nil {
		return err
	}
	debug.SetGCPercent(50) // machine code and tools take enough
	host, err := vm.New(vm.Config{
		CacheDir: filepath.Join(base, "tools"), MaxMemoryBytes: set.Memory,
		Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		return err
	}
	c := &child{set: set, base: base, host: host, tools: map[string]*tool{}}
	for t := range set.Tools {
		c.tools[t] = &tool{}
	}
	return c.serve(gob.NewDecoder(os.Stdin), gob.NewEncoder(os.Stdout))
}

// serve carries out orders until there are no more.
func (c *child) serve(in receiver, out sender) error {
	orders := make(chan order)
	var mu sync.Mutex
	var cancel context.CancelFunc = func() {}
	go func() {
		for {
			var o order
			if err := in.Decode(&o); err != nil {
				os.Exit(0) // the server has ended, or wants this to end
			}
			if o.Cancel {
				mu.Lock()
				cancel()
				mu.Unlock()
				continue
			}
			orders <- o
		}
	}()
	for o := range orders {
		ctx, stop := context.WithCancel(context.Background())
		mu.Lock()
		cancel = stop
		mu.Unlock()
		report, err := c.obey(ctx, o)
		stop()
		a := answer{Report: report}
		if err != nil {
			a.Error = err.Error()
		}
		if err := out.Encode(a); err != nil {
			return err
		}
	}
	return nil
}

func (c *child) obey(ctx context.Context, o order) (Report, error) {
	if !o.Prepare && !o.Request.needsTools() {
		return c.build(ctx, o)
	}
	if err := c.unpack(); err != nil {
		return Report{}, err
	}
	if o.Prepare {
		return Report{}, c.prepare(ctx)
	}
	go c.prepare(ctx) // those that later steps need, beside the first step
	return c.build(ctx, o)
}

// prepare loads all tools.
func (c *child) prepare(ctx context.Context) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(c.tools)) {
		_, err := c.tool(ctx, name)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// tool returns a tool, which is loaded when it was not yet.
func (c *child) tool(ctx context.Context, name string) (*vm.Module, error) {
	t := c.tools[name]
	if t == nil {
		return nil, fmt.Errorf("the toolchain %s has no %q", c.set.Name, name)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.module != nil {
		return t.module, nil
	}
	module, err := catalog.FindModule(c.set.Tools[name])
	if err != nil {
		return nil, err
	}
	// A build that is not wanted any more does not end the loading.
	t.module, err = c.host.Load(context.WithoutCancel(ctx), name, vm.Source(module), vm.LoadOptions{})
	return t.module, err
}

// build carries out a request in its job's folder. The folder has the program as
// program.wasm, and its machine code, when the report says no failure; what is raw
// stays where the tools left it.
func (c *child) build(ctx context.Context, o order) (Report, error) {
	job := filepath.Join("jobs", o.Job)
	work := filepath.Join(job, workFolder)
	if err := c.write(work, o.Request.Files); err != nil {
		return Report{}, err
	}
	var r Report
	for _, s := range o.Request.Steps {
		module, err := c.tool(ctx, s.Tool)
		if err != nil {
			return r, err
		}
		messages, outcome, err := c.run(ctx, module, work, s)
		if err != nil {
			return r, err
		}
		r.Messages = append(r.Messages, messages)
		if outcome.Status != sandbox.StatusOK {
			r.Failed = true
			if outcome.Status != sandbox.StatusError {
				r.Messages, r.Problem = nil, "The compiler did not get to its end: "+outcome.Message
			}
			return r, context.Cause(ctx)
		}
	}
	if o.Raw {
		return r, nil
	}
	problem, err := c.compile(ctx, filepath.Join(work, o.Request.Result), job)
	if problem != "" {
		r.Failed, r.Problem = true, problem
	}
	return r, errors.Join(err, os.RemoveAll(work))
}

// write makes the working folder with the files of a request.
func (c *child) write(work string, files []File) error {
	if err := os.MkdirAll(filepath.Join(work, "tmp"), 0o700); err != nil {
		return err
	}
	root, err := os.OpenRoot(work)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, f := range files {
		content := f.Content
		if f.After != "" {
			base, err := os.ReadFile(filepath.Join(c.sdk, f.After))
			if err != nil {
				return err
			}
			content = append(base, content...)
		}
		if err := root.MkdirAll(filepath.Dir(f.Name), 0o700); err != nil {
			return err
		}
		if err := root.WriteFile(f.Name, content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// run runs one tool and returns what it printed.
func (c *child) run(ctx context.Context, module *vm.Module, work string, s Step) (string, sandbox.Outcome, error) {
	own, err := os.OpenRoot(work)
	if err != nil {
		return "", sandbox.Outcome{}, err
	}
	defer own.Close()
	const open = 256
	files := jail.New(own, jail.Limits{Bytes: maxJob, Files: maxJobFiles, OpenFiles: open})
	var printed []byte
	cfg := vm.RunConfig{
		Limits: sandbox.Limits{
			Wall: buildTime, CPU: stepTime, MemoryBytes: c.set.Memory, OutputBytes: maxMessages,
			FileBytes: maxJob, Files: maxJobFiles, OpenFiles: open,
		},
		Output: func(_ sandbox.Stream, p []byte) { printed = append(printed, p...) },
		Args:   append([]string{cmp.Or(s.As, s.Tool)}, s.Args...),
		Env:    []string{"PWD=/", "HOME=/", "TMPDIR=/tmp"},
		Mounts: []vm.Mount{{Path: "/", FS: files}, {Path: "/sdk", FS: jail.NewLibrary(os.DirFS(c.sdk), open)}},
	}
	res := module.Run(ctx, cfg, vm.Start)
	return string(printed), res.Outcome, files.Close()
}

// compile makes machine code of the module in file, and leaves both in job.
func (c *child) compile(ctx context.Context, file, job string) (problem string, err error) {
	if info, err := os.Stat(file); err != nil || info.Size() > maxProgram {
		return fmt.Sprintf("The program is larger than %d MiB.", maxProgram>>20), err
	}
	wasm, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	module, err := c.host.Load(ctx, "the program", vm.Binary(wasm), programOptions(filepath.Join(c.base, job)))
	if err != nil {
		return "The program cannot be run here: " + err.Error(), context.Cause(ctx)
	}
	return "", errors.Join(c.host.Unload(ctx, module), os.Rename(file, filepath.Join(job, programFile)))
}

// programOptions are those of everything that is built.
func programOptions(folder string) vm.LoadOptions {
	return vm.LoadOptions{Untrusted: true, Folder: folder}
}
