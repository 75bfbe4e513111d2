package coreutils

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// sedAddress is a line number, the last line, or a pattern.
type sedAddress struct {
	line, step int // a number, and every step lines from it
	last       bool
	re         *regexp.Regexp
	offset     byte // '+' or '~' for a second address that is relative
}

// sedCommand is a command with its addresses.
type sedCommand struct {
	from, to *sedAddress
	negated  bool
	name     byte
	text     string // of a, i, c; a label; a file
	code     int    // of q and Q
	jump     int    // of {: the command after its }
	sub      *substitution
	y        *strings.Replacer

	active bool // within its range
	end    int  // of a range that ends at a number
}

// substitution is what s does.
type substitution struct {
	re     *regexp.Regexp
	parts  []string // the replacement: literal text, or \0 … \9 and case marks
	nth    int
	global bool
	print  bool
	file   string
}

// sedParser reads a script.
type sedParser struct {
	in       string
	at       int
	extended bool
	labels   map[string]int
	last     *regexp.Regexp // for an empty pattern
}

func (p *sedParser) peek() byte {
	if p.at < len(p.in) {
		return p.in[p.at]
	}
	return 0
}

func (p *sedParser) skip(set string) {
	for p.at < len(p.in) && strings.IndexByte(set, p.in[p.at]) >= 0 {
		p.at++
	}
}

func (p *sedParser) parse() ([]sedCommand, error) {
	p.labels = map[string]int{}
	var commands []sedCommand
	var open []int
	for {
		p.skip(" \t\n;")
		if p.at >= len(p.in) {
			break
		}
		cmd, err := p.command()
		if err != nil {
			return nil, err
		}
		switch cmd.name {
		case '#':
			continue
		case ':':
			p.labels[cmd.text] = len(commands)
			continue
		case '{':
			open = append(open, len(commands))
		case '}':
			if len(open) == 0 {
				return nil, errors.New("unexpected `}'")
			}
			commands[open[len(open)-1]].jump = len(commands)
			open = open[:len(open)-1]
			continue
		}
		commands = append(commands, cmd)
	}
	if len(open) > 0 {
		return nil, errors.New("unmatched `{'")
	}
	for _, cmd := range commands {
		if _, ok := p.labels[cmd.text]; strings.IndexByte("btT", cmd.name) >= 0 && cmd.text != "" && !ok {
			return nil, fmt.Errorf("can't find label for jump to `%s'", cmd.text)
		}
	}
	return commands, nil
}

func (p *sedParser) command() (cmd sedCommand, err error) {
	if cmd.from, err = p.address(); err != nil {
		return cmd, err
	}
	p.skip(" \t")
	if cmd.from != nil && p.peek() == ',' {
		p.at++
		p.skip(" \t")
		if cmd.to, err = p.secondAddress(); err != nil {
			return cmd, err
		}
	}
	p.skip(" \t")
	for p.peek() == '!' {
		cmd.negated = true
		p.at++
		p.skip(" \t")
	}
	cmd.name = p.peek()
	p.at++
	return cmd, p.arguments(&cmd)
}

func (p *sedParser) secondAddress() (*sedAddress, error) {
	var offset byte
	if ch := p.peek(); ch == '+' || ch == '~' {
		offset = ch
		p.at++
	}
	a, err := p.address()
	if err == nil && a == nil {
		err = errors.New("unexpected `,'")
	}
	if a != nil {
		a.offset = offset
	}
	return a, err
}

func (p *sedParser) address() (*sedAddress, error) {
	switch ch := p.peek(); {
	case ch >= '0' && ch <= '9':
		a := &sedAddress{line: p.number()}
		if p.peek() == '~' {
			p.at++
			a.step = p.number()
		}
		return a, nil
	case ch == '$':
		p.at++
		return &sedAddress{last: true}, nil
	case ch == '/' || ch == '\\':
		p.at++
		if ch == '\\' {
			ch = p.peek()
			p.at++
		}
		text, err := p.delimited(ch, true)
		if err != nil {
			return nil, errors.New("unterminated address regex")
		}
		flags := ""
		for p.peek() == 'I' || p.peek() == 'M' {
			flags += strings.ToLower(string(p.peek()))
			p.at++
		}
		re, err := p.compile(text, flags)
		return &sedAddress{re: re}, err
	}
	return nil, nil
}

func (p *sedParser) number() int {
	start := p.at
	p.skip("0123456789")
	n, _ := strconv.Atoi(p.in[start:p.at]) // too large a number is no line
	return n
}

func (p *sedParser) compile(text, flags string) (*regexp.Regexp, error) {
	if text == "" {
		if p.last == nil {
			return nil, errors.New("no previous regular expression")
		}
		return p.last, nil
	}
	kind := basic
	if p.extended {
		kind = extended
	}
	re, err := compile(text, kind, flags+"s")
	if err == nil {
		p.last = re
	}
	return re, err
}

