package clang

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// options is what the commands cc and c++ are told.
type options struct {
	out      string
	mode     string   // of the compiler: how far it goes; "" makes a program
	flags    []string // for the compiler, as they are
	includes []string // folders of -I and the like
	before   []string // files of -include
	language string   // of all sources: "c", "c++", or "" to go by their endings
	standard string   // "-std=…", or ""
	inputs   []string // sources, objects and archives, in their order
	libs     []string // names of -l
	libDirs  []string // folders of -L
	version  bool
}

// Options that change nothing here: what they ask for is so anyway, or does not
// matter to a program of this kind.
var (
	ignored = []string{
		"-g", "-pipe", "-static", "-s", "-v", "-fPIC", "-fpic", "-fPIE", "-fno-pie", "-no-pie", "-fno-exceptions", "-fdiagnostics-color",
		"-fno-omit-frame-pointer", "-fomit-frame-pointer", "-m32", "-m64", "-fno-strict-aliasing", "-fno-common", "-rdynamic",
	}
	ignoredBeginnings = []string{"-g", "-march=", "-mtune=", "-mcpu=", "-fdiagnostics-", "-fcolor-"}
)

// Options that reach the compiler as they are.
var (
	passed           = []string{"-fno-rtti", "-fwrapv", "-ffast-math", "-fno-builtin", "-funroll-loops", "-w", "-pedantic", "-pedantic-errors", "-ffreestanding"}
	passedBeginnings = []string{"-D", "-U", "-W", "-ferror-limit="}
)

// Options that cannot work, by what they begin with.
var impossible = []struct{ beginning, why string }{
	{"-fexceptions", "C++ exceptions are not available here"},
	{"-fcxx-exceptions", "C++ exceptions are not available here"},
	{"-pthread", "threads are not available here"},
	{"-fopenmp", "threads are not available here"},
	{"-shared", "shared libraries are not available here"},
	{"-fsanitize", "sanitizers are not available here"},
	{"-Wl,", "options for the linker are not available here"},
	{"-Wa,", "options for the assembler are not available here"},
	{"-Wp,", "options for the preprocessor alone are not available here"},
	{"-M", "lists of dependencies are not available here"},
}

// Modes of the compiler by options, and the endings of what they make.
var (
	modes   = map[string]string{"-c": "-emit-obj", "-S": "-S", "-E": "-E"}
	endings = map[string]string{"-emit-obj": ".o", "-S": ".s"}
)

// parse reads the arguments of a command. The error is what to tell the user.
func parse(args []string) (options, error) {
	o := options{}
	values := map[string]*[]string{"-I": &o.includes, "-isystem": &o.includes, "-iquote": &o.includes, "-include": &o.before, "-l": &o.libs, "-L": &o.libDirs}
	for len(args) > 0 {
		a := args[0]
		args = args[1:]
		if name, value, ok := valued(a); ok {
			if value == "" {
				if len(args) == 0 {
					return o, fmt.Errorf("argument to '%s' is missing", a)
				}
				value, args = args[0], args[1:]
			}
			if err := o.set(name, value, values); err != nil {
				return o, err
			}
			continue
		}
		if err := o.take(a); err != nil {
			return o, err
		}
	}
	return o, nil
}

// valued splits an option that has a value, which may be the next argument.
func valued(a string) (name, value string, ok bool) {
	for _, name := range []string{"-isystem", "-iquote", "-include", "-o", "-I", "-l", "-L", "-x", "-D", "-U"} {
		if value, ok := strings.CutPrefix(a, name); ok {
			return name, value, true
		}
	}
	return "", "", false
}

func (o *options) set(name, value string, lists map[string]*[]string) error {
	switch name {
	case "-o":
		o.out = value
	case "-D", "-U":
		o.flags = append(o.flags, name+value)
	case "-x":
		if value == "none" {
			value = ""
		}
		if value != "" && value != "c" && value != "c++" {
			return fmt.Errorf("language not recognized: '%s'; it is c or c++", value)
		}
		o.language = value
	default:
		*lists[name] = append(*lists[name], value)
	}
	return nil
}

// take takes an argument without a value.
func (o *options) take(a string) error {
	begins := func(with string) bool { return strings.HasPrefix(a, with) }
	switch {
	case a == "-":
		return fmt.Errorf("a program on standard input is not available here: give a file")
	case !begins("-"):
		o.inputs = append(o.inputs, a)
	case a == "--version":
		o.version = true
	case modes[a] != "":
		o.mode = modes[a]
	case begins("-std="):
		o.standard = a
	case begins("-O"):
		level := strings.Replace(strings.Replace(a, "-Ofast", "-O3", 1), "-Og", "-O1", 1)
		if level == "-O" {
			level = "-O1"
		}
		if !slices.Contains([]string{"-O0", "-O1", "-O2", "-O3", "-Os", "-Oz"}, level) {
			return fmt.Errorf("invalid value in '%s'", a)
		}
		o.flags = append(o.flags, level)
	default:
		return o.other(a)
	}
	return nil
}

// other takes an option that is none of the usual ones.
func (o *options) other(a string) error {
	for _, i := range impossible {
		if strings.HasPrefix(a, i.beginning) {
			return fmt.Errorf("'%s': %s; it needs a container sandbox", a, i.why)
		}
	}
	begins := func(with string) bool { return strings.HasPrefix(a, with) }
	switch {
	case slices.Contains(passed, a), slices.ContainsFunc(passedBeginnings, begins):
		o.flags = append(o.flags, a)
	case slices.Contains(ignored, a), slices.ContainsFunc(ignoredBeginnings, begins):
	default:
		return fmt.Errorf("unknown argument: '%s'", a)
	}
	return nil
}

// isSource reports whether an input is compiled; others go to the linker.
func (o *options) isSource(input string) bool {
	ending := path.Ext(input)
	return o.language != "" && ending != ".o" && ending != ".a" || slices.Contains(cEndings, ending) || slices.Contains(cPlusPlusEndings, ending)
}

// check says what is wrong with the options together.
func (o *options) check() error {
	if len(o.inputs) == 0 {
		return fmt.Errorf("no input files")
	}
	sources := 0
	for _, input := range o.inputs {
		switch {
		case o.isSource(input):
			sources++
		case path.Ext(input) != ".o" && path.Ext(input) != ".a":
			return fmt.Errorf("%s: what kind of file it is cannot be told by its name: use -x", input)
		}
	}
	switch {
	case sources > maxSources:
		return fmt.Errorf("%d sources at most can be compiled at once", maxSources)
	case o.mode != "" && o.out != "" && sources > 1:
		return fmt.Errorf("cannot specify -o when generating multiple output files")
	}
	return nil
}
