package shell

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"

	"sandpiper/runtimes/wasm/coreutils"
)

// call sees every simple command before the interpreter runs it, and returns what
// is to run in its place: nothing, when its job has been ended or nobody reads
// its output any more; a trap's commands, when a signal has come; and one of our
// own commands where the interpreter's is not enough.
func (s *shell) call(ctx context.Context, args []string) ([]string, error) {
	hc := interp.HandlerCtx(ctx)
	if j := s.jobOf(hc.Env); j != nil && j.ctx.Err() != nil {
		n, _ := signalOf(j.ctx)
		return []string{"exit", strconv.Itoa(128 + n)}, nil
	}
	if f, ok := hc.Stdout.(*os.File); ok && writes[args[0]] && unread(f) {
		return []string{"exit", "141"}, nil
	}
	if code, ok := s.takeTrap(); ok {
		return []string{"eval", rewritten(code) + "\n" + quoteAll(args)}, nil
	}
	if f, ok := replaced[args[0]]; ok {
		return f(s, hc, args), nil
	}
	return args, nil
}

// writes are the builtins that a signal would end when nobody reads.
var writes = map[string]bool{"echo": true, "printf": true, "pwd": true, "type": true}

func quoteAll(args []string) string {
	quoted := make([]string, len(args))
	for i, arg := range args {
		quoted[i] = quote(arg)
	}
	return strings.Join(quoted, " ")
}

// replacement returns what is to run in place of a command.
type replacement func(s *shell, hc interp.HandlerContext, args []string) []string

// replaced are the interpreter's commands that need something done first.
var replaced map[string]replacement

func init() {
	own := func(_ *shell, _ interp.HandlerContext, args []string) []string {
		return slices.Concat([]string{prefix + args[0]}, args[1:])
	}
	replaced = map[string]replacement{
		"kill": own, "jobs": own, "wait": own, "umask": own, "ulimit": own, "disown": own, "fg": own, "bg": own,
		"history": own, "fc": own, "enable": own, "bind": own, "complete": own, "compgen": own, "compopt": own, "caller": own, "suspend": own,
		"hash": own, "help": own,
		"logout": func(_ *shell, _ interp.HandlerContext, args []string) []string {
			return slices.Concat([]string{"exit"}, args[1:])
		},
		"echo": replaceEcho, "printf": replacePrintf, "cd": replaceCd, "pwd": replacePwd, "read": replaceRead,
		"test": replaceTest, "[": replaceTest,
		"trap": replaceTrap, "eval": replaceEval, "source": replaceSource, ".": replaceSource,
		"command": replaceCommand, "type": replaceType, "set": replaceSet,
	}
}

// replaceEcho spells out options that stand together.
func replaceEcho(_ *shell, _ interp.HandlerContext, args []string) []string {
	if len(args) < 2 || len(args[1]) < 3 || args[1][0] != '-' || strings.Trim(args[1][1:], "neE") != "" {
		return args
	}
	out := []string{"echo"}
	for _, letter := range args[1][1:] {
		out = append(out, "-"+string(letter))
	}
	return append(out, args[2:]...)
}

// replacePrintf uses our own, which knows more; -v becomes an assignment.
func replacePrintf(_ *shell, _ interp.HandlerContext, args []string) []string {
	if len(args) > 3 && args[1] == "-v" && syntax.ValidName(args[2]) {
		return []string{"eval", args[2] + "=$(" + prefix + "printf " + quoteAll(args[3:]) + "; echo .); " + args[2] + "=${" + args[2] + "%.}"}
	}
	return slices.Concat([]string{prefix + "printf"}, args[1:])
}

func replaceCd(_ *shell, _ interp.HandlerContext, args []string) []string {
	for len(args) > 1 && (args[1] == "--" || args[1] == "-L" || args[1] == "-P" || args[1] == "-e") {
		args = slices.Concat(args[:1], args[2:])
	}
	return args
}

func replacePwd(_ *shell, _ interp.HandlerContext, args []string) []string {
	if slices.Contains(args, "-P") {
		return []string{prefix + "pwd"}
	}
	return []string{"pwd"}
}

