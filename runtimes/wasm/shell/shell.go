package shell

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"

	"sandpiper/sandbox/guest"
)

// command is one command to run: a simple one, or a shell's own.
type command struct {
	args           []string
	dir            string
	env            []string
	stdin          io.Reader // an *os.File or nil, but for commands that commands run
	stdout, stderr io.Writer
}

// shell is one shell: that of the child, of a session, or of a script that a
// script runs.
type shell struct {
	child       *child
	runner      *interp.Runner
	name        string // $0
	errors      io.Writer
	interactive bool
	outer       *shell // the one that waits for this one, when that takes signals too

	mu      sync.Mutex
	traps   map[int]string // by signal
	pending []int          // trapped signals that came
	sources map[string]string
	line    context.CancelCauseFunc // ends the line that an interactive shell runs
	read    int64                   // the number of the line that it has read, or runs
	stopped int64                   // that of the last one that was interrupted
}

func newShell(c *child, cmd command) *shell {
	return &shell{child: c, name: cmd.args[0], traps: map[int]string{}, sources: map[string]string{}}
}

// say writes an error of the shell's own and returns the exit code.
func (s *shell) say(cmd command, code int, text string) int {
	fmt.Fprintf(cmd.stderr, "%s: %s\n", path.Base(s.name), text)
	return code
}

// open makes the interpreter.
func (s *shell) open(cmd command, params []string, options ...interp.RunnerOption) error {
	stdin := cmd.stdin
	if f, ok := stdin.(*os.File); ok && f == nil {
		stdin = nil
	}
	all := append([]interp.RunnerOption{
		// The option Dir looks for the folder on the host, where it is not.
		func(r *interp.Runner) error { r.Dir = cmd.dir; return nil },
		interp.Env(s.environ(cmd)), interp.StdIO(stdin, cmd.stdout, cmd.stderr),
		interp.CallHandler(s.call),
		interp.ExecHandlers(func(interp.ExecHandlerFunc) interp.ExecHandlerFunc { return s.exec }),
		interp.OpenHandler(s.openFile), interp.ReadDirHandler2(s.readDir), interp.StatHandler(s.stat), interp.AccessHandler(s.access),
	}, options...)
	r, err := interp.New(all...)
	if err != nil {
		return err
	}
	if len(params) > 0 {
		r.Params = params
	}
	s.runner, s.errors = r, cmd.stderr
	return nil
}

// environ is what the interpreter starts from: the exported environment and the
// variables of rewrite.
func (s *shell) environ(cmd command) expand.Environ {
	vars := environ{}
	for _, kv := range cmd.env {
		if name, value, ok := strings.Cut(kv, "="); ok && syntax.ValidName(name) {
			vars.set(name, value, true)
		}
	}
	for name, value := range map[string]string{
		varPID: strconv.Itoa(s.child.pid), varParent: strconv.Itoa(s.child.parent), varName: s.name, varLast: "",
		"UID": "1000", "EUID": "1000", "GID": "1000", "BASH": "/bin/bash", "BASH_VERSION": "5.2.0(1)-sandpiper", "HOSTNAME": "wasm", "HOSTTYPE": "wasm32", "OSTYPE": "linux-gnu", "SHLVL": "1",
	} {
		vars.set(name, value, false)
	}
	return vars
}

// environ is a fixed set of variables.
type environ map[string]expand.Variable

func (e environ) set(name, value string, exported bool) {
	e[name] = expand.Variable{Set: true, Exported: exported, Kind: expand.String, Str: value}
}

// Get implements expand.Environ.
func (e environ) Get(name string) expand.Variable { return e[name] }

// Each implements expand.Environ.
func (e environ) Each(f func(name string, v expand.Variable) bool) {
	for name, v := range e {
		if !f(name, v) {
			return
		}
	}
}

// exported are the variables that commands get.
func exported(env expand.Environ) []string {
	last := map[string]string{}
	env.Each(func(name string, v expand.Variable) bool {
		if v.Exported && v.Kind == expand.String && v.IsSet() {
			last[name] = v.Str
		} else {
			delete(last, name)
		}
		return true
	})
	list := make([]string, 0, len(last))
	for name, value := range last {
		list = append(list, name+"="+value)
	}
	return list
}

// runLines runs a script line by line as it is read, so that what stands before a
// syntax error is done, as in bash. exited is true when the script has ended the
// shell, or a signal has.
func (s *shell) runLines(ctx context.Context, text io.Reader) (code int, exited bool, failure error) {
	parser := syntax.NewParser(syntax.Variant(syntax.LangBash))
	for stmts, err := range parser.InteractiveSeq(io.MultiReader(text, strings.NewReader("\n"))) {
		if err != nil {
			return code, false, err
		}
		if parser.Incomplete() {
			continue
		}
		for _, st := range stmts {
			rewrite(st)
			code = codeOf(s.runner.Run(ctx, st))
			if s.runner.Exited() || ctx.Err() != nil {
				return code, true, nil
			}
		}
	}
	return code, false, nil
}

// runText runs a script to its end and returns its exit code.
func (s *shell) runText(ctx context.Context, text io.Reader, name string) int {
	code, exited, err := s.runLines(ctx, text)
	if err != nil {
		fmt.Fprintf(s.errors, "%s: %s\n", path.Base(s.name), syntaxError(err, name))
		code = 2
	}
	if n, ok := signalOf(ctx); ok {
		s.leave(128 + n)
		return 128 + n
	}
	if !exited {
		code = s.leave(code)
	}
	return code
}

