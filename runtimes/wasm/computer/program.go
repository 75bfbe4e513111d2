package computer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"sandpiper/runtimes/wasm/program"
	"sandpiper/sandbox"
	"sandpiper/sandbox/guest"
)

// commandNames are the commands of languages whose names are not their IDs.
var commandNames = map[string][]string{
	"python":     {"python", "python3", "python3.12"},
	"javascript": {"node", "nodejs", "js"},
	"typescript": {"ts-node", "tsx", "ts"},
	"sql":        {"sqlite3", "sqlite"},
}

// programTable returns the language of each command.
func programTable(ids []string) map[string]string {
	programs := map[string]string{}
	for _, id := range ids {
		names := commandNames[id]
		if names == nil {
			names = []string{id}
		}
		for _, name := range names {
			programs[name] = id
		}
	}
	return programs
}

// invocation is one run of a language's command.
type invocation struct {
	args           []string // args[0] is the command's name
	dir            string
	env            []string
	tty            bool
	stdin          io.Reader
	stdout, stderr io.Writer
}

// runProgram runs p to its end, or until ctx is done, and returns its exit code.
func (m *machine) runProgram(ctx context.Context, p invocation) int {
	out := newOutputs(p.stdout, p.stderr)
	stopDropping := context.AfterFunc(ctx, out.drop)
	defer stopDropping()
	stdin, endInput := pumpInput(p.stdin)
	defer endInput()
	code := m.exec(ctx, p, stdin, out)
	out.close(ctx)
	return code
}

func (m *machine) exec(ctx context.Context, p invocation, stdin *sandbox.Stdin, out outputs) int {
	id := m.programs[path.Base(p.args[0])]
	if id == "git" {
		return m.cfg.Git(ctx, GitCall{FS: m.files, Network: m.network, Dir: p.dir, Env: p.env, Args: p.args[1:], Stdout: outletWriter{out.stdout}, Stderr: outletWriter{out.stderr}})
	}
	outcome, err := m.group.Exec(ctx, program.Call{
		Command: id, Dir: p.dir, Args: p.args[1:], Env: programEnv(p.env, p.dir), TTY: p.tty,
		Stdin: stdin, Output: out.write, Flow: out.flow, Files: m.home,
	})
	switch {
	case err != nil:
		out.stderr.write([]byte(p.args[0] + ": " + reason(err) + "\n"))
		return 126
	case outcome.Status == sandbox.StatusInternal:
		out.stderr.write([]byte("sandpiper: " + outcome.Message + "\n"))
	}
	return outcome.ExitCode
}

// reason is an error as a user may read it.
func reason(err error) string {
	if e, ok := errors.AsType[*sandbox.Error](err); ok {
		return e.Message
	}
	return err.Error()
}

// programEnv adds the working folder, which some runtimes go by.
func programEnv(env []string, dir string) []string {
	return append(slices.DeleteFunc(slices.Clone(env), func(kv string) bool { return strings.HasPrefix(kv, "PWD=") }), "PWD="+dir)
}

// outletWriter is an outlet for those who may wait.
type outletWriter struct{ o *outlet }

// Write implements io.Writer.
func (w outletWriter) Write(p []byte) (int, error) {
	w.o.write(p)
	wait, err := w.o.flow()
	if wait != nil {
		wait(context.Background()) // drop ends it
	}
	return len(p), cmp.Or(err, nil)
}

// pumpInput makes a program's input of r, from which nothing is taken before the
// program asks. The function that it returns ends that.
func pumpInput(r io.Reader) (*sandbox.Stdin, func()) {
	if f, ok := r.(*os.File); r == nil || ok && f == nil {
		return sandbox.StaticStdin(nil), func() {}
	}
	in := sandbox.LiveStdin()
	wanted, done := make(chan struct{}, 1), make(chan struct{})
	in.OnDemand(func() {
		select {
		case wanted <- struct{}{}:
		default:
		}
	})
	go func() {
		buf := make([]byte, 32<<10)
		for {
			select {
			case <-wanted:
			case <-done:
				return
			}
			n, err := r.Read(buf)
			if n > 0 {
				_, _ = in.Write(buf[:n]) // there is room: the program waits for it
			}
			if err != nil {
				_ = in.Close()
				return
			}
		}
	}()
	return in, func() {
		close(done)
		if f, ok := r.(*os.File); ok {
			_ = f.SetReadDeadline(time.Now()) // so that a read which waits ends
		}
	}
}

// GitCall is a call of the command git.
type GitCall struct {
	FS             guest.FS
	Network        sandbox.Network // what the sandbox may reach
	Dir            string
	Env, Args      []string
	Stdout, Stderr io.Writer
}

// noGit stands in for the command git where there is none.
func noGit(_ context.Context, c GitCall) int {
	fmt.Fprintln(c.Stderr, "git: not available in this sandbox")
	return 127
}
