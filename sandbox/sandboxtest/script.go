package sandboxtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"sandpiper/sandbox"
)

// The limits of a Runner's programs.
var (
	DefaultLimits = sandbox.Limits{
		Wall: 10 * time.Second, CPU: 10 * time.Second, MemoryBytes: 256 << 20,
		OutputBytes: 1 << 20, FileBytes: 32 << 20, Files: 1000, OpenFiles: 64,
	}
	MaxLimits = sandbox.Limits{
		Wall: time.Minute, CPU: time.Minute, MemoryBytes: 1 << 30,
		OutputBytes: 16 << 20, FileBytes: 32 << 20, Files: 1000, OpenFiles: 64,
	}
)

var (
	errWallTime = errors.New("wall time limit")
	errEnded    = errors.New("the script has ended") // by one of its commands
)

// A script is one run of a program.
type script struct {
	program sandbox.Program
	out     sandbox.Sink
	room    int64 // bytes of output that are left
	outcome sandbox.Outcome
}

// run runs every line. Its error is what Run returns.
func (s *script) run(ctx context.Context) error {
	s.outcome.Status = sandbox.StatusOK
	for n, line := range strings.Split(string(s.program.Files[0].Content), "\n") {
		if ctx.Err() != nil {
			s.stopped(context.Cause(ctx))
			return nil
		}
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		command, rest, _ := strings.Cut(line, " ")
		err := s.do(ctx, n+1, command, rest)
		switch {
		case errors.Is(err, errEnded):
			return nil
		case ctx.Err() != nil:
			s.stopped(context.Cause(ctx))
			return nil
		case err != nil:
			return err
		}
	}
	return nil
}

// do runs one command.
func (s *script) do(ctx context.Context, line int, command, rest string) error {
	if run, ok := outputs[command]; ok {
		return run(s, rest)
	}
	switch command {
	case "readline":
		return s.readLine(ctx)
	case "echo":
		return s.echo(ctx)
	case "sleep":
		return s.sleep(ctx, rest)
	case "loop":
		<-ctx.Done()
	case "flood":
		for ctx.Err() == nil {
			if err := s.write(sandbox.Stdout, strings.Repeat("flood\n", 1000)); err != nil {
				return err
			}
		}
	case "exit":
		return s.exit(rest)
	case "memory":
		return s.end(sandbox.Outcome{Status: sandbox.StatusMemoryLimit, ExitCode: 137, Signal: "SIGKILL", Message: "Stopped: the memory limit."})
	case "panic":
		panic(rest)
	case "fail":
		return errors.New(rest)
	case "reject":
		return sandbox.Errorf(sandbox.KindUnprocessed, "%s", rest)
	default:
		return s.unknown(line, command)
	}
	return nil
}

// outputs are the commands that only say something.
var outputs = map[string]func(s *script, rest string) error{
	"print":  func(s *script, rest string) error { return s.write(sandbox.Stdout, rest+"\n") },
	"eprint": func(s *script, rest string) error { return s.write(sandbox.Stderr, rest+"\n") },
	"write":  func(s *script, rest string) error { return s.writeLiteral(sandbox.Stdout, rest) },
	"ewrite": func(s *script, rest string) error { return s.writeLiteral(sandbox.Stderr, rest) },
	"args": func(s *script, _ string) error {
		return s.write(sandbox.Stdout, strings.Join(s.program.Args, " ")+"\n")
	},
	"arg": func(s *script, number string) error {
		n, err := strconv.Atoi(number)
		if err != nil || n < 1 || n > len(s.program.Args) {
			return s.die("no argument " + number)
		}
		return s.write(sandbox.Stdout, s.program.Args[n-1]+"\n")
	},
	"env": func(s *script, name string) error {
		if name != "" {
			return s.write(sandbox.Stdout, s.program.Env[name]+"\n")
		}
		for _, k := range slices.Sorted(maps.Keys(s.program.Env)) {
			if err := s.write(sandbox.Stdout, k+"="+s.program.Env[k]+"\n"); err != nil {
				return err
			}
		}
		return nil
	},
	"cat": func(s *script, name string) error {
		i := slices.IndexFunc(s.program.Files, func(f sandbox.File) bool { return f.Name == name })
		if i < 0 {
			return s.die("cat: no file " + name)
		}
		return s.write(sandbox.Stdout, string(s.program.Files[i].Content))
	},
	"display": func(s *script, rest string) error {
		mime, text, _ := strings.Cut(rest, " ")
		s.out.Display(sandbox.Display{Data: map[string]any{mime: text}, Metadata: map[string]any{}})
		return nil
	},
	"diag": func(s *script, rest string) error {
		line, text, _ := strings.Cut(rest, " ")
		n, _ := strconv.Atoi(line)
		s.diagnose(n, text)
		return nil
	},
	"file": func(s *script, rest string) error {
		name, text, _ := strings.Cut(rest, " ")
		s.outcome.Files = append(s.outcome.Files, sandbox.File{Name: name, Content: []byte(text)})
		return nil
	},
}

