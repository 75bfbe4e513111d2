package wasm_test

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"sandpiper/sandbox"
)

// programTest is a program with what should come of it.
type programTest struct {
	name   string
	code   string
	files  []sandbox.File
	stdin  string
	args   []string
	limits sandbox.Limits
	status sandbox.Status // ok when empty
	stdout string         // what standard output begins with
	stderr string         // what standard error begins with
	at     []int          // line and column of the first diagnostic
}

func (tt programTest) run(t *testing.T, e sandbox.CodeRunner, language, main string) *transcript {
	t.Helper()
	s := &transcript{}
	o, err := e.Run(context.Background(), sandbox.Program{
		Language: language, Files: append([]sandbox.File{{Name: main, Content: []byte(tt.code)}}, tt.files...),
		Stdin: sandbox.StaticStdin([]byte(tt.stdin)), Args: tt.args, Limits: tt.limits,
	}, s)
	if err != nil {
		t.Fatal(err)
	}
	want := tt.status
	if want == "" {
		want = sandbox.StatusOK
	}
	if o.Status != want {
		t.Errorf("status %s (%s), want %s", o.Status, o.Message, want)
	}
	if got := s.stdout.String(); !strings.HasPrefix(got, tt.stdout) {
		t.Errorf("stdout\n%s\nwant\n%s", got, tt.stdout)
	}
	if got := s.stderr.String(); !strings.HasPrefix(got, tt.stderr) || (tt.stderr == "") != (got == "") {
		t.Errorf("stderr\n%s\nwant\n%s", got, tt.stderr)
	}
	var at []int
	if len(o.Diagnostics) > 0 {
		at = []int{o.Diagnostics[0].Line, o.Diagnostics[0].Column}
	}
	if !reflect.DeepEqual(at, tt.at) {
		t.Errorf("diagnostics %+v, want the first at %v", o.Diagnostics, tt.at)
	}
	return s
}

