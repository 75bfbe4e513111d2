package shell

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/interp"

	"sandpiper/runtimes/wasm/coreutils"
	"sandpiper/runtimes/wasm/shell/wire"
)

// Exit codes of commands that did not start.
const (
	exitNoExec   = 126
	exitNotFound = 127
)

// virtualFolders are where the commands of this shell seem to be.
var virtualFolders = []string{"/bin", "/usr/bin"}

// exec is the interpreter's means to run a command that is not its own.
func (s *shell) exec(ctx context.Context, args []string) error {
	hc := interp.HandlerCtx(ctx)
	ctx, cancel := s.commandContext(ctx, hc.Env)
	defer cancel()
	cmd := command{args: args, dir: hc.Dir, env: exported(hc.Env), stdin: hc.Stdin, stdout: hc.Stdout, stderr: hc.Stderr}
	code, own := s.internal(ctx, hc, cmd)
	if !own {
		code = s.dispatch(ctx, cmd)
	}
	if n, ok := signalOf(ctx); ok {
		code = 128 + n
	}
	if code == 0 {
		return nil
	}
	return interp.ExitStatus(uint8(code))
}

// commandContext is the context of a command: it ends with its job, or with what
// is in the foreground.
func (s *shell) commandContext(ctx context.Context, env expand.Environ) (context.Context, context.CancelFunc) {
	other := s.child.signals.now()
	if j := s.jobOf(env); j != nil {
		other = j.ctx
	}
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(other, func() { cancel(context.Cause(other)) })
	return ctx, func() { stop(); cancel(nil) }
}

// jobOf returns the job that a command is part of.
func (s *shell) jobOf(env expand.Environ) *job {
	if pid := env.Get(varJob); pid.IsSet() {
		return s.child.job(atoi(pid.Str))
	}
	return nil
}

// dispatch runs a command: one of ours, of the server, or a script.
func (s *shell) dispatch(ctx context.Context, cmd command) int {
	if f, ok := cmd.stdin.(*os.File); ok && f != nil {
		stop := context.AfterFunc(ctx, func() { _ = f.SetReadDeadline(time.Now()) })
		defer func() {
			if !stop() {
				_ = f.SetReadDeadline(time.Time{})
			}
		}()
	}
	file, err := s.find(cmd)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !strings.Contains(cmd.args[0], "/"):
		return s.say(cmd, exitNotFound, cmd.args[0]+": command not found")
	case errors.Is(err, fs.ErrNotExist):
		return s.say(cmd, exitNotFound, cmd.args[0]+": No such file or directory")
	case err != nil:
		return s.say(cmd, exitNoExec, cmd.args[0]+": "+errorText(err))
	}
	if slices.Contains(virtualFolders, path.Dir(file)) {
		return s.builtIn(ctx, path.Base(file), cmd)
	}
	return s.script(ctx, file, cmd)
}

func errorText(err error) string {
	var no syscall.Errno
	if errors.As(err, &no) {
		err = no
	} else if errors.Is(err, fs.ErrPermission) {
		err = syscall.EACCES
	}
	text := err.Error()
	return strings.ToUpper(text[:1]) + text[1:]
}

// isCommand reports whether there is a command of ours, or of the server.
func (s *shell) isCommand(name string) bool {
	_, ok := coreutils.Lookup(name)
	return ok || isShell(name) || s.child.programs[name]
}

func isShell(name string) bool {
	return name == "sh" || name == "bash" || name == "dash" || name == "ash" || name == "rbash"
}

// find returns the absolute path of a command.
func (s *shell) find(cmd command) (string, error) {
	name := cmd.args[0]
	if strings.Contains(name, "/") {
		file := abs(cmd.dir, name)
		if slices.Contains(virtualFolders, path.Dir(file)) {
			if !s.isCommand(path.Base(file)) {
				return "", fs.ErrNotExist
			}
			return file, nil
		}
		return file, s.executable(file)
	}
	if name == "" {
		return "", fs.ErrNotExist
	}
	search := "/usr/local/bin:/usr/bin:/bin"
	for _, kv := range cmd.env {
		if p, ok := strings.CutPrefix(kv, "PATH="); ok {
			search = p
		}
	}
	failure := error(fs.ErrNotExist)
	for dir := range strings.SplitSeq(search, ":") {
		file := abs(cmd.dir, path.Join(dir, name))
		if slices.Contains(virtualFolders, path.Dir(file)) {
			if s.isCommand(name) {
				return file, nil
			}
			continue
		}
		switch err := s.executable(file); {
		case err == nil:
			return file, nil
		case errors.Is(err, syscall.EACCES):
			failure = err
		}
	}
	return "", failure
}

