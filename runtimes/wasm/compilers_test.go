package wasm_test

import (
	"context"
	"strings"
	"testing"

	"sandpiper/sandbox"
)

// TestCompiledPrograms runs programs whose compiler says something, or that end
// badly.
func TestCompiledPrograms(t *testing.T) {
	e := newEngine(t, "go", "c", "cpp")
	const fails = "package main\n\nimport \"testing\"\n\nfunc TestX(t *testing.T) {\n\tt.Error(\"no\")\n}\n"
	tests := []struct {
		name, language, file, code string
		line                       int // of the diagnostic
		want                       string
	}{
		{"Go that does not compile", "go", "main.go", "package main\n\nfunc main() { x }\n", 3, "undefined: x"},
		{"Go that panics", "go", "main.go", "package main\n\nfunc main() {\n\tpanic(\"boom\")\n}\n", 4, "boom"},
		{"Go that waits for itself", "go", "main.go", "package main\n\nfunc main() {\n\tselect {}\n}\n", 4, "deadlock"},
		{"a Go test that fails", "go", "main_test.go", fails, 6, "no"},
		{"C that does not compile", "c", "main.c", "int main(void) {\n    return x;\n}\n", 2, "undeclared identifier"},
		{"C++ with exceptions", "cpp", "main.cpp", "int main() {\n    throw 1;\n}\n", 2, "exceptions disabled"},
	}
	for _, id := range []string{"go", "c", "cpp"} {
		t.Run(id, func(t *testing.T) {
			needInstalled(t, e, id)
			for _, tt := range tests {
				if tt.language != id {
					continue
				}
				t.Run(tt.name, func(t *testing.T) {
					p := sandbox.Program{Language: id, Files: []sandbox.File{{Name: tt.file, Content: []byte(tt.code)}}}
					s := &transcript{}
					o, err := e.Run(context.Background(), p, s)
					if err != nil {
						t.Fatal(err)
					}
					if o.Status != sandbox.StatusError || len(o.Diagnostics) == 0 {
						t.Fatalf("status %s (%s), diagnostics %v\n%s", o.Status, o.Message, o.Diagnostics, s.stderr.String())
					}
					if d := o.Diagnostics[0]; d.File != tt.file || d.Line != tt.line || !strings.Contains(d.Message, tt.want) {
						t.Errorf("diagnostic %+v, want line %d of %s: %s", d, tt.line, tt.file, tt.want)
					}
				})
			}
		})
	}
}
