package quickjs

import (
	"slices"
	"testing"
)

func TestParseVLQ(t *testing.T) {
	for _, tt := range []struct {
		text string
		want []int
		ok   bool
	}{
		{"", nil, true},
		{"A", []int{0}, true},
		{"C", []int{1}, true},
		{"D", []int{-1}, true},
		{"gB", []int{16}, true},
		{"hB", []int{-16}, true},
		{"AAgBC", []int{0, 0, 16, 1}, true},
		{"+/////D", []int{0x7fffffff}, true},
		{"g", nil, false},        // ends in the middle
		{"!", nil, false},        // not a digit
		{"gggggggB", nil, false}, // too large
	} {
		t.Run(tt.text, func(t *testing.T) {
			got, err := parseVLQ(tt.text)
			if (err == nil) != tt.ok || (tt.ok && !slices.Equal(got, tt.want)) {
				t.Errorf("got %v, %v; want %v, ok %t", got, err, tt.want, tt.ok)
			}
		})
	}
}

func TestTranslateKeepsPlaces(t *testing.T) {
	source := "interface A {\n  x: number\n}\n\nconst a: A = { x: 1 };\nfunction f<T>(v: T): never {\n  throw new Error(`${v}`);\n}\n"
	tr := translate(request{Name: "main.ts", Source: source})
	mapping, err := parseSourceMap(tr.Map)
	if tr.Failure != "" || err != nil {
		t.Fatalf("translation failed: %q, %v", tr.Failure, err)
	}
	for _, tt := range []struct{ code, written string }{
		{"const a", "const a"}, {"{ x", "{ x"}, {"throw", "throw"}, {"new Error", "new Error"},
	} {
		line, column := find(t, tr.Source, tt.code)
		wantLine, wantColumn := find(t, source, tt.written)
		if l, c := mapping.original(line, column); l != wantLine || c != wantColumn {
			t.Errorf("%q at %d:%d was written at %d:%d, want %d:%d", tt.code, line, column, l, c, wantLine, wantColumn)
		}
	}
}

// find returns the line and column of a text, counted from 1.
func find(t *testing.T, in, text string) (line, column int) {
	t.Helper()
	line, column = 1, 1
	for i := range len(in) {
		if len(in)-i >= len(text) && in[i:i+len(text)] == text {
			return line, column
		}
		column++
		if in[i] == '\n' {
			line, column = line+1, 1
		}
	}
	t.Fatalf("%q is not in %q", text, in)
	return 0, 0
}

func FuzzSourceMap(f *testing.F) {
	f.Add([]byte(`{"version":3,"mappings":"AAAA;EACE,GAAG"}`), 1, 1)
	f.Add([]byte(`{"version":3,"mappings":";;;g"}`), 3, 0)
	f.Add([]byte(`{"version":2}`), -1, -1)
	f.Fuzz(func(t *testing.T, b []byte, line, column int) {
		m, err := parseSourceMap(b)
		if err != nil {
			return
		}
		m.original(line, column) // does not panic
	})
}

func TestNumbersRoundTrip(t *testing.T) {
	for _, f := range []float64{0, 1, -1, 1.5, -2147483648, 2147483647, 2147483648, 1e300, 5e-324} {
		if got := number(f).float(); got != f {
			t.Errorf("%v became %v", f, got)
		}
	}
}
