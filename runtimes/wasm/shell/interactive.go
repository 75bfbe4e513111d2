package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"sandpiper/runtimes/wasm/shell/wire"
)

// defaultPrompt is PS1 unless somebody sets it.
const defaultPrompt = `\u@\h:\w\$ `

// defaultHome is HOME where nothing says otherwise.
const defaultHome = "/home/daytona"

// converse reads statements from a terminal until its end. The server edits the
// lines; a line that is interrupted is forgotten.
func (s *shell) converse(ctx context.Context) int {
	code := 0
	for ctx.Err() == nil {
		lines := &lineReader{ctx: ctx, shell: s}
		parser := syntax.NewParser()
		lines.incomplete = parser.Incomplete
		var failure error
		for stmts, err := range parser.InteractiveSeq(lines) {
			if err != nil {
				failure = err
				break
			}
			if parser.Incomplete() {
				continue
			}
			var exited bool
			if code, exited = s.runLine(ctx, stmts); exited {
				return code
			}
		}
		switch {
		case lines.ended:
			fmt.Fprintln(s.errors, "exit")
			return s.leave(code)
		case lines.interrupted:
			code = 130
		case failure != nil:
			fmt.Fprintf(s.errors, "%s: %s\n", s.baseName(), syntaxError(failure, ""))
			code = 2
		default:
			return s.leave(code)
		}
	}
	if n, ok := signalOf(ctx); ok {
		code = 128 + n
	}
	return code
}

// runLine runs the statements of a line, which Ctrl-C ends.
func (s *shell) runLine(ctx context.Context, stmts []*syntax.Stmt) (code int, exited bool) {
	line, cancel := context.WithCancelCause(ctx) // jobs in the background outlive the line
	s.mu.Lock()
	s.line = cancel
	if s.stopped >= s.read {
		cancel(signalled(2))
	}
	s.mu.Unlock()
	defer s.interruptNothing()
	for _, st := range stmts {
		rewrite(st)
		code = codeOf(s.runner.Run(line, st))
		if line.Err() != nil {
			n, _ := signalOf(line)
			fmt.Fprintln(s.errors)
			s.setStatus(ctx, 128+n)
			return 128 + n, ctx.Err() != nil
		}
		if s.runner.Exited() {
			return code, true
		}
	}
	return code, false
}

// setStatus sets $?, which is no signal's when that came before a command had begun.
func (s *shell) setStatus(ctx context.Context, code int) {
	text := fmt.Sprintf("(exit %d)", code)
	if f, err := syntax.NewParser().Parse(strings.NewReader(text), ""); err == nil {
		_ = s.runner.Run(ctx, f.Stmts[0]) // the status is the error
	}
}

func (s *shell) interruptNothing() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.line = nil
}

// interrupt ends the line that runs, or is about to, unless that was typed later.
func (s *shell) interrupt(typed int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = max(s.stopped, typed)
	if s.line != nil && typed >= s.read {
		s.line(signalled(2))
	}
}

// begin notes the line that was read.
func (s *shell) begin(typed int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read = typed
}

// lineReader gives the parser the lines of the terminal.
type lineReader struct {
	ctx         context.Context
	shell       *shell
	incomplete  func() bool
	rest        string
	ended       bool
	interrupted bool
}

var errInterrupted = errors.New("interrupted")

// Read implements io.Reader.
func (l *lineReader) Read(p []byte) (int, error) {
	if l.rest == "" {
		prompt := l.shell.prompt("PS1", defaultPrompt)
		if l.incomplete() {
			prompt = l.shell.prompt("PS2", "> ")
		}
		l.shell.child.completeFor(l.shell)
		a, err := l.shell.child.peer.Call(l.ctx, &wire.Message{Op: wire.OpLine, Text: prompt})
		l.shell.child.completeFor(nil)
		switch {
		case err != nil || a.EOF:
			l.ended = true
			return 0, io.EOF
		case a.Code != 0:
			l.interrupted = true
			return 0, errInterrupted
		}
		l.shell.begin(l.shell.child.typed.Load())
		l.rest = a.Text
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}

// prompt expands a prompt's escapes.
func (s *shell) prompt(name, fallback string) string {
	text := fallback
	get := func(string) string { return "" }
	if s.runner.Vars != nil {
		get = func(name string) string { return s.runner.Vars[name].String() }
	}
	if v := get(name); v != "" {
		text = v
	}
	home, dir := orElse(get("HOME"), defaultHome), s.runner.Dir
	short := dir
	if dir == home {
		short = "~"
	} else if rest, ok := strings.CutPrefix(dir, home+"/"); ok {
		short = "~/" + rest
	}
	last := short[strings.LastIndexByte(short, '/')+1:]
	if last == "" {
		last = "/"
	}
	return strings.NewReplacer(`\u`, orElse(get("USER"), "daytona"), `\h`, "wasm", `\H`, "wasm", `\w`, short, `\W`, last,
		`\$`, "$", `\n`, "\n", `\[`, "", `\]`, "", `\e`, "\x1b", `\033`, "\x1b", `\a`, "\a", `\s`, "bash", `\\`, `\`).Replace(text)
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
