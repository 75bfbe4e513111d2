package golang

import (
	"slices"
	"strings"
	"testing"
)

func TestFlags(t *testing.T) {
	tests := []struct {
		name, args, rest, out string
		fails                 bool
	}{
		{"none", ". a", ". a", "", false},
		{"those that change nothing", "-v -trimpath -ldflags -s -mod=mod .", ".", "", false},
		{"one that is known", "-o x .", ".", "x", false},
		{"joined", "-o=x .", ".", "x", false},
		{"of the program", ". -v -race", ". -v -race", "", false},
		{"that cannot be", "-race .", "", "", true},
		{"without a value", "-o", "", "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := ""
			rest, err := flags(strings.Fields(tt.args), map[string]*string{"o": &out})
			if (err != nil) != tt.fails || strings.Join(rest, " ") != tt.rest || out != tt.out {
				t.Errorf("%q, %q, %v", rest, out, err)
			}
		})
	}
}

func TestSplitTest(t *testing.T) {
	tests := []struct{ name, args, packages, own string }{
		{"nothing", "", "", ""},
		{"flags behind the package", "./... -v -run X", "./...", "-test.v -test.run=X"},
		{"joined", "-bench=. -benchmem", "", "-test.bench=. -test.benchmem"},
		{"a switch that is off", "-v=false", "", "-test.v=false"},
		{"the program's own", "-short -args -x ./y", "", "-test.short -x ./y"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			packages, own, err := splitTest(strings.Fields(tt.args))
			if err != nil || strings.Join(packages, " ") != tt.packages || strings.Join(own, " ") != tt.own {
				t.Errorf("%q, %q, %v", packages, own, err)
			}
		})
	}
	for _, args := range []string{"-cover", "-race", "-run", "-o x"} {
		if _, _, err := splitTest(strings.Fields(args)); err == nil {
			t.Errorf("%s: no error", args)
		}
	}
}

func TestPatterns(t *testing.T) {
	tests := []struct {
		line string
		want []string
	}{
		{" a.txt", []string{"a.txt"}},
		{"\ta b\tc ", []string{"a", "b", "c"}},
		{" \"with space\" `raw` x", []string{"with space", "raw", "x"}},
		{` "open`, nil},
	}
	for _, tt := range tests {
		if got := patterns(tt.line); !slices.Equal(got, tt.want) {
			t.Errorf("%q: %q, want %q", tt.line, got, tt.want)
		}
	}
}

func TestEmbeds(t *testing.T) {
	const code = "package main\n\nimport _ \"embed\"\n\n//go:embed %\nvar s string\n\nfunc main() {}\n"
	tests := []struct {
		name, pattern string
		want          []string
		problem       string
	}{
		{"a file", "a.txt", []string{"a.txt"}, ""},
		{"a glob", "*.txt", []string{"a.txt", "b.txt"}, ""},
		{"a folder", "d", []string{"d/one", "d/sub/two"}, ""},
		{"a folder with what is hidden", "all:d", []string{"d/.hidden", "d/_x", "d/one", "d/sub/two"}, ""},
		{"a hidden file by its name", "d/.hidden", []string{"d/.hidden"}, ""},
		{"nothing", "none", nil, "no matching files"},
		{"outside", "../x", nil, "invalid pattern"},
		{"the folder itself", ".", nil, "invalid pattern"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files := source("main.go", strings.Replace(code, "%", tt.pattern, 1), "a.txt", "1", "b.txt", "2", "d/one", "3", "d/sub/two", "4", "d/.hidden", "5", "d/_x", "6")
			plan, problems := newPlan(files)
			if tt.problem != "" {
				if len(problems) != 1 || problems[0].Line != 5 || !strings.Contains(problems[0].Message, tt.problem) {
					t.Errorf("got %+v, want one in line 5 about %q", problems, tt.problem)
				}
				return
			}
			var got []string
			for _, f := range plan.request.Files {
				if name, ok := strings.CutPrefix(f.Name, sourceDir+"/"); ok && name != "main.go" {
					got = append(got, name)
				}
			}
			if !slices.Equal(got, tt.want) || len(problems) > 0 {
				t.Errorf("%q, %v; want %q", got, problems, tt.want)
			}
			if args := plan.request.Steps[0].Args; !slices.Contains(args, "-embedcfg") {
				t.Errorf("the compiler is not told: %q", args)
			}
		})
	}
}

func TestModuleAbove(t *testing.T) {
	files := source("cmd/app/main.go", "package main\n\nimport \"x.org/m/lib\"\n\nfunc main() { lib.A() }\n", "go.mod", "module x.org/m\n\ngo 1.22\n", "lib/lib.go", "package lib\n\nfunc A() {}\n",
		"broken/b.go", "package broken\n\nimport \"github.com/x/y\"\n")
	plan, problems := newPlan(files)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var compiled []string
	for _, s := range plan.request.Steps[:len(plan.request.Steps)-1] {
		compiled = append(compiled, s.Args[slices.Index(s.Args, "-p")+1])
		if !slices.Contains(s.Args, "-lang=go1.22") {
			t.Errorf("the language's version is not go.mod's: %q", s.Args)
		}
	}
	if want := []string{"x.org/m/lib", "main"}; !slices.Equal(compiled, want) {
		t.Errorf("compiles %q, want %q: what nothing imports is left out", compiled, want)
	}
}

func FuzzEmbedPatterns(f *testing.F) {
	f.Add(" a.txt \"b c\" `d`", "all:d")
	f.Add(" \"", "[")
	f.Add("\t../x", "*/..")
	f.Fuzz(func(t *testing.T, line, glob string) {
		p := newProgram(source("main.go", hello, "a/b.txt", "x"), ".")
		for _, pattern := range append(patterns(line), glob) {
			names, err := p.matches("a", pattern)
			if err == nil && !slices.Equal(names, []string{"b.txt"}) {
				t.Errorf("%q stands for %q", pattern, names)
			}
		}
	})
}
