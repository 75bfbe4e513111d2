package golang

import (
	"encoding/json"
	"fmt"
	"path"

	"sandpiper/runtimes/wasm/toolchain"
)

// testChecks are the checks of vet that `go test` makes before it runs anything:
// those that are hardly ever wrong.
var testChecks = []string{
	"-atomic", "-bool", "-buildtags", "-directive", "-errorsas", "-ifaceassert", "-nilfunc", "-printf", "-stringintconv", "-tests",
}

// vetUnit is what vet is told of a package, in a file. The names are those that the
// go command uses.
type vetUnit struct {
	ID          string
	Compiler    string
	Dir         string
	ImportPath  string
	GoVersion   string `json:",omitempty"`
	GoFiles     []string
	ModulePath  string
	ImportMap   map[string]string // package paths by imports
	PackageFile map[string]string // archives by package paths
	Standard    map[string]bool
	VetxOutput  string
}

// vet adds the check of a package to a request: of number i, in which archives has
// those of the program's packages.
func (p *program) vet(r *toolchain.Request, u *unit, i int, archives map[string]string, checks []string) error {
	v := vetUnit{
		ID: u.path, Compiler: "gc", Dir: path.Join("/", sourceDir, u.folder()), ImportPath: u.path, ModulePath: p.module,
		ImportMap: map[string]string{}, PackageFile: map[string]string{}, Standard: map[string]bool{},
		VetxOutput: fmt.Sprintf("/vet%d.facts", i),
	}
	if p.version != "" {
		v.GoVersion = "go" + p.version
	}
	for _, f := range u.files {
		v.GoFiles = append(v.GoFiles, path.Join("/", sourceDir, f.name))
		for _, spec := range f.syntax.Imports {
			imported := importPath(spec)
			v.ImportMap[imported] = imported
			if archive := archives[imported]; archive != "" {
				v.PackageFile[imported] = archive
			} else {
				v.PackageFile[imported] = "/sdk/pkg/" + imported + ".a"
				v.Standard[imported] = true
			}
		}
	}
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("vet%d.cfg", i)
	r.Files = append(r.Files, toolchain.File{Name: name, Content: text})
	r.Steps = append(r.Steps, toolchain.Step{Tool: "vet", Args: append(checks[:len(checks):len(checks)], "/"+name)})
	return nil
}