// replaceSet leaves out options that the interpreter does not know.
func replaceSet(_ *shell, _ interp.HandlerContext, args []string) []string {
	out := []string{"set"}
	for i := 1; i < len(args); i++ {
		arg := args[i]
		if arg == "--" || len(arg) < 2 || arg[0] != '-' && arg[0] != '+' {
			return append(out, args[i:]...)
		}
		if arg[1:] == "o" && i+1 < len(args) {
			if i++; knownOption[args[i]] {
				out = append(out, arg, args[i])
			}
			continue
		}
		known := strings.Map(func(r rune) rune {
			if strings.ContainsRune("aefnuxo", r) {
				return r
			}
			return -1
		}, arg[1:])
		if known != "" {
			out = append(out, arg[:1]+known)
		}
	}
	if len(out) == 1 && len(args) > 1 {
		return []string{"true"}
	}
	return out
}

var knownOption = map[string]bool{"allexport": true, "errexit": true, "noexec": true, "noglob": true, "nounset": true, "xtrace": true, "pipefail": true}

// replaceTest does with -t what rewrite does with it in [[ ]]. What follows it there
// is a number, and what precedes it no operand.
func replaceTest(_ *shell, _ interp.HandlerContext, args []string) []string {
	out := slices.Clone(args)
	for i := 1; i+1 < len(args); i++ {
		unary := i == 1 || slices.Contains([]string{"!", "(", "-a", "-o"}, args[i-1])
		if unary && args[i] == "-t" && atoi(args[i+1]) >= 0 {
			out[i], out[i+1] = "-e", terminalFolder+args[i+1]
		}
	}
	return out
}

// replaceEval rewrites the text that is going to be run.
func replaceEval(_ *shell, _ interp.HandlerContext, args []string) []string {
	return []string{"eval", rewritten(strings.Join(args[1:], " "))}
}

// replaceSource reads the file and has the interpreter open the rewritten text.
func replaceSource(s *shell, hc interp.HandlerContext, args []string) []string {
	if len(args) < 2 {
		return args
	}
	file := abs(hc.Dir, args[1])
	if !strings.Contains(args[1], "/") {
		for dir := range strings.SplitSeq(hc.Env.Get("PATH").Str, ":") {
			if info, err := s.child.files.Stat(abs(dir, args[1])); err == nil && info.Mode().IsRegular() {
				file = abs(dir, args[1])
				break
			}
		}
	}
	text, err := readScript(s.filesFor(hc.Stdin, hc.Stdout, hc.Stderr), file)
	if err != nil {
		fmt.Fprintf(hc.Stderr, "%s: %s: %s\n", s.baseName(), args[1], errorText(err))
		return []string{"false"}
	}
	name := fmt.Sprintf("/%ssource/%d", prefix, time.Now().UnixNano())
	s.mu.Lock()
	s.sources[name] = rewritten(string(text))
	s.mu.Unlock()
	return slices.Concat([]string{args[0], name}, args[2:])
}

// replaceCommand sees to -v and -V for what is not the interpreter's own.
func replaceCommand(s *shell, hc interp.HandlerContext, args []string) []string {
	for len(args) > 1 && args[1] == "-p" {
		args = slices.Concat(args[:1], args[2:])
	}
	if len(args) < 2 {
		return args
	}
	if args[1] == "-v" || args[1] == "-V" {
		if len(args) == 3 && (interp.IsBuiltin(args[2]) || s.runner.Funcs[args[2]] != nil) && args[1] == "-v" {
			return args
		}
		return slices.Concat([]string{prefix + "command"}, args[1:])
	}
	if f, ok := replaced[args[1]]; ok && args[1] != "command" {
		return f(s, hc, args[1:])
	}
	return args
}

func replaceType(s *shell, _ interp.HandlerContext, args []string) []string {
	for _, name := range args[1:] {
		if strings.HasPrefix(name, "-") && name != "-t" {
			return slices.Concat([]string{prefix + "type"}, args[1:])
		}
		if !strings.HasPrefix(name, "-") && (interp.IsBuiltin(name) || syntax.IsKeyword(name) || s.runner.Funcs[name] != nil) {
			return args
		}
	}
	return slices.Concat([]string{prefix + "type"}, args[1:])
}

