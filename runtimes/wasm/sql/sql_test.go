package sql_test

import (
	"reflect"
	"testing"

	"sandpiper/runtimes/wasm/sql"
	"sandpiper/sandbox"
)

var program = []sandbox.File{{Name: "main.sql"}, {Name: "data/schema.sql"}}

func TestDiagnose(t *testing.T) {
	fail := func(file string, line, column int, message string) []sandbox.Diagnostic {
		return []sandbox.Diagnostic{{File: file, Line: line, Column: column, Severity: sandbox.SeverityError, Message: message}}
	}
	tests := []struct {
		name, stderr string
		want         []sandbox.Diagnostic
	}{
		{"nothing", "", nil},
		{"error", "main.sql:3:8: error: no such table: birds\n  select * from birds;\n         ^\n", fail("main.sql", 3, 8, "no such table: birds")},
		{"in a script that was read", "data/schema.sql:1:1: error: near \"creat\": syntax error\n", fail("data/schema.sql", 1, 1, `near "creat": syntax error`)},
		{"no file of the program", "other.sql:3:8: error: x\n", nil},
		{"without a place", "error: out of memory\n", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := sql.Diagnose([]byte(tt.stderr), program); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

func FuzzDiagnose(f *testing.F) {
	f.Add("main.sql:3:8: error: no such table: birds\n")
	f.Add("main.sql:0:99999999999999999999: error: \n")
	f.Fuzz(func(t *testing.T, stderr string) {
		for _, d := range sql.Diagnose([]byte(stderr), program) {
			if d.Line < 1 || d.Column < 0 || !isFile(d.File) {
				t.Errorf("impossible place %+v", d)
			}
		}
	})
}

func isFile(name string) bool { return name == "main.sql" || name == "data/schema.sql" }
