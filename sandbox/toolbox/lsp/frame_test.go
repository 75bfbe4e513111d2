package lsp_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"sandpiper/sandbox/toolbox/lsp"
)

func TestReadFrame(t *testing.T) {
	tests := []struct {
		name, in, want string
		err            string // part of it; "" for none
	}{
		{"message", "Content-Length: 2\r\n\r\n{}rest", "{}", ""},
		{"more headers, other spelling", "X: y\ncontent-length:  2 \nContent-Type: a; charset=utf-8\n\n{}", "{}", ""},
		{"empty", "Content-Length: 0\r\n\r\n", "", ""},
		{"end", "", "", "EOF"},
		{"end in the header", "Content-Length: 2\r\n", "", "unexpected EOF"},
		{"end in the message", "Content-Length: 3\r\n\r\n{}", "", "unexpected EOF"},
		{"no length", "X: y\r\n\r\n{}", "", "no Content-Length"},
		{"no header", "hello\n", "", "no header"},
		{"negative", "Content-Length: -1\r\n\r\n", "", "length"},
		{"too long", "Content-Length: 99999999999\r\n\r\n", "", "length"},
		{"over the limit", "Content-Length: 33554433\r\n\r\n", "", "length"},
		{"endless header", strings.Repeat("X: y\n", 2000), "", "longer"},
		{"endless line", strings.Repeat("x", 1<<20), "", "longer"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := lsp.ReadFrame(strings.NewReader(tt.in))
			if tt.err == "" && (err != nil || string(got) != tt.want) {
				t.Errorf("%q, %v", got, err)
			}
			if tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("error %v", err)
			}
		})
	}
	if _, err := lsp.ReadFrame(strings.NewReader("")); !errors.Is(err, io.EOF) {
		t.Errorf("the end is %v", err)
	}
}

// FuzzReadFrame checks that what is framed comes back, and that nothing else
// makes the parser panic or keep more than it was sent.
func FuzzReadFrame(f *testing.F) {
	for _, seed := range []string{"Content-Length: 2\r\n\r\n{}", "Content-Length: 33554432\r\n\r\n", "\n", "a:b\n\n", "Content-Length: 2\r\nContent-Length: 1\r\n\r\n{}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if got, err := lsp.ReadFrame(bytes.NewReader(in)); err == nil && len(got) > len(in) {
			t.Errorf("%d bytes became %d", len(in), len(got))
		}
		if got, err := lsp.ReadFrame(bytes.NewReader(lsp.Frame(in))); err != nil || !bytes.Equal(got, in) {
			t.Errorf("%q came back as %q, %v", in, got, err)
		}
	})
}

func TestDecodeCompletions(t *testing.T) {
	for in, want := range map[string]int{`null`: 0, ``: 0, `[]`: 0, `[{"label":"a"}]`: 1, `{"isIncomplete":true,"items":[{"label":"a"},{"label":"b","documentation":"x"}]}`: 2, `{}`: 0} {
		list, err := lsp.DecodeCompletions(json.RawMessage(in))
		if err != nil || list.Items == nil || len(list.Items) != want {
			t.Errorf("%s: %+v, %v", in, list, err)
		}
	}
	if _, err := lsp.DecodeCompletions(json.RawMessage(`7`)); err == nil {
		t.Error("a number is no list")
	}
}
