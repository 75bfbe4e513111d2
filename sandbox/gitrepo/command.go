package gitrepo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"sandpiper/sandbox/guest"
)

// Exit codes of the real git.
const (
	exitOK    = 0
	exitError = 1
	exitFatal = 128
	exitUsage = 129
)

// version is what git --version prints; scripts look at its number.
const version = "git version 2.39.0.sandpiper"

// Command runs a git command line without "git" itself, in the folder dir, and
// returns its exit code. It prints and exits as the real git does where scripts
// depend on that; what it cannot do it says. HOME and the GIT_AUTHOR_* and
// GIT_COMMITTER_* variables are taken from env.
func Command(ctx context.Context, fsys guest.FS, dir string, env, args []string, stdout, stderr io.Writer, network Network) int {
	vars := map[string]string{}
	for _, kv := range env {
		k, v, _ := strings.Cut(kv, "=")
		vars[k] = v
	}
	out := bufio.NewWriterSize(stdout, 32<<10)
	cmd := &command{ctx: ctx, c: New(fsys, or(vars["HOME"], "/"), network), dir: dir, env: vars, out: out, err: stderr}
	code := cmd.main(args)
	if err := out.Flush(); err != nil && code == exitOK {
		return exitFatal
	}
	return code
}

// command is one run of Command.
type command struct {
	ctx context.Context
	c   *Client
	dir string
	env map[string]string
	out *bufio.Writer
	err io.Writer
}

// subcommand does its work and returns an exit code, or an error to print.
type subcommand func(*command, []string) (int, error)

var subcommands map[string]subcommand

func init() { // not at the declaration, which would refer to itself through help
	subcommands = map[string]subcommand{
		"add": (*command).add, "branch": (*command).branch, "checkout": (*command).checkout, "clone": (*command).clone,
		"commit": (*command).commit, "config": (*command).config, "diff": (*command).diff, "fetch": (*command).fetch,
		"help": (*command).help, "init": (*command).init, "log": (*command).log, "ls-files": (*command).lsFiles,
		"merge": (*command).merge, "mv": (*command).mv, "pull": (*command).pull, "push": (*command).push,
		"remote": (*command).remote, "reset": (*command).reset, "restore": (*command).restore, "rev-parse": (*command).revParse,
		"rm": (*command).rm, "show": (*command).show, "status": (*command).status, "switch": (*command).switchBranch,
		"tag": (*command).tag, "version": (*command).version,
	}
}

// known are commands of the real git that are not supported here.
var known = []string{
	"am", "apply", "archive", "bisect", "blame", "bundle", "cherry-pick", "clean", "describe", "fsck", "gc", "grep", "lfs", "ls-remote", "ls-tree",
	"cat-file", "format-patch", "notes", "rebase", "reflog", "revert", "rev-list", "shortlog", "sparse-checkout", "stash", "submodule", "worktree",
	"symbolic-ref", "update-index", "write-tree", "hash-object", "update-ref", "for-each-ref", "show-ref", "merge-base", "name-rev", "send-email",
}

// main reads the options before the subcommand and runs it.
func (c *command) main(args []string) int {
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		used, code := c.global(args)
		if used == 0 {
			return code
		}
		args = args[used:]
	}
	if len(args) == 0 {
		_, _ = c.help(nil)
		return exitError
	}
	run, ok := subcommands[args[0]]
	switch {
	case ok:
		code, err := run(c, args[1:])
		if err != nil {
			return c.fail(err)
		}
		return code
	case slices.Contains(known, args[0]):
		return c.fail(errorf(KindInvalid, "git %s is not supported here; supported are %s", args[0], supported()))
	}
	c.errorf("git: '%s' is not a git command. See 'git --help'.", args[0])
	return exitError
}