// leave ends the shell, so that its EXIT trap runs.
func (s *shell) leave(code int) int {
	f, err := syntax.NewParser().Parse(strings.NewReader("exit "+strconv.Itoa(code)), "")
	if err != nil {
		return code
	}
	return codeOf(s.runner.Run(context.Background(), f))
}

// codeOf is the exit code that an error of the interpreter means.
func codeOf(err error) int {
	var status interp.ExitStatus
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status)
	}
	return 1
}

func syntaxError(err error, name string) string {
	text := err.Error()
	if name == "" {
		name = "line "
	} else {
		name += ": line "
	}
	if line, rest, ok := strings.Cut(text, ":"); ok && strings.Trim(line, "0123456789") == "" {
		_, rest, _ = strings.Cut(rest, ": ")
		return name + line + ": syntax error: " + rest
	}
	return "syntax error: " + text
}

// continueWith runs a script in a shell that lives on.
func (s *shell) continueWith(ctx context.Context, text string, cmd command) (code int, exited bool) {
	s.errors = cmd.stderr
	if err := interp.StdIO(cmd.stdin, cmd.stdout, cmd.stderr)(s.runner); err != nil {
		return s.say(cmd, 2, err.Error()), true
	}
	code, exited, err := s.runLines(ctx, strings.NewReader(text))
	if n, ok := signalOf(ctx); ok {
		return 128 + n, n == 1 || n == 9
	}
	if err != nil {
		return s.say(cmd, 2, syntaxError(err, "")), false
	}
	return code, exited
}

// filesFor is the file system of a command.
func (s *shell) filesFor(stdin io.Reader, stdout, stderr io.Writer) deviceFiles {
	return deviceFiles{FS: s.child.files, stdin: stdin, stdout: stdout, stderr: stderr, pipes: &s.child.pipes}
}

func abs(dir, name string) string {
	if !path.IsAbs(name) {
		name = dir + "/" + name
	}
	return path.Clean(name)
}

// openFile is the interpreter's means to open files, for redirections.
func (s *shell) openFile(ctx context.Context, name string, flag int, perm fs.FileMode) (io.ReadWriteCloser, error) {
	hc := interp.HandlerCtx(ctx)
	s.mu.Lock()
	text, ok := s.sources[name]
	delete(s.sources, name)
	s.mu.Unlock()
	if ok {
		return &device{r: strings.NewReader(text)}, nil
	}
	if name == "" {
		return nil, pathError(name, fs.ErrNotExist)
	}
	if number, ok := strings.CutPrefix(name, pipeFolder); ok {
		if flag&os.O_WRONLY != 0 {
			if w, ok := s.child.pipes.writer(number); ok {
				return w, nil
			}
		} else if r, ok := s.child.pipes.reader(number); ok {
			return r, nil
		}
	}
	f, err := s.filesFor(hc.Stdin, hc.Stdout, hc.Stderr).OpenFile(abs(hc.Dir, name), flag, perm)
	if err != nil {
		var p *fs.PathError
		if errors.As(err, &p) {
			err = p.Err
		}
		return nil, &os.PathError{Op: "open", Path: name, Err: err}
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		_ = f.Close()
		return nil, &os.PathError{Op: "open", Path: name, Err: errIsDir}
	}
	return f, nil
}

func (s *shell) readDir(ctx context.Context, name string) ([]fs.DirEntry, error) {
	return s.child.files.ReadDir(abs(interp.HandlerCtx(ctx).Dir, name))
}

func (s *shell) stat(ctx context.Context, name string, follow bool) (fs.FileInfo, error) {
	hc := interp.HandlerCtx(ctx)
	if number, ok := strings.CutPrefix(name, terminalFolder); ok {
		return s.statTerminal(hc, name, atoi(number))
	}
	files := s.filesFor(hc.Stdin, hc.Stdout, hc.Stderr)
	if follow {
		return files.Stat(abs(hc.Dir, name))
	}
	return files.Lstat(abs(hc.Dir, name))
}

// statTerminal finds a file for a descriptor that is a terminal: what -t asks for, see
// rewrite.
func (s *shell) statTerminal(hc interp.HandlerContext, name string, descriptor int) (fs.FileInfo, error) {
	streams := []any{hc.Stdin, hc.Stdout, hc.Stderr}
	if descriptor < 0 || descriptor >= len(streams) || !s.isTerminal(streams[descriptor]) {
		return nil, pathError(name, fs.ErrNotExist)
	}
	return (&device{}).info(name), nil
}

func (s *shell) access(ctx context.Context, name string, mode interp.AccessMode) error {
	info, err := s.stat(ctx, name, true)
	if err != nil {
		return err
	}
	if mode&interp.AccessExec != 0 && info.Mode()&0o111 == 0 {
		return fs.ErrPermission
	}
	return nil
}

// readScript reads a whole script.
func readScript(fsys guest.FS, name string) ([]byte, error) {
	f, err := fsys.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, errIsDir
	}
	var b bytes.Buffer
	_, err = io.Copy(&b, io.LimitReader(f, maxScript+1))
	if b.Len() > maxScript {
		err = errors.New("the script is too large")
	}
	return b.Bytes(), err
}

// maxScript is the largest script, in bytes.
const maxScript = 16 << 20

const errIsDir = syscall.EISDIR
