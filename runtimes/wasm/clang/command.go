package clang

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"sandpiper/internal/lazyregexp"
	"sandpiper/runtimes/wasm/home"
	"sandpiper/runtimes/wasm/toolchain"
	"sandpiper/runtimes/wasm/vm"
	"sandpiper/sandbox"
)

// Commands returns the commands that Exec knows. The engine asks for them.
func (d *Driver) Commands() []string {
	if d.plus {
		return []string{"c++", "g++", "clang++"}
	}
	return []string{"cc", "gcc", "clang", toolchain.ModuleCommand}
}

// Exec runs a compiler as a command of a sandbox's shell, or a program that one made.
func (d *Driver) Exec(ctx context.Context, cfg vm.RunConfig, inv vm.Invocation) sandbox.Outcome {
	if inv.Name == toolchain.ModuleCommand {
		return d.shared.tools.ExecModule(ctx, cfg, inv)
	}
	c := &command{Driver: d, cfg: cfg, name: inv.Name, dir: inv.Dir}
	o, err := parse(inv.Args)
	if err != nil {
		return c.refuse(err)
	}
	if o.version {
		cfg.Output(sandbox.Stdout, []byte("clang for "+triple+", as "+inv.Name+"\n"))
		return toolchain.Exit(0)
	}
	if err := o.check(); err != nil {
		return c.refuse(err)
	}
	if c.files, err = home.Open(cfg, inv.Dir); err != nil {
		return c.refuse(err)
	}
	d.shared.tools.Announce(cfg)
	if o.mode == "" {
		return c.program(ctx, o)
	}
	outcome := toolchain.Exit(0)
	for _, input := range o.inputs {
		if !o.isSource(input) {
			continue // it would be for the linker
		}
		if done := c.translate(ctx, o, input); done.Status != sandbox.StatusOK {
			outcome = done
		}
	}
	return outcome
}

// command is one call of a compiler.
type command struct {
	*Driver
	cfg   vm.RunConfig
	name  string
	dir   string // the working folder
	files *home.Home
}

func (c *command) refuse(err error) sandbox.Outcome {
	return toolchain.Say(c.cfg, toolchain.ExitFailed, "%s: error: %v", c.name, err)
}

// begin has every program go to the folder that it is started in: the C library of
// WASI begins in the root.
const begin = `char *getenv(const char *);
int chdir(const char *);
__attribute__((constructor)) static void begin(void) {
    const char *dir = getenv("PWD");
    if (dir) chdir(dir);
}
`

const beginFile = "begin.c"

// program makes a program of all inputs.
func (c *command) program(ctx context.Context, o options) sandbox.Outcome {
	r := toolchain.Request{Result: resultFile, Files: []toolchain.File{{Name: beginFile, Content: []byte(begin)}}}
	r.Steps = []toolchain.Step{{Tool: "clang", Args: append(arguments(beginFile, false, true), "-o", beginFile+".o", beginFile)}}
	objects := []string{beginFile + ".o"}
	for _, input := range o.inputs {
		inside := c.inside(input)
		if !o.isSource(input) {
			content, err := c.files.Read(input)
			if err != nil {
				return c.refuse(err)
			}
			r.Files = append(r.Files, toolchain.File{Name: inside, Content: content})
			objects = append(objects, inside)
			continue
		}
		if err := c.compile(&r, o, input, "-emit-obj", inside+".o"); err != nil {
			return c.refuse(err)
		}
		objects = append(objects, inside+".o")
	}
	libraries, err := c.libraries(&r, o)
	if err != nil {
		return c.refuse(err)
	}
	r.Steps = append(r.Steps, toolchain.Step{Tool: "clang", As: "wasm-ld", Args: link(append(objects, libraries...))})
	return c.make(ctx, r, cmp.Or(o.out, "a.out"), 0o755)
}

// translate takes one source as far as the options say.
func (c *command) translate(ctx context.Context, o options, input string) sandbox.Outcome {
	r := toolchain.Request{Result: "result"}
	if err := c.compile(&r, o, input, o.mode, r.Result); err != nil {
		return c.refuse(err)
	}
	out := o.out
	if ending := endings[o.mode]; out == "" && ending != "" {
		out = strings.TrimSuffix(path.Base(input), path.Ext(input)) + ending
	}
	return c.make(ctx, r, out, 0o644)
}

// make carries out a request and writes its result to a file, or to standard output.
func (c *command) make(ctx context.Context, r toolchain.Request, out string, perm fs.FileMode) sandbox.Outcome {
	result, report, err := c.shared.tools.Make(ctx, r)
	if err != nil {
		return toolchain.Broken(ctx, c.cfg, c.name, err)
	}
	text := c.local(strings.Join(report.Messages, ""))
	if report.Problem != "" {
		text += report.Problem + "\n"
	}
	if report.Failed {
		o := toolchain.Say(c.cfg, toolchain.ExitFailed, "%s", text)
		if hint := hint(text); hint != "" {
			vm.Note(c.cfg, hint)
		}
		return o
	}
	toolchain.Say(c.cfg, 0, "%s", text) // warnings
	if out == "" || out == "-" {
		if !vm.Write(ctx, c.cfg, sandbox.Stdout, result) {
			return toolchain.Exit(vm.ExitBrokenPipe)
		}
		return toolchain.Exit(0)
	}
	if err := c.files.Write(out, result, perm); err != nil {
		return c.refuse(err)
	}
	return toolchain.Exit(0)
}

