package clang

import (
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	tests := []struct {
		name, args string
		want       func(o options) bool
	}{
		{"a program", "main.c", func(o options) bool { return slices.Equal(o.inputs, []string{"main.c"}) && o.mode == "" }},
		{"out apart", "-o prog main.c", func(o options) bool { return o.out == "prog" && len(o.inputs) == 1 }},
		{"out joined", "-oprog main.c", func(o options) bool { return o.out == "prog" }},
		{"an object", "-c a.c b.c", func(o options) bool { return o.mode == "-emit-obj" && len(o.inputs) == 2 }},
		{"levels", "-Ofast a.c", func(o options) bool { return slices.Equal(o.flags, []string{"-O3"}) }},
		{"a bare level", "-O a.c", func(o options) bool { return slices.Equal(o.flags, []string{"-O1"}) }},
		{"macros", "-D X=1 -DY -UZ a.c", func(o options) bool { return slices.Equal(o.flags, []string{"-DX=1", "-DY", "-UZ"}) }},
		{"folders", "-I inc -Ilib a.c -L. -lm", func(o options) bool {
			return slices.Equal(o.includes, []string{"inc", "lib"}) && slices.Equal(o.libs, []string{"m"})
		}},
		{"a language", "-x c++ thing", func(o options) bool { return o.language == "c++" && o.isSource("thing") }},
		{"a standard", "-std=c99 -Wall -Wextra -g -march=native a.c", func(o options) bool {
			return o.standard == "-std=c99" && slices.Equal(o.flags, []string{"-Wall", "-Wextra"})
		}},
		{"its version", "--version", func(o options) bool { return o.version }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o, err := parse(strings.Fields(tt.args))
			if err != nil || !tt.want(o) {
				t.Errorf("%+v, %v", o, err)
			}
		})
	}
}

func TestRefusedOptions(t *testing.T) {
	tests := []struct{ name, args, want string }{
		{"nothing", "", "no input files"},
		{"no file", "-O2", "no input files"},
		{"no value", "a.c -o", "argument to '-o' is missing"},
		{"unknown", "-frobnicate a.c", "unknown argument: '-frobnicate'"},
		{"exceptions", "-fexceptions a.cpp", "container sandbox"},
		{"threads", "-pthread a.c", "threads"},
		{"the linker's", "-Wl,--export-all a.c", "linker"},
		{"a level", "-O9 a.c", "invalid value"},
		{"a language", "-x fortran a.f", "language not recognized"},
		{"a file of no kind", "notes.txt", "use -x"},
		{"one output of several", "-c -o x.o a.c b.c", "-o"},
		{"standard input", "-x c -", "standard input"},
		{"plugins", "-fplugin=x.so a.c", "unknown argument"},
		{"for LLVM", "-mllvm -debug a.c", "unknown argument"},
		{"for the compiler inside", "-Xclang -load a.c", "unknown argument"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o, err := parse(strings.Fields(tt.args))
			if err == nil {
				err = o.check()
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want something about %q", err, tt.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add("-o\nx\na.c")
	f.Add("-I\n-DX\n-x\nc\n-")
	f.Add("-c\n-O3\n-Wl,x\nb.cpp")
	f.Fuzz(func(t *testing.T, line string) {
		o, err := parse(strings.Split(line, "\n"))
		if err != nil {
			return
		}
		for _, flag := range o.flags {
			if !strings.HasPrefix(flag, "-") {
				t.Errorf("%q goes to the compiler as an option", flag)
			}
		}
		_ = o.check()
	})
}
