package keys

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestParseHotkey(t *testing.T) {
	for keys, want := range map[string]Chord{
		"ctrl+c":                 {[]Keysym{ControlL}, 'c'},
		"Ctrl + Shift + T":       {[]Keysym{ControlL, ShiftL}, 't'},
		"command+option+Return":  {[]Keysym{SuperL, AltL}, Return},
		"ctrl++":                 {[]Keysym{ControlL}, '+'},
		"+":                      {nil, '+'},
		"f24":                    {nil, 0xffd5},
		"win":                    {nil, SuperL},
		"Control_L+page_up":      {[]Keysym{ControlL}, 0xff55},
		"ctrl+ctrl+num_asterisk": {[]Keysym{ControlL}, 0xffaa},
		"é":                      {nil, 0xe9},
		"я":                      {nil, 0x0100044f},
	} {
		got, err := ParseHotkey(keys)
		if err != nil || got.Key != want.Key || !slices.Equal(got.Modifiers, want.Modifiers) {
			t.Errorf("%q: %+v, %v; want %+v", keys, got, err, want)
		}
	}
	for keys, part := range map[string]string{
		"": "empty", "ctrl+": "empty part", "ctrl++c": "empty part", "c+ctrl": "not a modifier", "entr": `"enter"`, "pagdown": `"pagedown"`, "f25": `no key "f25"`, "\t": "empty",
	} {
		if _, err := ParseHotkey(keys); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%q: %v, want %q in it", keys, err, part)
		}
	}
}

func TestParseText(t *testing.T) {
	got, err := ParseText("aÖ\r\n日\r😀\n")
	want := []Keysym{'a', 0xd6, Return, 0x010065e5, Return, 0x0101f600, Return}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %x, %v", got, err)
	}
	for text, part := range map[string]string{
		"a\tb": "character 2", "\x1b": "U+001B", "\x7f": "U+007F", "\xff": "UTF-8", "\ufffe": "not a character", strings.Repeat("x", MaxText+1): "at most",
	} {
		if _, err := ParseText(text); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%.10q: %v, want %q in it", text, err, part)
		}
	}
}

// small is a keyboard with letters, a capital that is not in the table, and some
// spare keys.
func small(spare int) Layout {
	l := Layout{First: 8, Rows: [][]Keysym{{'a', 'A'}, {'1', '!'}, {'b'}, {Return}, {ShiftL}, {0xff9e, 0xffb0}}}
	for range spare {
		l.Rows = append(l.Rows, []Keysym{0, 0})
	}
	return l
}

// played returns what strokes type on a keyboard that is changed as planned.
func played(l Layout, batches []Batch) (syms []Keysym) {
	for _, b := range batches {
		for code, sym := range b.Remap {
			l.Rows[code-l.First] = []Keysym{sym, sym}
		}
		for _, s := range b.Strokes {
			plain, shift := l.levels(l.Rows[s.Code-l.First])
			shifted := s.Shift != (l.Caps && isLetter(plain, shift) || l.Num && isKeypad(shift))
			if shifted {
				plain = shift
			}
			syms = append(syms, plain)
		}
	}
	return syms
}

func TestPlan(t *testing.T) {
	text := []Keysym{'a', 'A', 'B', '!', 0x010065e5, 'b', 0x010065e6, 0x010065e5, 0x010065e7, 'a', 0xffb0, Return}
	for name, test := range map[string]struct {
		layout   Layout
		borrowed []byte
		batches  int
	}{
		"enough spare keys":   {small(5), nil, 1},
		"two spare keys":      {small(2), nil, 2},
		"one borrowed key":    {small(1), []byte{14}, 4},
		"Caps Lock":           {func() Layout { l := small(5); l.Caps = true; return l }(), nil, 1},
		"Num Lock":            {func() Layout { l := small(5); l.Num = true; return l }(), nil, 1},
		"a group that is not": {func() Layout { l := small(5); l.Group = 1; return l }(), nil, 1},
	} {
		batches := test.layout.Plan(text, test.borrowed)
		if len(batches) != test.batches {
			t.Errorf("%s: %d batches, want %d", name, len(batches), test.batches)
		}
		if got := played(test.layout, batches); !slices.Equal(got, text) {
			t.Errorf("%s: it would type %x, want %x", name, got, text)
		}
	}
	if small(0).Plan(text, nil) != nil {
		t.Error("a keyboard without spare keys can type everything")
	}
	if got := small(0).Plan([]Keysym{'a', 'B'}, nil); len(got) != 1 || len(got[0].Remap) != 0 {
		t.Errorf("what the layout has needs no change: %+v", got)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"ctrl+c", "++", "a\nb", "😀", "Return_L", "num_plus", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if chord, err := ParseHotkey(text); err == nil && (chord.Key == 0 || slices.Contains(chord.Modifiers, chord.Key)) {
			t.Errorf("%q: %+v", text, chord)
		}
		syms, err := ParseText(text)
		if err != nil {
			return
		}
		if len(syms) > utf8.RuneCountInString(text) {
			t.Errorf("%q: %d keys", text, len(syms))
		}
		for _, sym := range syms {
			if r, ok := sym.rune(); ok && unicode.IsControl(r) {
				t.Errorf("%q: a key for the control character %q", text, r)
			}
		}
		l := small(3)
		if got := played(l, l.Plan(syms, nil)); !slices.Equal(got, syms) {
			t.Errorf("%q: it would type %x, want %x", text, got, syms)
		}
	})
}
