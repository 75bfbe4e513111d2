package coreutils

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// maxSpace bounds the pattern and hold spaces, which a script can double with
// each command.
const maxSpace = 32 << 20

// sed edits a stream by a script.
func sed(c *Call) int {
	o := c.parse("ne:f:Ersi::zul:", "quiet:n", "silent:n", "expression:e", "file:f", "regexp-extended:E", "separate:s", "in-place:i", "null-data:z", "unbuffered:u", "posix", "debug")
	var script []string
	script = append(script, o.values["e"]...)
	for _, name := range o.values["f"] {
		b, err := c.readFile(name)
		if err != nil {
			c.usage("couldn't open file %s: %s", name, errText(err))
		}
		script = append(script, chomp(string(b)))
	}
	if len(script) == 0 {
		o.need(1)
		script, o.rest = o.rest[:1], o.rest[1:]
	}
	p := sedParser{in: strings.Join(script, "\n"), extended: o.has("E", "r")}
	if strings.HasPrefix(p.in, "#n\n") {
		o.values["n"] = []string{""}
	}
	commands, err := p.parse()
	if err != nil {
		c.errorf("-e expression #1, char %d: %s", p.at, err)
		return 1
	}
	s := &stream{c: c, commands: commands, quiet: o.has("n"), labels: p.labels, files: o.rest, out: c.out, separator: '\n', written: map[string]*bufio.Writer{}}
	if o.has("z") {
		s.separator = 0
	}
	if len(s.files) == 0 {
		s.files = []string{"-"}
	}
	return s.run(o)
}

// stream is a sed that runs.
type stream struct {
	c         *Call
	commands  []sedCommand
	labels    map[string]int
	quiet     bool
	files     []string
	separator byte

	in      *bufio.Reader
	closer  io.Closer
	out     *bufio.Writer
	written map[string]*bufio.Writer // files of w
	opened  []io.Closer

	number       int
	space, hold  string
	missing      bool // the last line has no newline
	lastOfInput  bool
	substituted  bool
	appended     []string // to be written after the line
	quit, failed bool
	code         int
}

// run edits the files: as one stream, or each in place.
func (s *stream) run(o options) int {
	defer s.closeAll()
	for _, cmd := range s.commands {
		s.openWritten(cmd)
	}
	if !o.has("i") {
		if o.has("s") {
			for _, name := range s.files {
				s.number = 0
				s.edit([]string{name})
			}
		} else {
			s.edit(s.files)
		}
		return s.exitCode()
	}
	for _, name := range s.files {
		if err := s.editInPlace(name, o.value("i", "")); err != nil {
			s.c.errorf("can't read %s: %s", name, errText(err))
			s.failed = true
		}
	}
	return s.exitCode()
}

// openWritten makes the files that a command writes, if it writes any.
func (s *stream) openWritten(cmd sedCommand) {
	if cmd.name == 'w' || cmd.name == 'W' {
		s.writer(cmd.text)
	}
	if cmd.sub != nil && cmd.sub.file != "" {
		s.writer(cmd.sub.file)
	}
}

func (s *stream) exitCode() int {
	if s.code == 0 && s.failed {
		return 2
	}
	return s.code
}

func (s *stream) closeAll() {
	for _, w := range s.written {
		_ = w.Flush()
	}
	for _, f := range s.opened {
		_ = f.Close()
	}
}

// editInPlace writes the result beside the file and then takes its place.
func (s *stream) editInPlace(name, suffix string) error {
	info, err := s.c.stat(name)
	if err != nil {
		return err
	}
	temp := name + ".sed"
	f, err := s.c.FS.OpenFile(s.c.abs(temp), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, info.Mode().Perm())
	if err != nil {
		return err
	}
	s.out = bufio.NewWriter(f)
	s.number, s.quit = 0, false
	s.edit([]string{name})
	err = errors.Join(s.out.Flush(), f.Close())
	s.out = s.c.out
	if err == nil && suffix != "" {
		backup := name + suffix
		if strings.Contains(suffix, "*") {
			backup = strings.ReplaceAll(suffix, "*", name)
		}
		err = s.c.FS.Rename(s.c.abs(name), s.c.abs(backup))
	}
	if err != nil {
		return errors.Join(err, s.c.FS.Remove(s.c.abs(temp)))
	}
	return s.c.FS.Rename(s.c.abs(temp), s.c.abs(name))
}