// inside is the name of a sandbox's file in a build: all of them are below a folder
// that stands for the sandbox's root.
func (c *command) inside(name string) string { return path.Join(sourceDir, c.files.Abs(name)) }

// compile adds the compilation of one source to a request, with what it includes.
func (c *command) compile(r *toolchain.Request, o options, input, mode, out string) error {
	args := slices.Clone(arguments(c.typed(input, o), c.plus, true))
	args[slices.Index(args, "-emit-obj")] = mode
	args = slices.DeleteFunc(args, func(a string) bool { return a == "-I"+sourceDir })
	if o.standard != "" {
		args[slices.IndexFunc(args, func(a string) bool { return strings.HasPrefix(a, "-std=") })] = o.standard
	}
	args = append(args, o.flags...)
	for _, dir := range o.includes {
		args = append(args, "-I"+c.inside(dir))
	}
	for _, file := range o.before {
		args = append(args, "-include", c.inside(file))
	}
	r.Steps = append(r.Steps, toolchain.Step{Tool: "clang", Args: append(args, "-o", out, c.inside(input))})
	return c.add(r, o, append(slices.Clone(o.before), input))
}

// typed is a name whose ending says the language of a source.
func (c *command) typed(input string, o options) string {
	switch {
	case o.language == "c++", c.plus && o.language == "":
		return "x.cpp"
	case o.language == "c":
		return "x.c"
	}
	return input
}

// A line that names another file of the program.
var included = lazyregexp.New(`(?m)(?:^[ \t]*#[ \t]*(?:include|include_next|import|embed)|__has_include(?:_next)?[ \t]*\(|__has_embed[ \t]*\()[ \t]*["<]([^">\n]+)[">]`)

// maxIncludes bounds the places in which included files are looked for.
const maxIncludes = 20_000

// add adds sources to a request, and all that they may include of the sandbox's
// files. Names that macros make are not seen.
func (c *command) add(r *toolchain.Request, o options, sources []string) error {
	have := map[string]bool{}
	for _, f := range r.Files {
		have[f.Name] = true
	}
	asked := map[string]bool{}
	queue := slices.Clone(sources)
	for i := 0; i < len(queue); i++ {
		name := queue[i]
		if have[c.inside(name)] {
			continue
		}
		content, err := c.files.Read(name)
		if i >= len(sources) && (errors.Is(err, fs.ErrNotExist) || isFolder(c.files, name)) {
			continue // one of the places where it could be
		}
		if err != nil {
			return err
		}
		have[c.inside(name)] = true
		r.Files = append(r.Files, toolchain.File{Name: c.inside(name), Content: content})
		for _, m := range included().FindAllSubmatch(content, -1) {
			for _, dir := range append([]string{path.Dir(c.files.Abs(name))}, o.includes...) {
				at := path.Join(c.files.Abs(dir), string(m[1]))
				if asked[at] {
					continue
				}
				if len(asked) == maxIncludes {
					return fmt.Errorf("%s: more than %d places to look for included files", name, maxIncludes)
				}
				asked[at] = true
				queue = append(queue, at)
			}
		}
	}
	return nil
}

func isFolder(files *home.Home, name string) bool {
	dir, err := files.IsDir(name)
	return err == nil && dir
}

// standardLibraries are there without being asked for, or are part of another.
var standardLibraries = []string{"c", "m", "stdc++", "c++", "c++abi", "gcc", "rt", "dl"}

// libraries adds the libraries of -l that are the sandbox's, and returns their names.
func (c *command) libraries(r *toolchain.Request, o options) ([]string, error) {
	var names []string
	for _, lib := range o.libs {
		if slices.Contains(standardLibraries, lib) {
			continue
		}
		found := false
		for _, dir := range o.libDirs {
			name := path.Join(c.files.Abs(dir), "lib"+lib+".a")
			content, err := c.files.Read(name)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return nil, err
			}
			r.Files = append(r.Files, toolchain.File{Name: c.inside(name), Content: content})
			names, found = append(names, c.inside(name)), true
			break
		}
		if !found && lib == "pthread" {
			return nil, errors.New("-lpthread: threads are not available here; they need a container sandbox")
		}
		if !found {
			return nil, fmt.Errorf("unable to find library -l%s: only the standard ones are here", lib)
		}
	}
	return names, nil
}

// place is a file of the sandbox in a message.
var place = lazyregexp.New(`(^|[\s(:])` + sourceDir + `(/[^\s:]+)`)

// local names files in messages as one finds them from the working folder.
func (c *command) local(messages string) string {
	var b strings.Builder
	for line := range strings.Lines(messages) {
		if !strings.HasPrefix(line, " ") { // a line that shows code
			line = place().ReplaceAllStringFunc(line, func(m string) string {
				parts := place().FindStringSubmatch(m)
				return parts[1] + strings.TrimPrefix(parts[2], strings.TrimSuffix(c.dir, "/")+"/")
			})
		}
		b.WriteString(line)
	}
	return b.String()
}
