package coreutils

import (
	"bufio"
	"io"
	"strings"
	"unicode"
)

// tr translates, squeezes or deletes characters.
func tr(c *Call) int {
	o := c.parse("+cCdst", "complement:c", "delete:d", "squeeze-repeats:s", "truncate-set1:t")
	o.need(1)
	first := c.trSet(o.rest[0])
	var second []rune
	if len(o.rest) > 1 {
		second = c.trSet(o.rest[1])
	}
	t := translation{remove: o.has("d")}
	in := map[rune]int{}
	for i, r := range first {
		if _, ok := in[r]; !ok {
			in[r] = i
		}
	}
	complement := o.has("c", "C")
	t.member = func(r rune) bool { _, ok := in[r]; return ok != complement }
	if len(second) > 0 && !t.remove {
		t.change = func(r rune) rune {
			i, ok := in[r]
			if complement || !ok {
				i = len(second) - 1
			}
			return second[min(i, len(second)-1)]
		}
	}
	if o.has("s") {
		squeezed := t.member
		if len(second) > 0 {
			set := string(second)
			squeezed = func(r rune) bool { return strings.ContainsRune(set, r) }
		}
		t.squeeze = squeezed
	}
	if err := t.run(c); err != nil {
		return c.failErr("read error", err)
	}
	return 0
}

// translation is what tr does to each character.
type translation struct {
	member  func(rune) bool
	remove  bool
	change  func(rune) rune
	squeeze func(rune) bool
}

func (t translation) run(c *Call) error {
	in := bufio.NewReaderSize(c.Stdin, 64<<10)
	last := rune(-1)
	for {
		r, size, err := in.ReadRune()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if r == unicode.ReplacementChar && size == 1 {
			_ = in.UnreadRune()
			b, _ := in.ReadByte()
			c.out.WriteByte(b)
			continue
		}
		member := t.member(r)
		if member && t.remove {
			continue
		}
		if member && t.change != nil {
			r = t.change(r)
		}
		if t.squeeze != nil && r == last && t.squeeze(r) {
			continue
		}
		last = r
		c.out.WriteRune(r)
		if r == '\n' {
			c.endFlush()
		}
	}
}

// trClasses are the characters of the classes of ASCII.
var trClasses = map[string]func(rune) bool{
	"alpha": unicode.IsLetter, "digit": unicode.IsDigit, "upper": unicode.IsUpper, "lower": unicode.IsLower,
	"alnum": func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) },
	"space": unicode.IsSpace, "blank": func(r rune) bool { return r == ' ' || r == '\t' },
	"punct": func(r rune) bool { return unicode.IsPunct(r) || unicode.IsSymbol(r) }, "cntrl": unicode.IsControl,
	"print": unicode.IsPrint, "graph": func(r rune) bool { return unicode.IsGraphic(r) && r != ' ' },
	"xdigit": func(r rune) bool { return strings.ContainsRune("0123456789abcdefABCDEF", r) },
}

// trSet spells out a set such as "a-z[:digit:]\n".
func (c *Call) trSet(s string) []rune {
	var set []rune
	runes := []rune(unescape(s))
	for i := 0; i < len(runes); i++ {
		if runes[i] == '[' && i+1 < len(runes) && runes[i+1] == ':' {
			name, _, ok := strings.Cut(string(runes[i+2:]), ":]")
			if class := trClasses[name]; ok && class != nil {
				for r := rune(0); r < 128; r++ {
					if class(r) {
						set = append(set, r)
					}
				}
				i += len([]rune(name)) + 3
				continue
			}
		}
		if i+2 < len(runes) && runes[i+1] == '-' {
			if runes[i] > runes[i+2] {
				c.usage("range-endpoints of '%s' are in reverse collating sequence order", string(runes[i:i+3]))
			}
			for r := runes[i]; r <= runes[i+2]; r++ {
				set = append(set, r)
			}
			i += 2
			continue
		}
		set = append(set, runes[i])
	}
	return set
}

// unescape resolves backslash escapes as printf's format has them.
func unescape(s string) string {
	text, _ := escapes(s, false)
	return text
}
