package wasm

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"sync"

	"sandpiper/runtimes/catalog"
	"sandpiper/runtimes/wasm/clang"
	"sandpiper/runtimes/wasm/command"
	"sandpiper/runtimes/wasm/golang"
	"sandpiper/runtimes/wasm/lua"
	"sandpiper/runtimes/wasm/python"
	"sandpiper/runtimes/wasm/quickjs"
	"sandpiper/runtimes/wasm/ruby"
	"sandpiper/runtimes/wasm/sql"
	"sandpiper/runtimes/wasm/toolchain"
	"sandpiper/runtimes/wasm/vm"
	"sandpiper/sandbox"
)

// language is a language with the driver that runs it.
type language struct {
	driver Driver
	source func() (vm.Source, error) // of the module
	weight int                       // light ones are prepared first
	done   chan struct{}             // closed when it is prepared or failed

	mu   sync.Mutex
	info sandbox.Language // State and Stage change
}

// snapshot returns the language as it is now.
func (l *language) snapshot() sandbox.Language {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.info
}

func (l *language) set(state sandbox.LanguageState, stage string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if state != sandbox.LanguagePreparing && l.info.State == sandbox.LanguagePreparing {
		close(l.done)
	}
	l.info.State, l.info.Stage = state, stage
}

// listLanguages joins the catalogue with what the operator added. A language of
// the operator that cannot be used is listed as failed, so that its error is
// seen where the language is missed; one whose name is taken is only logged.
func listLanguages(cfg Config) ([]*language, error) {
	var all []*language
	compilers := newCompilers(cfg.CacheDir)
	for _, c := range catalog.Languages() {
		if len(cfg.Only) > 0 && !slices.Contains(cfg.Only, c.ID) {
			continue
		}
		if Installed(c) == nil {
			all = append(all, fromCatalog(compilers, c))
		}
	}
	if cfg.LanguageDir == "" {
		return all, nil
	}
	found, failed, err := command.ReadManifests(cfg.LanguageDir)
	if err != nil {
		return nil, err
	}
	var added []*language
	for _, m := range found {
		added = append(added, fromManifest(m))
	}
	for _, id := range slices.Sorted(maps.Keys(failed)) {
		added = append(added, unusable(id, failed[id]))
	}
	for _, l := range added {
		if t := takenBy(all, l.info.ID); t != nil {
			cfg.Log.Error("added language ignored: its id is taken", "language", l.info.ID, "by", t.info.Name)
			continue
		}
		l.info.Aliases = slices.DeleteFunc(slices.Clone(l.info.Aliases), func(a string) bool { return takenBy(all, a) != nil })
		all = append(all, l)
	}
	return all, nil
}

// takenBy returns the language that goes by name, or nil.
func takenBy(all []*language, name string) *language {
	i := slices.IndexFunc(all, func(l *language) bool { return l.info.Is(name) })
	if i < 0 {
		return nil
	}
	return all[i]
}

func fromCatalog(compilers compilers, c catalog.Language) *language {
	l := &language{info: c.Language, driver: driverFor(compilers, c), done: make(chan struct{})}
	l.source = func() (vm.Source, error) { return fromModules(c.Module) }
	if c.Module == "" {
		l.source = func() (vm.Source, error) { return vm.Source{}, nil }
	}
	l.weight = moduleWeight[c.Driver]
	l.set(sandbox.LanguagePreparing, "waiting for its turn")
	return l
}

// moduleWeight orders the drivers by how much is asked for them and by the size of
// their modules.
var moduleWeight = map[catalog.Driver]int{
	catalog.DriverPython: 1, catalog.DriverQuickJS: 2, catalog.DriverTypeScript: 2, catalog.DriverCommand: 3,
	catalog.DriverRuby: 4, catalog.DriverGo: compilerWeight, catalog.DriverC: compilerWeight, catalog.DriverCPlusPlus: compilerWeight,
}

// Added languages wait for those of the catalogue, but for compilers, which take a
// minute the first time.
const (
	operatorWeight = 5
	compilerWeight = 6
)

func driverFor(compilers compilers, c catalog.Language) Driver {
	switch c.Driver {
	case catalog.DriverPython:
		return &python.Driver{Zones: catalog.Zoneinfo}
	case catalog.DriverQuickJS:
		return quickjs.JavaScript()
	case catalog.DriverTypeScript:
		return quickjs.TypeScript()
	case catalog.DriverRuby:
		return &ruby.Driver{}
	case catalog.DriverCommand:
		return commandDriver(c)
	case catalog.DriverGo:
		return compilers.golang
	case catalog.DriverC:
		return compilers.c
	case catalog.DriverCPlusPlus:
		return compilers.cPlusPlus
	}
	panic("wasm: no driver " + c.Driver)
}

// compilers are the drivers of languages that are compiled. Those of C and C++ have
// one compiler.
type compilers struct{ golang, c, cPlusPlus Driver }

// newCompilers has a folder for each compiler, below that of modules: what they build
// is machine code as well.
func newCompilers(cacheDir string) compilers {
	dir := filepath.Join(cacheDir, "compilers")
	c, cPlusPlus := clang.Drivers(filepath.Join(dir, "clang"), 0)
	return compilers{golang: &golang.Driver{Dir: filepath.Join(dir, "go"), Gofmt: gofmt}, c: c, cPlusPlus: cPlusPlus}
}

func gofmt() (vm.Source, error) { return fromModules("go-fmt") }

// fromModules returns one of the catalogue's modules.
func fromModules(name string) (vm.Source, error) {
	m, err := catalog.FindModule(name)
	return vm.Source(m), err
}

// commandDriver adds what reads a command's messages.
func commandDriver(c catalog.Language) Driver {
	d := &command.Driver{Name: c.ID, Args: c.Args}
	switch c.ID {
	case "lua":
		d.Diagnose, d.Hint, d.Parse, d.MakesFolder = lua.Diagnose, lua.Hint, lua.ParseCommand, outputFolder
	case "sql":
		d.Diagnose, d.Parse = sql.Diagnose, sql.ParseCommand
	}
	return d
}

func fromManifest(m command.Manifest) *language {
	l := &language{info: m.Language(), driver: m.Driver(), source: m.Source, weight: operatorWeight, done: make(chan struct{})}
	l.set(sandbox.LanguagePreparing, "waiting for its turn")
	return l
}

// Installed says why a language of the catalogue is not there, and how to get it:
// the compilers are built into the program on request only.
func Installed(c catalog.Language) error {
	var set toolchain.Set
	switch c.Driver {
	case catalog.DriverGo:
		set = toolchain.Go
	case catalog.DriverC, catalog.DriverCPlusPlus:
		set = toolchain.Clang
	default:
		return nil
	}
	if !set.Installed() {
		return toolchain.ErrNotInstalled
	}
	return nil
}

// Missing says, of a language of the catalogue that is not there, why and how to get
// it, in one sentence; "" of any other.
func Missing(name string) string {
	for _, c := range catalog.Languages() {
		if err := Installed(c); c.Is(name) && err != nil {
			return fmt.Sprintf("%s is not installed here: %v", c.Name, err)
		}
	}
	return ""
}

// unusable is a language of the operator whose manifest is at fault.
func unusable(id string, err error) *language {
	l := &language{info: sandbox.Language{ID: id, Name: id, Version: "0", Extension: ".txt", Main: "main.txt", Editor: "text"}, done: make(chan struct{})}
	close(l.done)
	l.set(sandbox.LanguageFailed, err.Error())
	return l
}
