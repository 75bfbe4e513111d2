package golang

import (
	"context"
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"

	"sandpiper/runtimes/wasm/home"
	"sandpiper/runtimes/wasm/toolchain"
	"sandpiper/runtimes/wasm/vm"
	"sandpiper/sandbox"
)

// Commands returns the commands that Exec knows. The engine asks for them.
func (d *Driver) Commands() []string { return []string{"go", "gofmt", toolchain.ModuleCommand} }

// Exec runs a command in a sandbox's shell: go, gofmt, or a program that was built.
func (d *Driver) Exec(ctx context.Context, cfg vm.RunConfig, inv vm.Invocation) sandbox.Outcome {
	switch inv.Name {
	case "gofmt":
		return d.gofmt(ctx, cfg, inv.Args)
	case toolchain.ModuleCommand:
		return d.tools.ExecModule(ctx, cfg, inv)
	}
	files, err := home.Open(cfg, inv.Dir)
	if err != nil {
		return toolchain.Say(cfg, toolchain.ExitFailed, "go: %v", err)
	}
	c := &command{driver: d, cfg: cfg, files: files, dir: inv.Dir}
	if len(inv.Args) == 0 {
		return c.say(toolchain.ExitUsage, "%s", usage)
	}
	verb, args := inv.Args[0], inv.Args[1:]
	do, ok := verbs[verb]
	if !ok {
		return c.say(toolchain.ExitUsage, "go %s: unknown command, or not available here\nRun 'go help' for usage.", verb)
	}
	return do(c, ctx, args)
}

// command is one call of the command go.
type command struct {
	driver *Driver
	cfg    vm.RunConfig
	files  *home.Home
	dir    string // the working folder
}

const usage = `The commands of Go that are here:

	go run [packages or files] [arguments]   compile and run a program
	go build [-o file] [packages]            compile; ./file runs it
	go test [flags] [packages]               run tests, benchmarks and examples
	go vet [packages]                        report likely mistakes
	go fmt [packages]                        format sources; gofmt is here as well
	go mod init [path]                       make a go.mod
	go env [names], go version

Modules from elsewhere, cgo and the race detector need a container sandbox.
`

var verbs = map[string]func(c *command, ctx context.Context, args []string) sandbox.Outcome{
	"run": (*command).run, "build": (*command).build, "test": (*command).test, "vet": (*command).vet, "fmt": (*command).format,
	"mod": (*command).mod, "env": (*command).env, "version": (*command).version, "help": (*command).help,
	"get": (*command).download, "install": (*command).download,
}

// say writes to standard error and returns the outcome.
func (c *command) say(code int, format string, args ...any) sandbox.Outcome {
	return toolchain.Say(c.cfg, code, format, args...)
}

// print writes to standard output.
func (c *command) print(format string, args ...any) {
	c.cfg.Output(sandbox.Stdout, fmt.Appendf(nil, format, args...))
}

// run is `go run`.
func (c *command) run(ctx context.Context, args []string) sandbox.Outcome {
	args, err := flags(args, nil)
	if err != nil {
		return c.say(toolchain.ExitUsage, "go: %v", err)
	}
	target, args, err := c.runTarget(args)
	if err != nil {
		return c.say(toolchain.ExitFailed, "go: %v", err)
	}
	plan, o := c.plan(target, toRun)
	if plan == nil {
		return o
	}
	c.driver.tools.Announce(c.cfg)
	program, report, err := c.driver.tools.Build(ctx, plan.request)
	switch {
	case err != nil:
		return toolchain.Broken(ctx, c.cfg, "go", err)
	case program == nil:
		return c.failed(target, report)
	}
	defer program.Release()
	cfg := c.cfg
	cfg.Args = append([]string{"/tmp/go-build/" + target.binary()}, args...)
	o = program.Module.Run(ctx, cfg, vm.Start).Outcome
	if o.Status == sandbox.StatusError && o.Signal == "" {
		return c.say(toolchain.ExitFailed, "exit status %d", o.ExitCode)
	}
	return o
}

// runTarget takes what `go run` runs from its arguments: files of one package, or a
// package.
func (c *command) runTarget(args []string) (*target, []string, error) {
	n := 0
	for n < len(args) && strings.HasSuffix(args[n], ".go") {
		n++
	}
	if n > 0 {
		t, err := c.ofFiles(args[:n])
		return t, args[n:], err
	}
	if len(args) == 0 {
		return nil, nil, fmt.Errorf("no go files listed: try `go run .`")
	}
	t, err := c.ofFolder(args[0])
	return t, args[1:], err
}