// write writes text as far as the output limit allows, and ends the script there.
func (s *script) write(stream sandbox.Stream, text string) error {
	fits := text[:min(int64(len(text)), s.room)]
	s.room -= int64(len(fits))
	s.out.Output(stream, []byte(fits))
	if len(fits) == len(text) {
		return nil
	}
	if stream == sandbox.Stdout {
		s.outcome.Truncated.Stdout = true
	} else {
		s.outcome.Truncated.Stderr = true
	}
	return s.end(sandbox.Outcome{Status: sandbox.StatusOutputLimit, ExitCode: 137, Signal: "SIGKILL", Message: "Stopped: the output limit."})
}

func (s *script) writeLiteral(stream sandbox.Stream, literal string) error {
	text, err := strconv.Unquote(literal)
	if err != nil {
		return s.die("not a string literal: " + literal)
	}
	return s.write(stream, text)
}

func (s *script) stdin() *sandbox.Stdin {
	if s.program.Stdin == nil {
		return sandbox.StaticStdin(nil)
	}
	return s.program.Stdin
}

func (s *script) readLine(ctx context.Context) error {
	var line []byte
	b := make([]byte, 1)
	for {
		_, err := s.stdin().Read(ctx, b)
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		line = append(line, b[0])
		if b[0] == '\n' {
			break
		}
	}
	return s.write(sandbox.Stdout, string(line))
}

func (s *script) echo(ctx context.Context) error {
	b := make([]byte, 4096)
	for {
		n, err := s.stdin().Read(ctx, b)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := s.write(sandbox.Stdout, string(b[:n])); err != nil {
			return err
		}
	}
}

func (s *script) sleep(ctx context.Context, duration string) error {
	d, err := time.ParseDuration(duration)
	if err != nil {
		return s.die(err.Error())
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return nil
}

func (s *script) exit(code string) error {
	n, err := strconv.Atoi(code)
	if err != nil {
		return s.die(err.Error())
	}
	if n == 0 {
		return s.end(sandbox.Outcome{Status: sandbox.StatusOK})
	}
	return s.end(sandbox.Outcome{Status: sandbox.StatusError, ExitCode: n, Message: fmt.Sprintf("Ended with exit code %d.", n)})
}

func (s *script) unknown(line int, command string) error {
	s.diagnose(line, "unknown command "+command)
	return s.die(fmt.Sprintf("%s:%d: unknown command %s", s.program.Files[0].Name, line, command))
}

func (s *script) diagnose(line int, text string) {
	s.outcome.Diagnostics = append(s.outcome.Diagnostics, sandbox.Diagnostic{
		File: s.program.Files[0].Name, Line: line, Severity: sandbox.SeverityError, Message: text,
	})
}

// die ends the script as a program that fails with a message.
func (s *script) die(message string) error {
	if err := s.write(sandbox.Stderr, message+"\n"); err != nil {
		return err
	}
	return s.exit("1")
}

// end sets how the script ended; what it had left behind stays.
func (s *script) end(o sandbox.Outcome) error {
	o.Diagnostics, o.Files, o.Truncated = s.outcome.Diagnostics, s.outcome.Files, s.outcome.Truncated
	s.outcome = o
	return errEnded
}

// stopped sets how the script ended that was stopped from outside.
func (s *script) stopped(cause error) {
	o := sandbox.CancelledOutcome(cause)
	if errors.Is(cause, errWallTime) {
		o = sandbox.Outcome{Status: sandbox.StatusTimeout, ExitCode: 137, Signal: "SIGKILL", Message: "Stopped: the wall time limit."}
	}
	s.end(o)
}
