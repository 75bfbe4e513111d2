package quickjs

import (
	"strings"
	"testing"
)

func TestCellCode(t *testing.T) {
	for _, tt := range []struct{ name, cell, want string }{
		{"empty", "", "\nvoid 0;"},
		{"expression", "a  +  b", "a + b;\n"},
		{"declarations", "let a = 1; const b = 2\nvar c", "var a = 1;\nvar   b = 2;\nvar c;\n\nvoid 0;"},
		{"declared again without a value", "let a, b;", "var a = void 0, b = void 0;\n\nvoid 0;"},
		{"in a block", "{ let a = 1 };", "{\n  let a = 1;\n}\n;\n\nvoid 0;"},
		{"class", "class A {}\n(A)", "var A = class A {\n};\nA;\n"},
		{"function", "function f() {}\nf", "function f() {\n}\nf;\n"},
		{"template", "const t = `a\nlet b = ${`}\nclass C`}\nconst c`; t", "var   t = `a\nlet b = ${`}\nclass C`}\nconst c`;\nt;\n"},
		{"regular expressions", "x = /[/`]/; y = a++ / 2; z = typeof / `/; let u = 1", "x = /[/`]/;\ny = a++ / 2;\nz = typeof / `/;\nvar u = 1;\n\nvoid 0;"},
		{"strings", `a = "\"let"; b = '\'' + "//"; let c = "/*"`, "a = '\"let';\nb = \"'//\";\nvar c = \"/*\";\n\nvoid 0;"},
		{"else", "if (a)\n  b\nelse\n  c", "if (a)\n  b;\nelse\n  c;\n\nvoid 0;"},
		{"do", "do a()\nwhile (b)", "do\n  a();\nwhile (b);\n\nvoid 0;"},
		{"label", "a: for (;;) break a", "a: for (; ; ) break a;\n\nvoid 0;"},
		{"words that begin like others", "iffy; lettuce; classes.a; await x; new A(); async () => 1", "iffy;\nlettuce;\nclasses.a;\nawait x;\nnew A();\nasync () => 1;\n"},
		{"object", "{ a: 1 }", "({ a: 1 });\n"},
		{"import", `import a, { b as c, default as d } from "m"; import * as n from "./m"; import "s"`,
			"var {default: a, b: c, default: d} = __sandpiper_names(await import(\"m\"), \"m\", [\"default\", \"b\", \"default\"]);\n" +
				"var n = __sandpiper_names(await import(\"./m\"), \"./m\", []);\n__sandpiper_names(await import(\"s\"), \"s\", []);\n\nvoid 0;"},
		{"import of both", `import a, * as n from "m"`, "var n = __sandpiper_names(await import(\"m\"), \"m\", [\"default\"]), a = n.default;\n\nvoid 0;"},
		{"import on lines", "import {\n  a,\n  b\n} from 'm'\nb", "var {a: a, b: b} = __sandpiper_names(await import(\"m\"), \"m\", [\"a\", \"b\"]);\n\n\n\nb;\n"},
		{"import as a function", "import('m')", "import(\"m\");\n"},
		{"exports", "export const a = 1; export default class B {}; export function f() {}", "var   a = 1;\nvar B = class B {\n};\n;\nfunction f() {\n}\n\nvoid 0;"},
		{"default export", "export default { a: 1 }", "void 0, { a: 1 };\n\nvoid 0;"},
		{"types", "type A = 1; interface B {}; let a: A | B = 1 as A", ";\nvar a = 1;\n\nvoid 0;"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := translate(request{Name: "cell", Source: tt.cell, Cell: true})
			if got.Source != tt.want || got.Failure != "" {
				t.Errorf("got  %q %s\nwant %q", got.Source, got.Failure, tt.want)
			}
		})
	}
}

// FuzzCellCode looks for code whose lines are moved, and for panics.
func FuzzCellCode(f *testing.F) {
	f.Add("const t = `a ${b / 2} /x/ ${`c`}`;\nclass A {\n}\nimport { a as b } from \"m\";\n")
	f.Add("let a;\n} ` ${ / [ \\")
	f.Add("export default class")
	f.Fuzz(func(t *testing.T, code string) {
		if out, err := cellCode(code); err == nil && strings.Count(out, "\n") < strings.Count(code, "\n") {
			t.Errorf("%q became %q", code, out)
		}
	})
}
