package catalog

import (
	"slices"
	"sync"

	"sandpiper/sandbox"
)

// Driver names the code of package wasm that knows how to run a module.
type Driver string

// The drivers.
const (
	DriverPython     Driver = "python"
	DriverQuickJS    Driver = "quickjs"
	DriverTypeScript Driver = "typescript"
	DriverRuby       Driver = "ruby"
	DriverCommand    Driver = "command" // any WASI preview1 command
	DriverGo         Driver = "go"      // Go's compiler, of the tree go-sdk
	DriverC          Driver = "c"       // clang, of the tree clang-sdk
	DriverCPlusPlus  Driver = "cpp"     // the same, for C++
)

// Language is a language of the catalogue: what people see of it, and what an
// engine needs to run it. State and Stage are the engine's and empty here.
type Language struct {
	sandbox.Language

	Module string // for OpenModule; languages may share one. "" for a compiled language
	Driver Driver

	// Args are the arguments of a DriverCommand's module, after its name. "{main}"
	// stands for the main file's path; the program's own arguments follow.
	Args []string
}

// Languages returns the catalogue in the order in which people should see it.
// The caller may change what it gets, but for the content of files.
func Languages() []Language {
	all := slices.Clone(languages())
	for i := range all {
		all[i].Aliases = slices.Clone(all[i].Aliases)
		all[i].Examples = slices.Clone(all[i].Examples)
		all[i].Args = slices.Clone(all[i].Args)
	}
	return all
}

// languages is the catalogue with its example files read.
var languages = sync.OnceValue(func() []Language {
	all := []Language{python(), javascript(), typescript(), ruby(), lua(), sql(), golang(), c(), cPlusPlus()}
	for i := range all {
		loadExamples(&all[i].Language)
	}
	return all
})
