package coreutils

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

	"sandpiper/sandbox/guest"
)

// Call is one command that runs.
type Call struct {
	Context context.Context // done when the command has to end
	Args    []string        // Args[0] is the command's name
	Dir     string          // the working folder
	Env     []string        // NAME=value
	FS      guest.FS
	Host    Host
	TTY     bool // output is a terminal

	Stdin          io.Reader
	Stdout, Stderr io.Writer

	out *bufio.Writer // to Stdout; flushed at the end
}

// Host is what a command needs besides files.
type Host interface {
	// Exec runs another command, looked up as a shell does, and returns its exit
	// code. The fields of c but for the Host are as they are to be.
	Exec(c *Call) int

	// Find returns the path of a command, or "".
	Find(c *Call, name string) string

	Processes(ctx context.Context) ([]Process, error)
	Kill(ctx context.Context, pid, signal int) error // pid below 0 for a group

	// Serve serves a folder on a port (0 for a free one) until ctx is done. It
	// calls ready with the port once it does.
	Serve(ctx context.Context, dir string, port int, ready func(port int)) error

	// Disk returns the bytes in use and their limit.
	Disk(ctx context.Context) (used, limit int64, err error)
}

// Func carries out a command and returns its exit code.
type Func func(c *Call) int

// brokenPipe is what a command panics with when nobody reads its output.
type brokenPipe struct{}

// cutOff is what a command panics with that has to end.
type cutOff struct{}

// Exit codes that have a meaning everywhere.
const (
	exitUsage      = 2
	exitNoExec     = 126
	exitNotFound   = 127
	exitCutOff     = 130
	exitBrokenPipe = 141
)

// pipeWriter ends the command at a write that fails, or that comes after the
// command has to end: one that copies a large file never looks otherwise.
type pipeWriter struct {
	w   io.Writer
	end context.Context
}

// Write implements io.Writer.
func (p pipeWriter) Write(b []byte) (int, error) {
	if p.end.Err() != nil {
		panic(cutOff{})
	}
	n, err := p.w.Write(b)
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, os.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded) {
		panic(brokenPipe{})
	}
	return n, err
}

// Run runs the command that Args[0] names, which Lookup must know.
func Run(c *Call) (code int) {
	f, ok := Lookup(c.Args[0])
	if !ok {
		return c.fail(exitNotFound, "command not found")
	}
	c.Stdout, c.Stderr = pipeWriter{c.Stdout, c.Context}, pipeWriter{c.Stderr, c.Context}
	c.out = bufio.NewWriterSize(c.Stdout, 32<<10)
	defer func() {
		switch p := recover(); p.(type) {
		case nil:
		case brokenPipe:
			code = exitBrokenPipe
		case cutOff:
			code = exitCutOff
		case usageError:
			code = usageCode(path.Base(c.Args[0]))
		default:
			panic(p)
		}
	}()
	code = f(c)
	if err := c.out.Flush(); err != nil {
		return c.failErr("write error", err)
	}
	return code
}

// usageCode is how a command ends whose arguments are wrong, which differs.
func usageCode(name string) int {
	switch name {
	case "grep", "egrep", "fgrep", "sort", "ls", "dir", "diff", "cmp", "awk", "gawk", "tar", "test", "[":
		return exitUsage
	case "env", "timeout", "nice", "nohup":
		return 125
	}
	return 1
}

// usageError ends a command whose arguments are wrong, after it has said so.
type usageError struct{}

// errorf writes a line to standard error that begins with the command's name.
func (c *Call) errorf(format string, args ...any) {
	_ = c.out.Flush() // what is wrong with it shows at the end
	fmt.Fprintf(c.Stderr, "%s: %s\n", path.Base(c.Args[0]), fmt.Sprintf(format, args...))
}

func (c *Call) fail(code int, format string, args ...any) int {
	if c.out == nil {
		c.out = bufio.NewWriter(c.Stdout)
	}
	c.errorf(format, args...)
	return code
}

// failErr reports an error about something, such as a file, and returns 1.
func (c *Call) failErr(what string, err error) int {
	c.errorf("%s: %s", what, errText(err))
	return 1
}

// usage ends the command.
func (c *Call) usage(format string, args ...any) {
	c.errorf(format, args...)
	panic(usageError{})
}

// errText is an error as people know it from other systems.
func errText(err error) string {
	var no syscall.Errno
	switch {
	case errors.As(err, &no):
	case errors.Is(err, fs.ErrNotExist):
		no = syscall.ENOENT
	case errors.Is(err, fs.ErrExist):
		no = syscall.EEXIST
	case errors.Is(err, fs.ErrPermission):
		no = syscall.EACCES
	default:
		return err.Error()
	}
	text := no.Error()
	return strings.ToUpper(text[:1]) + text[1:]
}

// abs makes a path absolute and clean.
func (c *Call) abs(name string) string {
	if !path.IsAbs(name) {
		name = c.Dir + "/" + name
	}
	return path.Clean(name)
}

// getenv returns a variable of the environment, or "".
func (c *Call) getenv(name string) string {
	for _, kv := range slices.Backward(c.Env) {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			return v
		}
	}
	return ""
}

func (c *Call) stat(name string) (fs.FileInfo, error)  { return c.FS.Stat(c.abs(name)) }
func (c *Call) lstat(name string) (fs.FileInfo, error) { return c.FS.Lstat(c.abs(name)) }

func (c *Call) isDir(name string) bool {
	info, err := c.stat(name)
	return err == nil && info.IsDir()
}

// open opens a file for reading; "-" is standard input.
func (c *Call) open(name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(c.Stdin), nil
	}
	f, err := c.FS.OpenFile(c.abs(name), os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		_ = f.Close()
		return nil, syscall.EISDIR
	}
	return f, nil
}

// create opens a file for writing, empty or at its end.
func (c *Call) create(name string, appending bool) (guest.File, error) {
	flag := os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	if appending {
		flag = os.O_WRONLY | os.O_CREATE | os.O_APPEND
	}
	return c.FS.OpenFile(c.abs(name), flag, 0o644)
}

func (c *Call) readFile(name string) ([]byte, error) {
	f, err := c.open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// eachInput calls f for each named file, or for standard input when there are
// none. What cannot be read is reported and makes the exit code 1.
func (c *Call) eachInput(names []string, f func(name string, r io.Reader) error) int {
	if len(names) == 0 {
		names = []string{"-"}
	}
	code := 0
	for _, name := range names {
		r, err := c.open(name)
		if err == nil {
			err = f(name, r)
			_ = r.Close()
		}
		if err != nil {
			code = c.failErr(name, err)
		}
	}
	return code
}

// eachLine calls f with each line of r, its newline included if it has one, until
// f returns false.
func (c *Call) eachLine(r io.Reader, f func(line string) bool) error {
	b := bufio.NewReaderSize(r, 64<<10)
	for c.Context.Err() == nil {
		line, err := b.ReadString('\n')
		if line != "" && !f(line) {
			return nil
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return context.Cause(c.Context)
}

// chomp cuts a line's newline.
func chomp(line string) string { return strings.TrimSuffix(line, "\n") }

// endFlush hands what was written on at the end of a line, for a terminal.
func (c *Call) endFlush() {
	if c.TTY {
		_ = c.out.Flush()
	}
}
