package needs

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"sandpiper/sandbox"
)

// Kind is a kind of thing that WebAssembly lacks.
type Kind int

// The kinds, the most telling one first.
const (
	Package   Kind = iota // a package that has to be installed, or a module that is left out
	Processes             // other programs
	Network
	Threads
)

// Need is one thing that a program needs and its WebAssembly runtime lacks.
type Need struct {
	Kind Kind
	Name string // of the package, or of what shows the need
}

// maxNamed is how many packages a reason names.
const maxNamed = 3

// A finder finds the needs of one file.
type finder struct {
	name    string // of the runtime, for people
	reads   func(file string) bool
	find    func(source string, own func(name string) bool, add func(Kind, string))
	ownFile func(files []sandbox.File, name string) bool
}

var (
	python     = finder{"Python", hasSuffix(".py", ".pyw"), findPython, ownPython}
	javascript = finder{"JavaScript", hasSuffix(".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".jsx", ".tsx"), findJavaScript, ownJavaScript}
	ruby       = finder{"Ruby", hasSuffix(".rb"), findRuby, ownRuby}
)

// finders are the languages that can be looked into, by the names that clients
// use for them.
var finders = map[string]finder{
	"python": python, "py": python, "python3": python,
	"javascript": javascript, "js": javascript, "node": javascript, "nodejs": javascript, "typescript": javascript, "ts": javascript,
	"ruby": ruby, "rb": ruby,
}

func hasSuffix(suffixes ...string) func(string) bool {
	return func(file string) bool { return slices.Contains(suffixes, path.Ext(file)) }
}

// Of returns what a program needs that the WebAssembly runtime of its language
// lacks, the most telling first and each once; nothing for a language that it
// cannot look into.
func Of(p sandbox.Program) []Need {
	f, ok := finders[strings.ToLower(p.Language)]
	if !ok {
		return nil
	}
	var all []Need
	own := func(name string) bool { return f.ownFile(p.Files, name) }
	add := func(k Kind, name string) {
		if n := (Need{k, name}); !slices.Contains(all, n) {
			all = append(all, n)
		}
	}
	for i, file := range p.Files {
		if i == 0 || f.reads(file.Name) {
			f.find(string(file.Content), own, add)
		}
	}
	slices.SortStableFunc(all, func(a, b Need) int { return int(a.Kind - b.Kind) })
	return all
}

// Reason says in one sentence, without a capital or a full stop, what a program
// needs that the WebAssembly runtime of its language lacks, such as "needs
// numpy, which the WebAssembly Python does not have"; "" for nothing.
func Reason(p sandbox.Program) string {
	all := Of(p)
	if len(all) == 0 {
		return ""
	}
	var names []string
	for _, n := range all {
		if n.Kind == all[0].Kind {
			names = append(names, n.Name)
		}
	}
	runtime := "the WebAssembly " + finders[strings.ToLower(p.Language)].name
	switch all[0].Kind {
	case Package:
		return fmt.Sprintf("needs %s, which %s does not have", list(names), runtime)
	case Processes:
		return fmt.Sprintf("starts other programs (%s), which %s cannot", list(names), runtime)
	case Network:
		return fmt.Sprintf("uses the network (%s), which %s cannot", list(names), runtime)
	default:
		return fmt.Sprintf("starts threads (%s), which %s cannot", list(names), runtime)
	}
}

// list names the first few of names.
func list(names []string) string {
	last := fmt.Sprintf("%d more", len(names)-maxNamed)
	if len(names) <= maxNamed+1 {
		last, names = names[len(names)-1], names[:len(names)-1]
	} else {
		names = names[:maxNamed]
	}
	if len(names) == 0 {
		return last
	}
	return strings.Join(names, ", ") + " and " + last
}