// build is `go build`.
func (c *command) build(ctx context.Context, args []string) sandbox.Outcome {
	out := ""
	args, err := flags(args, map[string]*string{"o": &out})
	if err != nil {
		return c.say(toolchain.ExitUsage, "go: %v", err)
	}
	targets, err := c.targets(args)
	if err != nil {
		return c.say(toolchain.ExitFailed, "go: %v", err)
	}
	if out != "" && len(targets) > 1 {
		return c.say(toolchain.ExitFailed, "go: -o with several packages is not available here: build one at a time")
	}
	outcome := toolchain.Exit(0)
	for _, t := range targets {
		if len(targets) > 1 && len(sources(t.folders[t.root], false)) == 0 {
			continue // it has tests only
		}
		if o := c.buildOne(ctx, t, out, len(targets) == 1); o.Status != sandbox.StatusOK {
			outcome = o
		}
	}
	return outcome
}

// buildOne compiles one package, and leaves a program where that is wanted.
func (c *command) buildOne(ctx context.Context, t *target, out string, keep bool) sandbox.Outcome {
	goal := toCheck
	if keep && t.isMain() {
		goal = toRun
	}
	plan, o := c.plan(t, goal)
	if plan == nil {
		return o
	}
	c.driver.tools.Announce(c.cfg)
	program, report, err := c.driver.tools.Make(ctx, plan.request)
	switch {
	case err != nil:
		return toolchain.Broken(ctx, c.cfg, "go", err)
	case report.Failed:
		return c.failed(t, report)
	case goal == toCheck:
		return toolchain.Exit(0)
	}
	if out == "" {
		out = t.binary()
	} else if dir, err := c.files.IsDir(out); err == nil && dir {
		out = path.Join(out, t.binary())
	}
	if err := c.files.Write(out, program, 0o755); err != nil {
		return c.say(toolchain.ExitFailed, "go: %v", err)
	}
	return toolchain.Exit(0)
}

// vet is `go vet`.
func (c *command) vet(ctx context.Context, args []string) sandbox.Outcome {
	args, err := flags(args, nil)
	if err != nil {
		return c.say(toolchain.ExitUsage, "go: %v", err)
	}
	targets, err := c.targets(args)
	if err != nil {
		return c.say(toolchain.ExitFailed, "go: %v", err)
	}
	outcome := toolchain.Exit(0)
	for _, t := range targets {
		plan, o := c.plan(t, toVet)
		if plan == nil {
			outcome = o
			continue
		}
		c.driver.tools.Announce(c.cfg)
		_, report, err := c.driver.tools.Make(ctx, plan.request)
		switch {
		case err != nil:
			return toolchain.Broken(ctx, c.cfg, "go", err)
		case report.Failed:
			outcome = c.failed(t, report)
		}
	}
	return outcome
}

// plan plans a build, or says why there is none.
func (c *command) plan(t *target, g goal) (*plan, sandbox.Outcome) {
	made, problems := t.plan(g)
	if len(problems) > 0 {
		return nil, c.say(toolchain.ExitFailed, "# %s\n%s", t.name(), c.local(t, toolchain.Format(problems)))
	}
	return &made, sandbox.Outcome{}
}

// failed says why a package was not built.
func (c *command) failed(t *target, report toolchain.Report) sandbox.Outcome {
	text := c.local(t, tidy(strings.Join(report.Messages, "")))
	if report.Problem != "" {
		text += report.Problem + "\n"
	}
	return c.say(toolchain.ExitFailed, "# %s\n%s", t.name(), text)
}

// local names files in messages as one finds them from the working folder.
func (c *command) local(t *target, messages string) string {
	var b strings.Builder
	for line := range strings.Lines(messages) {
		prefix := ""
		if rest, ok := strings.CutPrefix(line, "vet: "); ok {
			prefix, line = "vet: ", strings.TrimPrefix(strings.TrimPrefix(rest, "./"), "/"+sourceDir+"/")
		}
		if m := placed().FindStringSubmatch(strings.TrimRight(line, "\n")); m != nil {
			line = strings.Replace(line, m[1], c.shown(path.Join(t.home, m[1])), 1)
		}
		b.WriteString(prefix + line)
	}
	return b.String()
}

// shown is the name of a file as the go command prints it.
func (c *command) shown(file string) string {
	switch rest, below := strings.CutPrefix(file, strings.TrimSuffix(c.dir, "/")+"/"); {
	case below && !strings.Contains(rest, "/"):
		return "./" + rest
	case below:
		return rest
	}
	return file
}

// flags reads the flags before the first other argument. Those that change nothing
// here are taken as well.
func flags(args []string, known map[string]*string) (rest []string, err error) {
	for len(args) > 0 && strings.HasPrefix(args[0], "-") && args[0] != "-" {
		name, value, has := strings.Cut(strings.TrimLeft(args[0], "-"), "=")
		args = args[1:]
		switch to := known[name]; {
		case to != nil && has:
			*to = value
		case to != nil && len(args) > 0:
			*to, args = args[0], args[1:]
		case to != nil:
			return nil, fmt.Errorf("flag needs an argument: -%s", name)
		case slices.Contains([]string{"ldflags", "gcflags", "p", "mod", "buildvcs"}, name):
			if !has && len(args) > 0 && name != "buildvcs" {
				args = args[1:]
			}
		case !slices.Contains([]string{"v", "x", "a", "trimpath"}, name):
			return nil, fmt.Errorf("the flag -%s is not available here", name)
		}
	}
	return args, nil
}

