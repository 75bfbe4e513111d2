// Package keys knows keyboards: which key people mean by a name, which keys type
// a text, and how a keyboard's layout is changed for text that it lacks. It does
// no input itself; package x11 does.
package keys

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Keysym is what a key means, as X numbers it.
type Keysym uint32

// Keysyms that are used by name.
const (
	Return   Keysym = 0xff0d
	ShiftL   Keysym = 0xffe1
	ControlL Keysym = 0xffe3
	AltL     Keysym = 0xffe9
	SuperL   Keysym = 0xffeb

	// unicodeBit begins the keysyms that are characters by their code points.
	unicodeBit Keysym = 0x01000000
)

// MaxText is the longest text that can be typed at once, in characters.
const MaxText = 10_000

// Chord is keys that are held down together: Modifiers, in that order, and then
// Key.
type Chord struct {
	Modifiers []Keysym
	Key       Keysym
}

// ParseChord reads a key and the modifiers to hold with it. Its errors are for
// people and suggest what may have been meant.
func ParseChord(key string, modifiers []string) (Chord, error) {
	var c Chord
	for _, name := range modifiers {
		sym, ok := modifierKeys[canonical(name)]
		if !ok {
			return c, fmt.Errorf("%.40q is not a modifier: use ctrl, alt, shift or cmd", name)
		}
		if !slices.Contains(c.Modifiers, sym) {
			c.Modifiers = append(c.Modifiers, sym)
		}
	}
	sym, err := parseKey(key)
	if err != nil {
		return c, err
	}
	c.Modifiers = slices.DeleteFunc(c.Modifiers, func(m Keysym) bool { return m == sym })
	c.Key = sym
	return c, nil
}

// ParseHotkey reads keys joined by "+", such as "ctrl+shift+t". All but the last
// are modifiers. A key "+" is written as such: "ctrl++".
func ParseHotkey(keys string) (Chord, error) {
	text := strings.TrimSpace(keys)
	if text == "" {
		return Chord{}, fmt.Errorf("keys is empty: name keys joined by +, such as \"ctrl+c\"")
	}
	var plus bool
	if text == "+" || strings.HasSuffix(text, "++") {
		text, plus = strings.TrimSuffix(text, "+"), true
	}
	parts := strings.Split(text, "+")
	if plus {
		parts[len(parts)-1] = "+"
	}
	for i, part := range parts {
		if parts[i] = strings.TrimSpace(part); parts[i] == "" {
			return Chord{}, fmt.Errorf("%.40q has an empty part: join keys by single +, such as \"ctrl+c\"", keys)
		}
	}
	last := len(parts) - 1
	return ParseChord(parts[last], parts[:last])
}

// parseKey finds the keysym of a key by its name.
func parseKey(name string) (Keysym, error) {
	if utf8.RuneCountInString(name) == 1 && name != " " {
		r, _ := utf8.DecodeRuneInString(name)
		if r >= 'A' && r <= 'Z' {
			r = unicode.ToLower(r) // letters are keys: with shift they are capital
		}
		if !unicode.IsControl(r) && r != utf8.RuneError {
			return symOf(r), nil
		}
	}
	if sym, ok := namedKeys[canonical(name)]; ok {
		return sym, nil
	}
	switch near := suggest(canonical(name)); {
	case strings.TrimSpace(name) == "":
		return 0, fmt.Errorf("key is empty: name one, such as \"enter\", \"f5\" or \"a\"")
	case strings.Contains(name, "+"):
		return 0, fmt.Errorf("%.40q is not a key: for several keys at once use the hotkey operation, or modifiers", name)
	case near != "":
		return 0, fmt.Errorf("there is no key %.40q; did you mean %q?", name, near)
	}
	return 0, fmt.Errorf("there is no key %.40q: use a single character or a name such as enter, tab, escape, pageup, f5, num_plus", name)
}

// symOf returns the keysym that stands for a character.
func symOf(r rune) Keysym {
	if r >= 0x20 && r <= 0x7e || r >= 0xa0 && r <= 0xff {
		return Keysym(r) // X took over Latin-1 as it is
	}
	return unicodeBit | Keysym(r)
}

// ParseText returns the keysyms that type a text; every form of line end is one
// Return. Its errors are for people.
func ParseText(text string) ([]Keysym, error) {
	if !utf8.ValidString(text) {
		return nil, fmt.Errorf("text is not valid UTF-8")
	}
	if n := utf8.RuneCountInString(text); n > MaxText {
		return nil, fmt.Errorf("text has %d characters; at most %d can be typed at once", n, MaxText)
	}
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	syms := make([]Keysym, 0, len(text))
	at := 0
	for _, r := range text {
		at++
		switch {
		case r == '\n':
			syms = append(syms, Return)
		case r == '\t':
			return nil, fmt.Errorf("character %d of text is a tab, which moves between fields: press the key \"tab\" instead", at)
		case unicode.IsControl(r) || r == '\u2028' || r == '\u2029':
			return nil, fmt.Errorf("character %d of text is the control character U+%04X, which has no key", at, r)
		case r == utf8.RuneError || r&0xfffe == 0xfffe || r >= 0xfdd0 && r <= 0xfdef:
			return nil, fmt.Errorf("character %d of text, U+%04X, is not a character", at, r)
		default:
			syms = append(syms, symOf(r))
		}
	}
	return syms, nil
}