// executable says why a file cannot be run, or nil.
func (s *shell) executable(file string) error {
	info, err := s.child.files.Stat(file)
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return errIsDir
	case info.Mode()&0o111 == 0:
		return syscall.EACCES
	}
	return nil
}

// builtIn runs one of our commands, or one of the server's.
func (s *shell) builtIn(ctx context.Context, name string, cmd command) int {
	switch {
	case isShell(name):
		return s.subshell(ctx, cmd)
	case s.child.programs[name]:
		return s.spawn(ctx, name, cmd)
	}
	stdin := cmd.stdin
	if stdin == nil {
		stdin = strings.NewReader("")
	}
	c := &coreutils.Call{
		Context: ctx, Args: slices.Concat([]string{name}, cmd.args[1:]), Dir: cmd.dir, Env: s.withSize(cmd.env), Host: &host{s},
		FS:    s.filesFor(cmd.stdin, cmd.stdout, cmd.stderr),
		Stdin: stdin, Stdout: cmd.stdout, Stderr: cmd.stderr, TTY: s.isTerminal(cmd.stdout),
	}
	return coreutils.Run(c)
}

// isTerminal reports whether a stream of a command, which is a reader or a writer, is
// the child's own, and that a terminal.
func (s *shell) isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && slices.Contains(s.child.terminal, f)
}

func (s *shell) withSize(env []string) []string {
	c := s.child
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cols == 0 {
		return env
	}
	return append(slices.Clip(env), fmt.Sprintf("COLUMNS=%d", c.cols), fmt.Sprintf("LINES=%d", c.rows))
}

// What a compiler makes is a file of WebAssembly, which begins so. Where compilers
// are, there is a command that runs one.
const (
	moduleMagic   = "\x00asm"
	moduleCommand = "wasm"
)

// script runs a file by the interpreter that its first line names, or as the module
// that it is.
func (s *shell) script(ctx context.Context, file string, cmd command) int {
	head, err := s.firstLine(file)
	if err != nil {
		return s.say(cmd, exitNoExec, cmd.args[0]+": "+errorText(err))
	}
	interpreter := []string{"sh"}
	if line, ok := strings.CutPrefix(head, "#!"); ok {
		interpreter = strings.Fields(line)
		if len(interpreter) == 0 {
			interpreter = []string{"sh"}
		}
		if path.Base(interpreter[0]) == "env" && len(interpreter) > 1 {
			interpreter = interpreter[1:]
			if interpreter[0] == "-S" {
				interpreter = interpreter[1:]
			}
		}
	} else if strings.HasPrefix(head, moduleMagic) && s.child.programs[moduleCommand] {
		interpreter = []string{moduleCommand}
	} else if strings.ContainsRune(head, 0) {
		return s.say(cmd, exitNoExec, cmd.args[0]+": cannot execute binary file: Exec format error")
	}
	if path.Base(interpreter[0]) == interpreter[0] || s.isCommand(path.Base(interpreter[0])) {
		interpreter[0] = "/bin/" + path.Base(interpreter[0])
	}
	name := cmd.args[0]
	if !strings.Contains(name, "/") {
		name = file
	}
	cmd.args = slices.Concat(interpreter, []string{name}, cmd.args[1:])
	if !s.isCommand(path.Base(interpreter[0])) {
		return s.say(cmd, exitNoExec, name+": "+interpreter[0]+": bad interpreter: No such file or directory")
	}
	return s.builtIn(ctx, path.Base(interpreter[0]), cmd)
}