func TestSQLPrograms(t *testing.T) {
	e := newEngine(t, "sql")
	csv := sandbox.File{Name: "data.csv", Content: []byte("item,price\r\n\"a, \"\"b\"\"\",2.5\r\nc,\r\n")}
	tests := []programTest{
		{name: "rows", code: "select 1 as n, 'x' as s, null as missing union all select 20, 'é日', 2.5;",
			stdout: " n | s   | missing\n---+-----+--------\n 1 | x   |    NULL\n20 | é日 |     2.5\n\n"},
		{name: "several lines in a cell", code: "select 'a' || char(10) || 'b' as t, 1 as n;", stdout: "t | n\n--+--\na | 1\nb |  \n\n"},
		{name: "no rows", code: "select 1 as n where 0;", stdout: "n\n-\n(no rows)\n\n"},
		{name: "blobs", code: "select x'00ff' as b, zeroblob(100) as z;", stdout: "b       | z"},
		{name: "statements without rows", code: "-- nothing to see\n;;create table t(x); /* here */ insert into t values(1)"},
		{name: "import", code: ".import data.csv t\nselect *, typeof(price) as type from t;", files: []sandbox.File{csv},
			stdout: "item   | price | type\n-------+-------+-----\na, \"b\" | 2.5   | real\nc      |       | text\n"},
		{name: "import of input", code: ".import - t\nselect sum(n) as total from t;", stdin: "n\n1\n2\n", stdout: "total\n-----\n    3\n"},
		{name: "other scripts", code: ".read more.sql\nselect * from t;", files: []sandbox.File{{Name: "more.sql", Content: []byte("create table t as select 7 as n;")}},
			stdout: "n\n-\n7\n"},
		{name: "scripts as arguments", code: "create table t as select 7 as n;", args: []string{"more.sql"},
			files: []sandbox.File{{Name: "more.sql", Content: []byte("select * from t;")}}, stdout: "n\n-\n7\n"},
		{name: "tables", code: "create table t(x); create view v as select 1;\n.tables\n.schema t", stdout: "name | type\n-----+------\nt    | table\nv    | view\n\nsql\n"},
		{name: "a database file", code: ".open my.db\ncreate table t as select 1 as n;\n.open other.db\n.open my.db\nselect n from t;", stdout: "n\n-\n1\n"},
		{name: "the first rows of many", code: "with recursive c(x) as (select 1 union all select x + 1 from c) select x from c;", stdout: "   x\n----\n   1\n"},

		{name: "syntax error", code: "select 1 as n;\n  selct 2;", status: sandbox.StatusError, stdout: "n\n-\n1\n",
			stderr: "main.sql:2:3: error: near \"selct\": syntax error\n    selct 2;\n    ^\n", at: []int{2, 3}},
		{name: "no such column", code: "create table é(a);\nselect a, bb from é;", status: sandbox.StatusError,
			stderr: "main.sql:2:11: error: no such column: bb\n", at: []int{2, 11}},
		{name: "constraint", code: "create table t(x unique);\ninsert into t values (1), (1);", status: sandbox.StatusError,
			stderr: "main.sql:2:1: error: UNIQUE constraint failed: t.x\n", at: []int{2, 1}},
		{name: "foreign keys hold", code: "create table a(id integer primary key); create table b(a references a);\ninsert into b values (5);", status: sandbox.StatusError,
			stderr: "main.sql:2:1: error: FOREIGN KEY constraint failed\n", at: []int{2, 1}},
		{name: "unknown command", code: ".tabels", status: sandbox.StatusError, stderr: "main.sql:1:1: error: unknown command .tabels: .help lists", at: []int{1, 1}},
		{name: "wrong use of a command", code: ".import x", status: sandbox.StatusError, stderr: "main.sql:1:1: error: usage: .import FILE.csv TABLE", at: []int{1, 1}},
		{name: "missing file", code: "\n.import none.csv t", status: sandbox.StatusError, stderr: "main.sql:2:1: error: none.csv: No such file", at: []int{2, 1}},
		{name: "script that reads itself", code: ".read main.sql", status: sandbox.StatusError, stderr: "error: main.sql: scripts read scripts more than 10 deep\n"},
		{name: "endless", code: "with recursive c(x) as (select 1 union all select x + 1 from c) select sum(x) from c;",
			limits: sandbox.Limits{Wall: 500 * time.Millisecond}, status: sandbox.StatusTimeout, stderr: "sandpiper: stopped after 500 ms"},
		{name: "too long", code: "select length(zeroblob(1000000000));", status: sandbox.StatusError, stderr: "main.sql:1:1: error: string or blob too big\n", at: []int{1, 1}},
		{name: "deep expression", code: "select " + strings.Repeat("1+(", 2000) + "1" + strings.Repeat(")", 2000) + ";", status: sandbox.StatusError, stderr: "main.sql:1:1: error: Recursion limit\n", at: []int{1, 1}},
		{name: "too much memory", code: "create table t as with recursive c(x) as (select 1 union all select x + 1 from c) select x, zeroblob(1000000) from c;",
			limits: sandbox.Limits{MemoryBytes: 32 << 20}, status: sandbox.StatusMemoryLimit, stderr: "error: out of memory\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.run(t, e, "sql", "main.sql") })
	}
}

// TestSQLDisplay checks that the rows come as a table, once.
func TestSQLDisplay(t *testing.T) {
	e := newEngine(t, "sql")
	s := programTest{code: "select 1 as n, 'it''s \"x\"' as t, null as z, '2026-01-02' as d, 9007199254740993 as big;", stdout: "n |"}.run(t, e, "sql", "main.sql")
	if len(s.displays) != 1 {
		t.Fatalf("%d displays, want 1", len(s.displays))
	}
	d := s.displays[0]
	if d.Metadata["stdout"] != true || d.Data["text/plain"] != s.stdout.String() {
		t.Errorf("metadata %v; text/plain %q, stdout %q", d.Metadata, d.Data["text/plain"], s.stdout.String())
	}
	want := map[string]any{
		"columns": []any{
			map[string]any{"name": "n", "type": "number"}, map[string]any{"name": "t", "type": "text"},
			map[string]any{"name": "z", "type": "null"}, map[string]any{"name": "d", "type": "date"},
			map[string]any{"name": "big", "type": "number"},
		},
		"rows": []any{[]any{json.Number("1"), `it's "x"`, nil, "2026-01-02", "9007199254740993"}},
	}
	if got := d.Data["application/vnd.sandpiper.table+json"]; !reflect.DeepEqual(got, want) {
		t.Errorf("table\n%#v\nwant\n%#v", got, want)
	}
}

func TestLuaPrograms(t *testing.T) {
	e := newEngine(t, "lua")
	tests := []programTest{
		{name: "arguments", code: "print(arg[0], arg[1], ...)", args: []string{"a b"}, stdout: "main.lua\ta b\ta b\n"},
		{name: "input", code: "print(io.read(), io.read('*n'), (io.read('*a')))", stdin: "one\n42 rest", stdout: "one\t42\t rest\n"},
		{name: "sibling file", code: "print(require('lib.helper').answer)", files: []sandbox.File{{Name: "lib/helper.lua", Content: []byte("return {answer = 42}")}}, stdout: "42\n"},
		{name: "exit", code: "print(1) os.exit(3)", status: sandbox.StatusError, stdout: "1\n"},
		{name: "error", code: "\nerror('boom')", status: sandbox.StatusError, stderr: "lua: main.lua:2: boom\nstack traceback:\n", at: []int{2, 0}},
		{name: "syntax error", code: "local x = = 1", status: sandbox.StatusError, stderr: "lua: main.lua:1:11: syntax error near '='\n", at: []int{1, 11}},
		{name: "missing module", code: "require('socket')", status: sandbox.StatusError, stderr: "lua: main.lua:1: module socket not found:", at: []int{1, 0}},
		{name: "processes", code: "print(pcall(os.execute, 'ls'))", stdout: "false\t"},
		{name: "deep recursion", code: "local function f() return 1 + f() end\nprint(pcall(f))", limits: sandbox.Limits{Wall: 30 * time.Second, CPU: 30 * time.Second}, stdout: "false\tmain.lua:1: stack overflow"},
		{name: "coroutines", code: "local c = coroutine.wrap(function() coroutine.yield(1) end) print(c(), c())", stdout: "1\n"},
		{name: "endless", code: "while true do end", limits: sandbox.Limits{Wall: 500 * time.Millisecond}, status: sandbox.StatusTimeout, stderr: "sandpiper: stopped after 500 ms"},
		{name: "endless despite pcall", code: "while true do pcall(error) end", limits: sandbox.Limits{Wall: 500 * time.Millisecond}, status: sandbox.StatusTimeout, stderr: "sandpiper: stopped after 500 ms"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.run(t, e, "lua", "main.lua") })
	}
}
