package clang

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"sandpiper/runtimes/wasm/toolchain"
	"sandpiper/sandbox"
)

const (
	sourceDir  = "src"
	resultFile = "a.wasm"
	maxSources = 40 // files to compile: each takes a quarter of a second at least
	sdk        = "/sdk"
	triple     = "wasm32-unknown-wasip1"
	libraries  = sdk + "/lib/wasm32-wasip1"
)

// Endings of sources and of what they include.
var (
	cEndings         = []string{".c"}
	cPlusPlusEndings = []string{".cc", ".cpp", ".cxx", ".c++", ".C"}
)

// common are the arguments of the compiler for both languages. -O1 is where a
// program is compiled soonest for its speed.
var common = []string{
	"-cc1", "-triple", triple, "-O1", "-emit-obj", "-disable-free", "-mrelocation-model", "static", "-mframe-pointer=none",
	"-mconstructor-aliases", "-fvisibility=hidden", "-fgnuc-version=4.2.1", "-ferror-limit", "20", "-Wall",
	"-D_WASI_EMULATED_SIGNAL", "-D_WASI_EMULATED_PROCESS_CLOCKS", "-D_WASI_EMULATED_MMAN", "-D_WASI_EMULATED_GETPID",
	"-fmacro-prefix-map=" + sourceDir + "/=", "-I" + sourceDir,
	"-resource-dir", sdk, "-isysroot", sdk,
}

// newRequest returns the commands that build a program, whose first file is the
// main one, or what is wrong with it.
func newRequest(files []sandbox.File, plus bool) (r toolchain.Request, problem string) {
	r.Result = resultFile
	root := path.Dir(files[0].Name)
	var objects []string
	for i, f := range files {
		r.Files = append(r.Files, toolchain.File{Name: path.Join(sourceDir, f.Name), Content: f.Content})
		args := arguments(f.Name, plus, i == 0)
		if args == nil || root != "." && !strings.HasPrefix(f.Name, root+"/") {
			continue
		}
		object := path.Join(sourceDir, f.Name) + ".o" // the linker's messages name it
		objects = append(objects, object)
		if root != "." {
			args = append(args, "-I"+path.Join(sourceDir, root))
		}
		args = append(args, "-o", object, path.Join(sourceDir, f.Name))
		r.Steps = append(r.Steps, toolchain.Step{Tool: "clang", Args: args})
	}
	if len(objects) > maxSources {
		return r, fmt.Sprintf("A program may have %d source files at most; this one has %d.", maxSources, len(objects))
	}
	r.Steps = append(r.Steps, toolchain.Step{Tool: "clang", As: "wasm-ld", Args: link(objects)})
	return r, ""
}

// arguments returns the compiler's arguments for a file, or nil when it is not a
// source. The main file is one in any case, in the language of the program.
func arguments(name string, plus, main bool) []string {
	ending := path.Ext(name)
	switch {
	case slices.Contains(cPlusPlusEndings, ending), main && plus:
		return slices.Concat(common, []string{
			"-internal-isystem", sdk + "/include/c++/v1", "-internal-isystem", sdk + "/include",
			"-internal-isystem", sdk + "/include/wasm32-wasip1", "-std=gnu++20", "-x", "c++",
		})
	case slices.Contains(cEndings, ending), main:
		return slices.Concat(common, []string{
			"-internal-isystem", sdk + "/include", "-internal-isystem", sdk + "/include/wasm32-wasip1", "-std=gnu17", "-x", "c",
		})
	}
	return nil
}

// link returns the arguments of the linker. The stack lies before everything else,
// so that a recursion without end meets the end of memory, and not data.
func link(objects []string) []string {
	args := []string{"-m", "wasm32", "-L" + sdk + "/lib/" + triple, "-L" + libraries, "-z", "stack-size=1048576", "--stack-first",
		"--strip-all", "-o", resultFile, libraries + "/crt1-command.o"}
	args = append(args, objects...)
	return append(args, "-lc++", "-lc++abi", "-lwasi-emulated-signal", "-lwasi-emulated-process-clocks", "-lwasi-emulated-mman",
		"-lwasi-emulated-getpid", "-lm", "-lc", sdk+"/lib/"+triple+"/libclang_rt.builtins.a")
}
