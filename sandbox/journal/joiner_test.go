package journal

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// joined writes b in pieces that end where cuts has bits set.
func joined(b []byte, cuts uint64) string {
	var j Joiner
	var dst strings.Builder
	from := 0
	for i := range b {
		if cuts>>(uint(i)%64)&1 == 1 {
			j.Write(&dst, b[from:i])
			from = i
		}
	}
	j.Write(&dst, b[from:])
	j.Flush(&dst)
	return dst.String()
}

// replaced is what any way of cutting b must come to.
func replaced(b []byte) string { return string([]rune(string(b))) }

func TestJoiner(t *testing.T) {
	tests := []struct {
		name string
		in   string
		want string
	}{
		{"nothing", "", ""},
		{"plain", "hello", "hello"},
		{"two bytes", "é", "é"},
		{"three bytes", "a€b", "a€b"},
		{"four bytes", "🐦 sandpiper", "🐦 sandpiper"},
		{"a replacement character of the program's own", "\uFFFD", "\uFFFD"},
		{"cut at the end", "a\xe2\x82", "a\uFFFD\uFFFD"},
		{"cut by another character", "\xe2\x82é", "\uFFFD\uFFFDé"},
		{"cut by plain text", "\xf0\x9f\x90a", "\uFFFD\uFFFD\uFFFDa"},
		{"never valid", "\xff\xfe\xc0\x80", "\uFFFD\uFFFD\uFFFD\uFFFD"},
		{"surrogate", "\xed\xa0\x80", "\uFFFD\uFFFD\uFFFD"},
		{"only continuations", "\x80\x80\x80\x80\x80", strings.Repeat("\uFFFD", 5)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, cuts := range []uint64{0, ^uint64(0), 0x5555555555555555, 0xaaaaaaaaaaaaaaaa, 4, 8} {
				if got := joined([]byte(tt.in), cuts); got != tt.want {
					t.Errorf("cuts %x: got %q, want %q", cuts, got, tt.want)
				}
			}
		})
	}
}

func TestJoinerHoldsBackNoWholeCharacter(t *testing.T) {
	var j Joiner
	var dst strings.Builder
	for _, step := range []struct{ in, want string }{
		{"a\xf0", "a"}, {"\x9f", "a"}, {"\x90", "a"}, {"\xa6b", "a🐦b"}, {"\xc3", "a🐦b"}, {"\xa9", "a🐦bé"},
	} {
		j.Write(&dst, []byte(step.in))
		if dst.String() != step.want {
			t.Fatalf("after %q: %q, want %q", step.in, dst.String(), step.want)
		}
	}
}

func FuzzJoiner(f *testing.F) {
	f.Add([]byte("hello é€🐦"), uint64(0))
	f.Add([]byte("\xf0\x9f\x90\xf0\x9f\x90\xa6\xe2"), ^uint64(0))
	f.Add([]byte("\xed\xa0\x80\xc0\xaf\xff"), uint64(0x1234567))
	f.Fuzz(func(t *testing.T, b []byte, cuts uint64) {
		got := joined(b, cuts)
		if !utf8.ValidString(got) {
			t.Fatalf("%q is not UTF-8", got)
		}
		if want := replaced(b); got != want {
			t.Fatalf("%q cut at %x: got %q, want %q", b, cuts, got, want)
		}
	})
}