// version is `go version`.
func (c *command) version(context.Context, []string) sandbox.Outcome {
	c.print("go version %s wasip1/wasm\n", goVersion())
	return toolchain.Exit(0)
}

// goVersion is that of the toolchain, which is the one that this program is built
// with.
func goVersion() string { return strings.Fields(runtime.Version())[0] }

// help is `go help`.
func (c *command) help(context.Context, []string) sandbox.Outcome {
	c.print("%s", usage)
	return toolchain.Exit(0)
}

// env is `go env`.
func (c *command) env(_ context.Context, names []string) sandbox.Outcome {
	module := "/dev/null"
	if dir, ok := c.moduleFolder(c.dir); ok {
		module = path.Join(dir, "go.mod")
	}
	all := [][2]string{
		{"CGO_ENABLED", "0"}, {"GOARCH", "wasm"}, {"GOMOD", module}, {"GOOS", "wasip1"}, {"GOTOOLCHAIN", "local"}, {"GOVERSION", goVersion()},
	}
	for _, name := range names {
		value := ""
		for _, v := range all {
			if v[0] == name {
				value = v[1]
			}
		}
		c.print("%s\n", value)
	}
	if len(names) == 0 {
		for _, v := range all {
			c.print("%s='%s'\n", v[0], v[1])
		}
	}
	return toolchain.Exit(0)
}

// mod is `go mod`.
func (c *command) mod(_ context.Context, args []string) sandbox.Outcome {
	if len(args) == 0 || args[0] != "init" {
		if len(args) > 0 && args[0] == "tidy" {
			return toolchain.Exit(0) // there is nothing to add or to remove: imports of other modules do not compile
		}
		return c.say(toolchain.ExitUsage, "go mod: only init and tidy are here")
	}
	name := path.Base(c.dir)
	if len(args) > 1 {
		name = args[1]
	}
	if !modulePath().MatchString(name) {
		return c.say(toolchain.ExitFailed, "go: %q is not a usable module path: give one, as in `go mod init example.org/program`", name)
	}
	if _, err := c.files.IsDir("go.mod"); err == nil {
		return c.say(toolchain.ExitFailed, "go: %s already exists", path.Join(c.dir, "go.mod"))
	}
	version := strings.Join(strings.SplitN(strings.TrimPrefix(goVersion(), "go"), ".", 3)[:2], ".")
	if err := c.files.Write("go.mod", fmt.Appendf(nil, "module %s\n\ngo %s\n", name, version), 0o644); err != nil {
		return c.say(toolchain.ExitFailed, "go: %v", err)
	}
	return c.say(0, "go: creating new go.mod: module %s", name)
}

// download is `go get` and `go install`.
func (c *command) download(context.Context, []string) sandbox.Outcome {
	return c.say(toolchain.ExitFailed, "go: modules cannot be downloaded here: only the standard library is there; others need a container sandbox")
}

// format is `go fmt`: gofmt on the files of packages.
func (c *command) format(ctx context.Context, args []string) sandbox.Outcome {
	dirs, err := c.folders(args)
	if err != nil {
		return c.say(toolchain.ExitFailed, "go: %v", err)
	}
	gofmt := []string{"-l", "-w"}
	for _, dir := range dirs {
		entries, err := c.files.List(dir)
		if err != nil {
			return c.say(toolchain.ExitFailed, "go: %v", err)
		}
		for _, e := range entries {
			if !e.Dir && strings.HasSuffix(e.Name, ".go") {
				gofmt = append(gofmt, strings.TrimPrefix(c.shown(path.Join(dir, e.Name)), "./"))
			}
		}
	}
	return c.driver.gofmt(ctx, c.cfg, gofmt)
}

// gofmt runs the program of that name. It is small, and a guest like any interpreter:
// it sees the sandbox's files itself.
func (d *Driver) gofmt(ctx context.Context, cfg vm.RunConfig, args []string) sandbox.Outcome {
	d.once.Do(func() { d.formatter, d.formatterErr = d.loadGofmt(context.WithoutCancel(ctx)) })
	if d.formatterErr != nil {
		return toolchain.Say(cfg, toolchain.ExitFailed, "gofmt: %v", d.formatterErr)
	}
	cfg.Args = append([]string{"gofmt"}, args...)
	return d.formatter.Run(ctx, cfg, vm.Start).Outcome
}

func (d *Driver) loadGofmt(ctx context.Context) (*vm.Module, error) {
	source, err := d.Gofmt()
	if err != nil {
		return nil, err
	}
	return d.host.Load(ctx, "gofmt", source, vm.LoadOptions{})
}
