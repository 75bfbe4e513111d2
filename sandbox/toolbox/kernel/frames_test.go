package kernel

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

// split feeds data in pieces of a size and returns output and messages.
func split(data []byte, size int) (text string, messages []string) {
	var out bytes.Buffer
	f := &frames{mark: []byte("<mark> "), text: func(p []byte) { out.Write(p) }, frame: func(p []byte) {
		messages = append(messages, string(p))
		out.WriteByte('|')
	}}
	for len(data) > 0 {
		n := min(size, len(data))
		_, _ = f.Write(data[:n])
		data = data[n:]
	}
	f.flush()
	return out.String(), messages
}

func TestFrames(t *testing.T) {
	for name, c := range map[string]struct {
		data, text string
		messages   []string
	}{
		"output only":     {"hello\nworld", "hello\nworld", nil},
		"message only":    {"<mark> {}\n", "|", []string{"{}"}},
		"in a line":       {"a<mark> 1\nb<mark> 2\n", "a|b|", []string{"1", "2"}},
		"half a mark":     {"a<mar<mark> 1\n<mark>", "a<mar|<mark>", []string{"1"}},
		"unended message": {"a<mark> 1", "a", nil},
		"empty message":   {"<mark> \n", "|", []string{""}},
	} {
		for size := 1; size <= len(c.data); size++ {
			text, messages := split([]byte(c.data), size)
			if text != c.text || strings.Join(messages, ",") != strings.Join(c.messages, ",") {
				t.Errorf("%s, %d at a time: got %q %q", name, size, text, messages)
			}
		}
	}
}

func TestMessagesHaveALimit(t *testing.T) {
	data := []byte("a<mark> " + strings.Repeat("x", maxFrame+1) + "\nb<mark> 2\n")
	if text, messages := split(data, 1<<20); text != "ab|" || len(messages) != 1 {
		t.Errorf("got %q, %d messages", text, len(messages))
	}
}

func FuzzFrames(f *testing.F) {
	f.Add([]byte("a<mark> 1\nb"), 3)
	f.Add([]byte("<m<mark> <mark> \n"), 1)
	f.Fuzz(func(t *testing.T, data []byte, size int) {
		whole, messages := split(data, max(1, len(data)))
		text, again := split(data, 1+(size&0xff))
		if text != whole || len(messages) != len(again) {
			t.Errorf("pieces: %q, whole: %q", text, whole)
		}
	})
}

func FuzzText(f *testing.F) {
	f.Add([]byte("é€😀\xff"), 1)
	f.Fuzz(func(t *testing.T, data []byte, size int) {
		var text utf8Text
		var out strings.Builder
		for rest := data; len(rest) > 0; {
			n := min(1+(size&0xf), len(rest))
			out.WriteString(text.add(rest[:n]))
			rest = rest[n:]
		}
		out.WriteString(text.flush())
		if !utf8.ValidString(out.String()) || utf8.Valid(data) && out.String() != string(data) {
			t.Errorf("%q became %q", data, out.String())
		}
	})
}