// delimited reads up to an unescaped delimiter. In a pattern, brackets hide it.
func (p *sedParser) delimited(delimiter byte, pattern bool) (string, error) {
	var b strings.Builder
	inBracket := false
	for p.at < len(p.in) {
		ch := p.in[p.at]
		p.at++
		switch {
		case ch == '\\' && p.at < len(p.in) && !inBracket:
			next := p.in[p.at]
			p.at++
			switch {
			case next == delimiter && (pattern && strings.IndexByte("()|+?{}", delimiter) < 0 || !pattern):
				b.WriteByte(next)
			case next == '\n' && !pattern:
				b.WriteString("\\\n")
			default:
				b.WriteString(`\` + string(next))
			}
		case ch == delimiter && !inBracket:
			return b.String(), nil
		default:
			if pattern && ch == '[' && !inBracket {
				inBracket = true
				b.WriteByte(ch)
				for p.peek() == '^' || p.peek() == ']' {
					b.WriteByte(p.peek())
					p.at++
				}
				continue
			}
			if ch == ']' {
				inBracket = false
			}
			b.WriteByte(ch)
		}
	}
	return "", errors.New("unterminated")
}

// arguments reads what follows a command's name.
func (p *sedParser) arguments(cmd *sedCommand) error {
	switch cmd.name {
	case '#':
		p.toEnd("\n")
	case '{', '}', '=', 'd', 'D', 'g', 'G', 'h', 'H', 'n', 'N', 'p', 'P', 'x', 'l', 'F', 'z':
	case ':':
		cmd.text = strings.TrimSpace(p.toEnd("\n;"))
	case 'b', 't', 'T':
		cmd.text = strings.TrimSpace(p.toEnd("\n;}"))
	case 'q', 'Q':
		p.skip(" ")
		cmd.code = p.number()
	case 'a', 'i', 'c':
		cmd.text = p.textArgument()
	case 'r', 'R', 'w', 'W':
		cmd.text = strings.TrimSpace(p.toEnd("\n"))
	case 's':
		return p.substitution(cmd)
	case 'y':
		return p.transliteration(cmd)
	case 0:
		return errors.New("missing command")
	case 'e':
		return errors.New("the command `e' is not possible here")
	default:
		return fmt.Errorf("unknown command: `%c'", cmd.name)
	}
	p.skip(" \t")
	if ch := p.peek(); ch != 0 && strings.IndexByte("\n;}#", ch) < 0 && cmd.name != '{' && cmd.name != '}' {
		return errors.New("extra characters after command")
	}
	return nil
}

func (p *sedParser) toEnd(set string) string {
	start := p.at
	for p.at < len(p.in) && strings.IndexByte(set, p.in[p.at]) < 0 {
		p.at++
	}
	return p.in[start:p.at]
}

// textArgument reads the text of a, i and c: on the same line, or after a
// backslash and on as long as lines end in one.
func (p *sedParser) textArgument() string {
	p.skip(" \t")
	if p.peek() == '\\' {
		p.at++
		p.skip(" \t")
		if p.peek() == '\n' {
			p.at++
		}
	}
	var b strings.Builder
	for p.at < len(p.in) {
		ch := p.in[p.at]
		p.at++
		if ch == '\n' {
			p.at--
			break
		}
		if ch == '\\' && p.at < len(p.in) {
			ch = p.in[p.at]
			p.at++
			if ch == 't' {
				ch = '\t'
			}
		}
		b.WriteByte(ch)
	}
	return b.String() + "\n"
}

func (p *sedParser) substitution(cmd *sedCommand) error {
	delimiter := p.peek()
	p.at++
	pattern, err1 := p.delimited(delimiter, true)
	replacement, err2 := p.delimited(delimiter, false)
	if err1 != nil || err2 != nil || delimiter == 0 || delimiter == '\n' {
		return errors.New("unterminated `s' command")
	}
	s := &substitution{parts: replacementParts(replacement)}
	flags := ""
	for {
		switch ch := p.peek(); {
		case ch == 'g':
			s.global = true
		case ch == 'p':
			s.print = true
		case ch == 'i' || ch == 'I':
			flags += "i"
		case ch == 'm' || ch == 'M':
			flags += "m"
		case ch == 'e':
			return errors.New("the flag `e' is not possible here")
		case ch >= '1' && ch <= '9':
			s.nth = p.number()
			continue
		case ch == 'w':
			p.at++
			s.file = strings.TrimSpace(p.toEnd("\n"))
			continue
		default:
			p.skip(" \t")
			if ch := p.peek(); ch != 0 && strings.IndexByte("\n;}#", ch) < 0 {
				return errors.New("unknown option to `s'")
			}
			var err error
			s.re, err = p.compile(pattern, flags)
			cmd.sub = s
			return err
		}
		p.at++
	}
}

// replacementParts splits a replacement into literal text and "\0" … "\9", with
// the case marks \U \L \u \l \E as parts of their own.
func replacementParts(text string) []string {
	var parts []string
	var b strings.Builder
	flush := func(part string) {
		if b.Len() > 0 {
			parts = append(parts, b.String())
			b.Reset()
		}
		parts = append(parts, part)
	}
	for i := 0; i < len(text); i++ {
		switch ch := text[i]; {
		case ch == '&':
			flush(`\0`)
		case ch == '\\' && i+1 < len(text):
			i++
			switch next := text[i]; {
			case next >= '0' && next <= '9' || strings.IndexByte("ULulE", next) >= 0:
				flush(`\` + string(next))
			case next == 'n':
				b.WriteByte('\n')
			case next == 't':
				b.WriteByte('\t')
			case next == 'r':
				b.WriteByte('\r')
			default:
				b.WriteByte(next)
			}
		default:
			b.WriteByte(ch)
		}
	}
	if b.Len() > 0 {
		parts = append(parts, b.String())
	}
	return parts
}

func (p *sedParser) transliteration(cmd *sedCommand) error {
	delimiter := p.peek()
	p.at++
	from, err1 := p.delimited(delimiter, false)
	to, err2 := p.delimited(delimiter, false)
	a, b := []rune(unescape(from)), []rune(unescape(to))
	if err1 != nil || err2 != nil || len(a) != len(b) {
		return errors.New("strings for `y' command are different lengths")
	}
	var pairs []string
	for i := range a {
		pairs = append(pairs, string(a[i]), string(b[i]))
	}
	cmd.y = strings.NewReplacer(pairs...)
	return nil
}
