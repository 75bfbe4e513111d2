package golang

import (
	"fmt"
	"path"
	"strings"

	"sandpiper/runtimes/wasm/toolchain"
)

// Files of a build, beside the program's own below sourceDir.
const (
	sourceDir  = "src"
	importsOf  = "importcfg" // of the SDK, and of the build
	resultFile = "a.wasm"
	testFile   = "_testmain.go"
)

// request returns the commands that build the packages, each after those that it
// imports.
func (p *program) request(units []*unit) toolchain.Request {
	r := toolchain.Request{Result: resultFile}
	var own strings.Builder
	for i, u := range units {
		archive := fmt.Sprintf("/obj%d.a", i)
		if u.path != "main" {
			fmt.Fprintf(&own, "packagefile %s=%s\n", u.path, archive)
		}
		r.Steps = append(r.Steps, toolchain.Step{Tool: "compile", Args: p.compile(&r, u, archive)})
	}
	return p.finish(r, own.String(), len(units)-1)
}

// finish adds what all commands read, and the command that links.
func (p *program) finish(r toolchain.Request, own string, main int) toolchain.Request {
	r.Files = append(r.Files, toolchain.File{Name: importsOf, Content: []byte(own), After: importsOf})
	r.Steps = append(r.Steps, toolchain.Step{Tool: "link", Args: []string{
		"-o", "/" + resultFile, "-importcfg", "/" + importsOf, "-buildmode=exe", "-s", "-w", fmt.Sprintf("/obj%d.a", main),
	}})
	return r
}

// compile adds a package's files to the request and returns the arguments of the
// compiler.
func (p *program) compile(r *toolchain.Request, u *unit, archive string) []string {
	args := []string{
		"-o", archive, "-p", u.path, "-complete", "-pack", "-importcfg", "/" + importsOf, "-trimpath", "/" + sourceDir + "=>",
	}
	if p.version != "" {
		args = append(args, "-lang=go"+p.version)
	}
	add := func(name string, content []byte) {
		r.Files = append(r.Files, toolchain.File{Name: path.Join(sourceDir, name), Content: content})
		args = append(args, path.Join("/", sourceDir, name))
	}
	for _, f := range u.files {
		add(f.name, f.content)
	}
	if len(u.files) == 0 {
		add(testFile, []byte(p.main))
	}
	return args
}