// global reads one option and returns how many arguments that took; none when
// the command ends with code.
func (c *command) global(args []string) (used, code int) {
	value := func() string {
		if len(args) > 1 {
			return args[1]
		}
		return ""
	}
	switch args[0] {
	case "--version", "-v":
		_, _ = c.version(nil)
		return 0, exitOK
	case "--help", "-h":
		_, _ = c.help(nil)
		return 0, exitOK
	case "--no-pager", "-P", "--no-optional-locks":
		return 1, exitOK
	case "-C":
		c.dir = c.path(value())
		return min(2, len(args)), exitOK
	case "-c":
		key, v, ok := strings.Cut(value(), "=")
		if !ok {
			v = "true"
		}
		if c.c.overrides == nil {
			c.c.overrides = map[string]string{}
		}
		c.c.overrides[strings.ToLower(key)] = v
		return min(2, len(args)), exitOK
	}
	c.errorf("unknown option: %s", args[0])
	return 0, exitUsage
}

func supported() string {
	names := make([]string, 0, len(subcommands))
	for name := range subcommands {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func (c *command) version([]string) (int, error) {
	c.printf("%s\n", version)
	return exitOK, nil
}

func (c *command) help([]string) (int, error) {
	c.printf("usage: git [-C <path>] [-c <name>=<value>] <command> [<args>]\n\nThis git is built in; these commands are supported:\n   %s\n", supported())
	return exitOK, nil
}

func (c *command) printf(format string, args ...any) { fmt.Fprintf(c.out, format, args...) }

// errorf prints a line to the standard error, after what was printed before.
func (c *command) errorf(format string, args ...any) {
	_ = c.out.Flush() // a broken pipe is found at the end
	fmt.Fprintf(c.err, format+"\n", args...)
}

// exit is an error with a text and an exit code of its own.
type exit struct {
	code int
	text string
}

// Error implements error.
func (e *exit) Error() string { return e.text }

// fail prints an error as the real git does and returns its exit code.
func (c *command) fail(err error) int {
	var own *exit
	var usage usageError
	var e *Error
	switch {
	case errors.As(err, &own):
		c.errorf("%s", own.text)
		return own.code
	case errors.As(err, &usage):
		c.errorf("error: %s", usage)
		return exitUsage
	case errors.As(err, &e) && e.Kind == KindRepoNotFound && strings.HasSuffix(e.Message, "any folder above it"):
		c.errorf("fatal: not a git repository (or any of the parent directories): .git")
		return exitFatal
	case errors.As(err, &e) && e.Kind == KindDirty:
		c.errorf("error: %s", e.Message)
		return exitError
	case errors.As(err, &e) && strings.HasPrefix(e.Message, "pathspec "):
		c.errorf("error: %s", e.Message)
		return exitError
	case c.ctx.Err() != nil:
		c.errorf("fatal: interrupted")
		return exitFatal
	case errors.Is(err, fs.ErrPermission):
		c.errorf("fatal: permission denied: %v", err)
		return exitFatal
	}
	c.errorf("fatal: %v", err)
	return exitFatal
}

// path returns an absolute path of what the user names.
func (c *command) path(name string) string {
	if path.IsAbs(name) {
		return path.Clean(name)
	}
	return path.Join(c.dir, name)
}

// open opens the repository that the folder belongs to.
func (c *command) open() (*Repo, error) { return c.c.Open(c.ctx, c.dir) }

// openWith parses a command's options and opens the repository.
func (c *command) openWith(args []string, specs ...string) (*Repo, *flags, error) {
	f, err := parseFlags(args, specs...)
	if err != nil {
		return nil, nil, err
	}
	r, err := c.open()
	return r, f, err
}

// short returns the beginning of a hash.
func short(hash string) string { return hash[:min(7, len(hash))] }

// subject returns the first line of a message.
func subject(message string) string {
	line, _, _ := strings.Cut(strings.TrimLeft(message, "\n"), "\n")
	return line
}

// quote writes a name as git does: as it is, or in quotes with special
// characters as escapes.
func quote(name string) string {
	if !strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' || r >= 0x7f }) {
		return name
	}
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(name) {
		switch ch := name[i]; {
		case ch == '"' || ch == '\\':
			b.WriteString(`\` + string(ch))
		case ch == '\n':
			b.WriteString(`\n`)
		case ch == '\t':
			b.WriteString(`\t`)
		case ch < ' ' || ch >= 0x7f:
			fmt.Fprintf(&b, `\%03o`, ch)
		default:
			b.WriteByte(ch)
		}
	}
	return b.String() + `"`
}
