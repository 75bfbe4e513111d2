package coreutils

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// execute runs the commands once. again is for D with something left, dropped for
// a pattern space that is not to be printed.
func (s *stream) execute(rest *[]string) (again, dropped bool) {
	s.substituted = false
	for i := 0; i < len(s.commands); i++ {
		cmd := &s.commands[i]
		if s.c.Context.Err() != nil || len(s.space)+len(s.hold) > maxSpace {
			s.quit, s.code = true, 4
			s.c.errorf("the pattern space has become too large")
			return false, true
		}
		if s.selects(cmd) == cmd.negated {
			if cmd.name == '{' {
				i = cmd.jump - 1
			}
			continue
		}
		switch cmd.name {
		case 'b', 't', 'T':
			jump := cmd.name == 'b' || s.substituted == (cmd.name == 't')
			if cmd.name != 'b' {
				s.substituted = false
			}
			if !jump {
				continue
			}
			if cmd.text == "" {
				return false, false
			}
			i = s.labels[cmd.text] - 1
		case 'd':
			return false, true
		case 'D':
			_, after, found := strings.Cut(s.space, "\n")
			s.space = after
			return found, true
		case 'q', 'Q':
			s.quit, s.code = true, cmd.code
			return false, cmd.name == 'Q'
		case 'c':
			if cmd.to == nil || cmd.negated || !cmd.active {
				s.out.WriteString(cmd.text)
			}
			return false, true
		case 'n', 'N':
			if !s.advance(cmd.name, rest) {
				return false, cmd.name == 'n' || s.quiet
			}
		default:
			s.simple(cmd)
		}
	}
	return false, false
}

// advance carries out n and N, and reports false at the end of the input, which
// ends the script.
func (s *stream) advance(name byte, rest *[]string) bool {
	if name == 'n' && !s.quiet {
		s.put(s.space, !s.missing || !s.lastOfInput)
	}
	s.flushAppended()
	line, ok := s.readLine(rest)
	switch {
	case !ok:
		s.quit = true
		return false
	case name == 'n':
		s.space = line
	default:
		s.space += "\n" + line
	}
	return true
}

// simple carries out the commands that go on to the next one.
func (s *stream) simple(cmd *sedCommand) {
	switch cmd.name {
	case '=':
		fmt.Fprintf(s.out, "%d\n", s.number)
	case 'a':
		s.appended = append(s.appended, cmd.text)
	case 'i':
		s.out.WriteString(cmd.text)
	case 'g':
		s.space = s.hold
	case 'G':
		s.space += "\n" + s.hold
	case 'h':
		s.hold = s.space
	case 'H':
		s.hold += "\n" + s.space
	case 'x':
		s.space, s.hold = s.hold, s.space
	case 'l':
		s.out.WriteString(list(s.space) + "\n")
	case 'p':
		s.put(s.space, true)
	case 'P':
		first, _, _ := strings.Cut(s.space, "\n")
		s.put(first, true)
	case 'F':
		s.out.WriteString(s.files[0] + "\n")
	case 'r':
		if b, err := s.c.readFile(cmd.text); err == nil {
			s.appended = append(s.appended, string(b))
		}
	case 'w':
		s.writer(cmd.text).WriteString(s.space + "\n")
	case 'W':
		first, _, _ := strings.Cut(s.space, "\n")
		s.writer(cmd.text).WriteString(first + "\n")
	case 's':
		s.substitute(cmd.sub)
	case 'y':
		s.space = cmd.y.Replace(s.space)
	case 'z':
		s.space = ""
	}
}

// selects reports whether a command's addresses fit the line.
func (s *stream) selects(cmd *sedCommand) bool {
	switch {
	case cmd.from == nil:
		return true
	case cmd.to == nil:
		return s.fits(cmd.from)
	case cmd.active:
		return s.inRange(cmd)
	case cmd.from.line == 0 && cmd.from.re == nil && !cmd.from.last && cmd.from.step == 0: // 0,/re/
		if s.number == 1 {
			cmd.active = true
			return s.inRange(cmd)
		}
		return false
	case !s.fits(cmd.from):
		return false
	}
	cmd.active = true
	switch to := cmd.to; {
	case to.offset == '+':
		cmd.end = s.number + to.line
	case to.offset == '~' && to.line > 0:
		cmd.end = (s.number + to.line - 1) / to.line * to.line
	case to.re == nil && !to.last:
		cmd.end = to.line
	default:
		if to.last && s.lastOfInput {
			cmd.active = false
		}
		return true
	}
	if cmd.end <= s.number {
		cmd.active = false
	}
	return true
}

// inRange is for a line after the first of a range.
func (s *stream) inRange(cmd *sedCommand) bool {
	switch to := cmd.to; {
	case to.re != nil || to.last:
		cmd.active = !s.fits(to)
	case s.number > cmd.end:
		cmd.active = false
		return s.fits(cmd.from) && cmd.from.re != nil
	default:
		cmd.active = s.number < cmd.end
	}
	return true
}

func (s *stream) fits(a *sedAddress) bool {
	switch {
	case a.last:
		return s.lastOfInput
	case a.re != nil:
		return a.re.MatchString(s.space)
	case a.step > 0:
		return s.number >= a.line && (s.number-a.line)%a.step == 0
	}
	return s.number == a.line
}

// substitute carries out s.
func (s *stream) substitute(sub *substitution) {
	nth, most := max(1, sub.nth), -1
	if !sub.global {
		most = nth
	}
	matches := sub.re.FindAllStringSubmatchIndex(s.space, most)
	if len(matches) < nth {
		return
	}
	var b strings.Builder
	at := 0
	for _, m := range matches[nth-1:] {
		b.WriteString(s.space[at:m[0]])
		expandParts(&b, sub.parts, s.space, m)
		at = m[1]
		if b.Len() > maxSpace {
			break
		}
	}
	b.WriteString(s.space[at:])
	s.space = b.String()
	s.substituted = true
	if sub.print {
		s.put(s.space, true)
	}
	if sub.file != "" {
		s.writer(sub.file).WriteString(s.space + "\n")
	}
}

// expandParts writes a replacement for the match m of text.
func expandParts(b *strings.Builder, parts []string, text string, m []int) {
	mode, once := byte('E'), byte(0)
	for _, part := range parts {
		if len(part) == 2 && part[0] == '\\' {
			switch ch := part[1]; {
			case ch == 'u' || ch == 'l':
				once = ch
				continue
			case ch == 'U' || ch == 'L' || ch == 'E':
				mode, once = ch, 0
				continue
			default:
				group := int(ch - '0')
				part = ""
				if 2*group+1 < len(m) && m[2*group] >= 0 {
					part = text[m[2*group]:m[2*group+1]]
				}
			}
		}
		switch mode {
		case 'U':
			part = strings.ToUpper(part)
		case 'L':
			part = strings.ToLower(part)
		}
		if r, size := utf8.DecodeRuneInString(part); once != 0 && size > 0 {
			if once == 'u' {
				part = string(unicode.ToUpper(r)) + part[size:]
			} else {
				part = string(unicode.ToLower(r)) + part[size:]
			}
			once = 0
		}
		b.WriteString(part)
	}
}