// internal runs the commands that stand in for the interpreter's. own is false
// for any other.
func (s *shell) internal(ctx context.Context, hc interp.HandlerContext, cmd command) (code int, own bool) {
	name, own := strings.CutPrefix(cmd.args[0], prefix)
	if !own {
		return 0, false
	}
	cmd.args = slices.Concat([]string{name}, cmd.args[1:])
	switch cmd.args[0] {
	case "start":
		return s.startJob(hc, cmd), true
	case "end":
		return s.endJob(hc, cmd), true
	case "pipe":
		return s.makePipe(cmd), true
	case "wait":
		return s.wait(ctx, hc, cmd), true
	case "jobs":
		return s.listJobs(hc, cmd), true
	case "kill":
		cmd.args = s.killArguments(cmd.args)
	case "command", "type":
		return s.describe(cmd), true
	case "umask":
		if len(cmd.args) == 1 {
			fmt.Fprintln(cmd.stdout, "0022")
		}
		return 0, true
	case "ulimit":
		if !slices.ContainsFunc(cmd.args[1:], func(a string) bool { return a[0] >= '0' && a[0] <= '9' }) {
			fmt.Fprintln(cmd.stdout, "unlimited")
		}
		return 0, true
	case "fg", "bg", "suspend":
		return s.say(cmd, 1, cmd.args[0]+": no job control"), true
	case "disown", "hash", "history", "fc", "enable", "bind", "complete", "compgen", "compopt", "caller", "help":
		return 0, true
	}
	return s.builtIn(ctx, cmd.args[0], cmd), true
}

func atoi(s string) int {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil {
		return -1
	}
	return n
}

// describe is command -v and type for what is not the interpreter's own.
func (s *shell) describe(cmd command) int {
	code, flags := 0, ""
	for _, name := range cmd.args[1:] {
		if strings.HasPrefix(name, "-") {
			flags += name[1:]
			continue
		}
		kind, text := "file", ""
		switch file, err := s.find(command{args: []string{name}, dir: cmd.dir, env: cmd.env}); {
		case s.runner != nil && s.runner.Funcs[name] != nil && !strings.ContainsAny(flags, "pP"):
			kind, text = "function", name+" is a function"
		case interp.IsBuiltin(name) && !strings.ContainsAny(flags, "pP"):
			kind, text = "builtin", name+" is a shell builtin"
		case err == nil && (cmd.args[0] == "command" && !strings.Contains(flags, "V") || strings.ContainsAny(flags, "pP")):
			text = file
		case err == nil:
			text = name + " is " + file
		default:
			code = 1
			if cmd.args[0] == "type" && flags == "" || strings.Contains(flags, "V") {
				s.say(cmd, 1, cmd.args[0]+": "+name+": not found")
			}
			continue
		}
		if strings.Contains(flags, "t") {
			text = kind
		}
		fmt.Fprintln(cmd.stdout, text)
	}
	return code
}

// trapped takes a signal that has a trap.
func (s *shell) trapped(signal int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	text, ok := s.traps[signal]
	if ok && text != "" {
		s.pending = append(s.pending, signal)
	}
	return ok
}

func (s *shell) takeTrap() (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.pending) == 0 {
		return "", false
	}
	signal := s.pending[0]
	s.pending = s.pending[1:]
	return s.traps[signal], true
}

// replaceTrap keeps the traps of signals, which the interpreter does not know,
// and leaves it those of EXIT and ERR.
func replaceTrap(s *shell, hc interp.HandlerContext, args []string) []string {
	rest := args[1:]
	if len(rest) > 0 && rest[0] == "--" {
		rest = rest[1:]
	}
	if len(rest) < 2 {
		if len(rest) == 0 || rest[0] == "-p" {
			s.printTraps(hc.Stdout)
			return []string{"trap"}
		}
		rest = append([]string{"-"}, rest...)
	}
	action := rest[0]
	theirs := []string{"trap", rewritten(action)}
	for _, name := range rest[1:] {
		if name == "0" {
			name = "EXIT"
		}
		n, ok := coreutils.SignalNumber(name)
		switch name := strings.TrimPrefix(strings.ToUpper(name), "SIG"); {
		case name == "EXIT" || name == "ERR":
			theirs = append(theirs, name)
		case name == "DEBUG" || name == "RETURN":
		case !ok:
			fmt.Fprintf(hc.Stderr, "%s: trap: %s: invalid signal specification\n", s.baseName(), name)
			return []string{"false"}
		default:
			s.setTrap(n, action)
		}
	}
	if len(theirs) == 2 {
		return []string{"true"}
	}
	return theirs
}

func (s *shell) setTrap(signal int, action string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if action == "-" {
		delete(s.traps, signal)
		return
	}
	s.traps[signal] = action
}

func (s *shell) printTraps(w io.Writer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range slices.Sorted(maps.Keys(s.traps)) {
		fmt.Fprintf(w, "trap -- %s %s\n", quote(s.traps[n]), signalName(n))
	}
}

func signalName(n int) string {
	return map[int]string{1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 10: "SIGUSR1", 12: "SIGUSR2", 13: "SIGPIPE", 14: "SIGALRM", 15: "SIGTERM"}[n]
}
