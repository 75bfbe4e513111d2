package golang

import (
	"fmt"
	"path"
	"strings"

	"sandpiper/runtimes/wasm/toolchain"
	"sandpiper/sandbox"
)

// Files of a build, beside the program's own below sourceDir.
const (
	sourceDir  = "src"
	importsOf  = "importcfg" // of the SDK, and of the build
	resultFile = "a.wasm"
	testFile   = "_testmain.go"
)

// request returns the commands that build the packages, each after those that it
// imports, or check the last one.
func (p *program) request(units []*unit, g goal) (toolchain.Request, []sandbox.Diagnostic) {
	var r toolchain.Request
	var problems []sandbox.Diagnostic
	var own strings.Builder
	archives := map[string]string{}
	last := len(units) - 1
	for i, u := range units {
		archive := fmt.Sprintf("/obj%d.a", i)
		if u.path != "main" {
			archives[u.path] = archive
			fmt.Fprintf(&own, "packagefile %s=%s\n", u.path, archive)
		}
		args, wrong := p.compile(&r, u, i, archive)
		problems = append(problems, wrong...)
		r.Steps = append(r.Steps, toolchain.Step{Tool: "compile", Args: args})
		if checks, ok := p.checks(u, g); ok {
			if err := p.vet(&r, u, i, archives, checks); err != nil {
				problems = append(problems, p.problem(err.Error()))
			}
		}
	}
	r.Files = append(r.Files, toolchain.File{Name: importsOf, Content: []byte(own.String()), After: importsOf})
	if g == toRun || g == toTest {
		r.Result = resultFile
		r.Steps = append(r.Steps, toolchain.Step{Tool: "link", Args: []string{
			"-o", "/" + resultFile, "-importcfg", "/" + importsOf, "-buildmode=exe", "-s", "-w", fmt.Sprintf("/obj%d.a", last),
		}})
	}
	return r, problems
}

// checks returns the checks of vet that a package goes through, of which none means
// all, and whether it does.
func (p *program) checks(u *unit, g goal) ([]string, bool) {
	tested := p.importOf(p.root)
	if u.path != tested && u.path != tested+"_test" {
		return nil, false
	}
	switch g {
	case toVet:
		return nil, true
	case toTest:
		return testChecks, true
	}
	return nil, false
}

// compile adds a package's files to the request and returns the arguments of the
// compiler.
func (p *program) compile(r *toolchain.Request, u *unit, i int, archive string) ([]string, []sandbox.Diagnostic) {
	args := []string{
		"-o", archive, "-p", u.path, "-complete", "-pack", "-importcfg", "/" + importsOf, "-trimpath", "/" + sourceDir + "=>",
	}
	if p.version != "" {
		args = append(args, "-lang=go"+p.version)
	}
	instruction, problems := p.embed(r, u, fmt.Sprintf("embed%d.json", i))
	if instruction != "" {
		args = append(args, "-embedcfg", "/"+instruction)
	}
	add := func(name string, content []byte) {
		r.Files = append(r.Files, toolchain.File{Name: path.Join(sourceDir, name), Content: content})
		args = append(args, path.Join("/", sourceDir, name))
	}
	for _, f := range u.files {
		add(f.name, f.content)
	}
	if len(u.files) == 0 {
		add(testFile, []byte(p.testMain))
	}
	return args, problems
}