// edit runs the script on the lines of files.
func (s *stream) edit(files []string) {
	rest := files
	s.in = nil
	for i := range s.commands {
		s.commands[i].active = false
	}
	for !s.quit && s.c.Context.Err() == nil {
		line, ok := s.readLine(&rest)
		if !ok {
			break
		}
		s.space = line
		s.cycle(&rest)
	}
	if s.closer != nil {
		_ = s.closer.Close()
		s.closer = nil
	}
}

// readLine returns the next line of the files and finds out whether it is the
// last one.
func (s *stream) readLine(rest *[]string) (string, bool) {
	for {
		if s.in == nil && !s.openNext(rest) {
			return "", false
		}
		line, err := s.in.ReadString(s.separator)
		if line == "" && err != nil {
			s.in = nil
			continue
		}
		s.missing = err != nil
		if !s.missing {
			line = line[:len(line)-1]
		}
		s.number++
		s.lastOfInput = !s.more(rest)
		return line, true
	}
}

// more reports whether there is another line.
func (s *stream) more(rest *[]string) bool {
	for {
		if s.in != nil {
			if _, err := s.in.Peek(1); err == nil {
				return true
			}
			s.in = nil
		}
		if !s.openNext(rest) {
			return false
		}
	}
}

func (s *stream) openNext(rest *[]string) bool {
	for len(*rest) > 0 {
		name := (*rest)[0]
		*rest = (*rest)[1:]
		r, err := s.c.open(name)
		if err != nil {
			s.c.errorf("can't read %s: %s", name, errText(err))
			s.failed = true
			continue
		}
		if s.closer != nil {
			_ = s.closer.Close()
		}
		s.in, s.closer = bufio.NewReaderSize(r, 64<<10), r
		return true
	}
	return false
}

// put writes text with the newline that the last line may lack.
func (s *stream) put(text string, newline bool) {
	s.out.WriteString(text)
	if newline {
		s.out.WriteByte(s.separator)
	}
	s.c.endFlush()
}

// cycle runs the commands on the pattern space, and again when D says so.
func (s *stream) cycle(rest *[]string) {
	for {
		again, dropped := s.execute(rest)
		if !dropped && !s.quiet {
			s.put(s.space, !s.missing || !s.lastOfInput)
		}
		s.flushAppended()
		if !again || s.quit {
			return
		}
	}
}

func (s *stream) flushAppended() {
	for _, text := range s.appended {
		if s.missing && s.lastOfInput {
			s.out.WriteByte(s.separator)
			s.missing = false
		}
		s.out.WriteString(text)
	}
	s.appended = s.appended[:0]
}

// writer returns the file that w writes to.
func (s *stream) writer(name string) *bufio.Writer {
	switch name {
	case "/dev/stdout":
		return s.c.out
	case "/dev/stderr":
		return bufio.NewWriterSize(s.c.Stderr, 16)
	}
	if w := s.written[name]; w != nil {
		return w
	}
	f, err := s.c.create(name, false)
	if err != nil {
		s.c.usage("couldn't open file %s: %s", name, errText(err))
	}
	s.opened = append(s.opened, f)
	s.written[name] = bufio.NewWriter(f)
	return s.written[name]
}

// list is what l prints of the pattern space.
func list(text string) string {
	var b strings.Builder
	for i := range len(text) {
		switch ch := text[i]; {
		case ch == '\\':
			b.WriteString(`\\`)
		case ch == '\n':
			b.WriteString(`\n`)
		case ch == '\t':
			b.WriteString(`\t`)
		case ch < 0x20 || ch >= 0x7f:
			fmt.Fprintf(&b, `\%03o`, ch)
		default:
			b.WriteByte(ch)
		}
	}
	return b.String() + "$"
}