func (s *shell) firstLine(file string) (string, error) {
	f, err := s.child.files.OpenFile(file, os.O_RDONLY, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	line, err := bufio.NewReaderSize(io.LimitReader(f, 512), 512).ReadString('\n')
	if err == io.EOF {
		err = nil
	}
	return strings.TrimSuffix(line, "\n"), err
}

// spawn has the server run a program.
func (s *shell) spawn(ctx context.Context, name string, cmd command) int {
	m := &wire.Message{Op: wire.OpSpawn, Args: slices.Concat([]string{name}, cmd.args[1:]), Dir: cmd.dir, Env: cmd.env, TTY: s.isTerminal(cmd.stdout)}
	var closers []io.Closer
	var copying []chan struct{}
	defer func() {
		for _, done := range copying {
			<-done
		}
	}()
	add := func(f *os.File, ours io.Closer) {
		m.Files = append(m.Files, f)
		if ours != nil {
			closers = append(closers, ours)
		}
	}
	in, closer, err := inputFile(cmd.stdin)
	if err != nil {
		return s.say(cmd, exitNoExec, err.Error())
	}
	add(in, closer)
	var last io.Writer
	for i, w := range []io.Writer{cmd.stdout, cmd.stderr} {
		if f, ok := w.(*os.File); ok {
			add(f, nil)
			continue
		}
		if i == 1 && w == last {
			add(m.Files[1], nil)
			continue
		}
		r, f, err := os.Pipe()
		if err != nil {
			return s.say(cmd, exitNoExec, err.Error())
		}
		last = w
		done := make(chan struct{})
		copying = append(copying, done)
		go func() {
			_, _ = io.Copy(w, r) // the program ends when nobody reads
			_ = r.Close()
			close(done)
		}()
		add(f, f)
	}
	a, err := s.child.spawn(ctx, m, closers)
	if err != nil {
		return s.say(cmd, exitNoExec, cmd.args[0]+": "+err.Error())
	}
	return a.Code
}

// spawn sends the request. Once it has been sent the server has the files.
func (c *child) spawn(ctx context.Context, m *wire.Message, ours []io.Closer) (*wire.Message, error) {
	return c.peer.CallWith(ctx, m, func() {
		for _, f := range ours {
			_ = f.Close()
		}
	})
}

// inputFile makes a file of an input, which is one already but for commands that
// commands run.
func inputFile(in io.Reader) (*os.File, io.Closer, error) {
	if f, ok := in.(*os.File); ok && f != nil {
		return f, nil, nil
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	go func() {
		if in != nil {
			_, _ = io.Copy(w, in) // the program may not read all of it
		}
		_ = w.Close()
	}()
	return r, r, nil
}

// host is what commands need of the shell.
type host struct{ s *shell }

var _ coreutils.Host = (*host)(nil)

// Exec implements coreutils.Host.
func (h *host) Exec(c *coreutils.Call) int {
	cmd := command{args: c.Args, dir: c.Dir, env: c.Env, stdin: c.Stdin, stdout: c.Stdout, stderr: c.Stderr}
	code := h.s.dispatch(c.Context, cmd)
	if n, ok := signalOf(c.Context); ok {
		return 128 + n
	}
	return code
}

// Find implements coreutils.Host.
func (h *host) Find(c *coreutils.Call, name string) string {
	file, err := h.s.find(command{args: []string{name}, dir: c.Dir, env: c.Env})
	if err != nil {
		return ""
	}
	return file
}

// Processes implements coreutils.Host.
func (h *host) Processes(ctx context.Context) ([]coreutils.Process, error) {
	a, err := h.s.child.peer.Call(ctx, &wire.Message{Op: wire.OpPS})
	if err != nil {
		return nil, err
	}
	all := make([]coreutils.Process, len(a.Processes))
	for i, p := range a.Processes {
		all[i] = coreutils.Process(p)
	}
	return all, nil
}

// Kill implements coreutils.Host.
func (h *host) Kill(ctx context.Context, pid, signal int) error {
	_, err := h.s.child.peer.Call(ctx, &wire.Message{Op: wire.OpKill, PID: pid, Signal: signal})
	return err
}

// Serve implements coreutils.Host.
func (h *host) Serve(ctx context.Context, dir string, port int, ready func(port int)) error {
	a, err := h.s.child.peer.Call(ctx, &wire.Message{Op: wire.OpServe, Dir: dir, Port: port})
	if err != nil {
		return err
	}
	ready(a.Port)
	<-ctx.Done()
	_, err = h.s.child.peer.Call(context.Background(), &wire.Message{Op: wire.OpServe, Port: -a.Port})
	return err
}

// Disk implements coreutils.Host.
func (h *host) Disk(ctx context.Context) (used, limit int64, err error) {
	a, err := h.s.child.peer.Call(ctx, &wire.Message{Op: wire.OpDisk})
	if err != nil {
		return 0, 0, err
	}
	return a.N, a.Offset, nil
}
