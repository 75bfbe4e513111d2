package shell

import (
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode"

	"mvdan.cc/sh/v3/expand"

	"sandpiper/runtimes/wasm/coreutils"
	"sandpiper/runtimes/wasm/shell/wire"
)

// maxWords bounds the words that a completion answers.
const maxWords = 1000

// builtins are the commands of the interpreter that people type.
var builtins = []string{
	"alias", "bg", "break", "cd", "command", "continue", "declare", "dirs", "eval", "exec", "exit", "export", "fg", "getopts", "history",
	"jobs", "let", "local", "mapfile", "popd", "pushd", "read", "readarray", "readonly", "return", "set", "shift", "shopt", "source", "trap",
	"type", "typeset", "ulimit", "umask", "unalias", "unset", "wait",
	"case", "do", "done", "elif", "else", "esac", "fi", "for", "function", "if", "select", "then", "time", "until", "while",
}

// folders is what a completion sees of the file system.
type folders interface {
	ReadDir(name string) ([]fs.DirEntry, error)
	Stat(name string) (fs.FileInfo, error)
}

// completer completes words of a line as they would be understood by a shell in the
// state in which it was made.
type completer struct {
	files     folders
	dir, home string
	search    []string // folders of commands
	commands  []string
	variables []string
}

// completer returns one for the line that is read next.
func (s *shell) completer() *completer {
	c := &completer{files: s.child.files, dir: s.runner.Dir}
	c.commands = slices.Concat(builtins, coreutils.Names(), slices.Collect(maps.Keys(s.child.programs)), slices.Collect(maps.Keys(s.runner.Funcs)))
	vars := map[string]expand.Variable{}
	s.runner.Env.Each(func(name string, v expand.Variable) bool { vars[name] = v; return true })
	maps.Copy(vars, s.runner.Vars)
	for name := range vars {
		if !strings.HasPrefix(name, prefix) {
			c.variables = append(c.variables, name)
		}
	}
	c.home = orElse(vars["HOME"].String(), defaultHome)
	for dir := range strings.SplitSeq(vars["PATH"].String(), ":") {
		if !slices.Contains(virtualFolders, dir) { // they hold the commands that are known
			c.search = append(c.search, dir)
		}
	}
	return c
}

// completeFor sets the shell whose line is being read, nil for none.
func (c *child) completeFor(s *shell) {
	var next *completer
	if s != nil {
		next = s.completer()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.completer = next
}

// complete answers a request for the line that is being read.
func (c *child) complete(before string) *wire.Message {
	c.mu.Lock()
	completer := c.completer
	c.mu.Unlock()
	if completer == nil {
		return &wire.Message{}
	}
	start, words := completer.complete(before)
	return &wire.Message{Offset: int64(start), Args: words}
}

// unfinished is the last word of a line that is being typed.
type unfinished struct {
	start   int    // where it begins, in bytes
	text    string // without quotes
	quote   byte   // that is open, or 0
	quoted  int    // where that was opened
	command bool   // it is the name of a command
	of      string // the command that it is an argument of
}

// words that are followed by a command.
var beforeCommands = map[string]bool{
	"!": true, "{": true, "do": true, "elif": true, "else": true, "if": true, "then": true, "time": true, "until": true, "while": true,
	"builtin": true, "command": true, "env": true, "exec": true, "nohup": true, "sudo": true, "xargs": true,
}

// lastWord finds the word that a line ends in, which is empty behind a blank.
func lastWord(line string) unfinished {
	w := unfinished{command: true}
	begun, redirected := false, false
	end := func(next int) {
		switch {
		case !begun:
		case redirected:
			redirected = false
		case w.command && !beforeCommands[w.text]:
			w.command, w.of = false, w.text
		}
		w.start, w.text, begun = next, "", false
	}
	for i := 0; i < len(line); i++ {
		b := line[i]
		switch {
		case w.quote != 0 && b == w.quote:
			w.quote = 0
		case w.quote == '\'':
			w.text += string(b)
		case b == '\\' && i+1 < len(line):
			i++
			w.text, begun = w.text+line[i:i+1], true
		case w.quote != 0:
			w.text += line[i : i+1]
		case b == '\'' || b == '"':
			w.quote, w.quoted, begun = b, i, true
		case b == ' ' || b == '\t':
			end(i + 1)
		case strings.IndexByte("\n;|&(`", b) >= 0:
			end(i + 1)
			w.command, redirected = true, false
		case b == '<' || b == '>':
			end(i + 1)
			redirected = true
		case b == '=' && begun: // of an assignment or an option
			w.start, w.text = i+1, ""
			if w.command {
				redirected = true // neither it nor what follows it is a command
			}
		default:
			w.text, begun = w.text+line[i:i+1], true
		}
	}
	w.command = w.command && !redirected
	return w
}

// complete returns what the last word of a line may become, and where it begins.
func (c *completer) complete(line string) (start int, words []string) {
	w := lastWord(line)
	typed := line[w.start:]
	if at := strings.LastIndexByte(typed, '$'); at >= 0 && w.quote != '\'' && !strings.ContainsAny(typed[at:], "/}") {
		name, braces := strings.CutPrefix(typed[at+1:], "{")
		return c.variable(line, name, braces)
	}
	if w.command && !strings.Contains(w.text, "/") && w.quote == 0 {
		words = c.command(w.text)
	} else {
		words = c.file(w, typed)
	}
	slices.Sort(words)
	words = slices.Compact(words)
	return w.start, words[:min(len(words), maxWords)]
}

// variable completes the name of a variable at the end of a line.
func (c *completer) variable(line, name string, braces bool) (start int, words []string) {
	for _, v := range c.variables {
		if !strings.HasPrefix(v, name) {
			continue
		}
		if braces {
			v += "}"
		}
		words = append(words, v)
	}
	return len(line) - len(name), words
}

// command completes the name of a command.
func (c *completer) command(name string) (words []string) {
	for _, known := range c.commands {
		if strings.HasPrefix(known, name) && !strings.HasPrefix(known, prefix) {
			words = append(words, escape(known))
		}
	}
	for _, dir := range c.search {
		for _, e := range c.list(dir, name) {
			if info, err := c.files.Stat(path.Join(dir, e.Name())); err == nil && !info.IsDir() && info.Mode()&0o111 != 0 {
				words = append(words, escape(e.Name()))
			}
		}
	}
	return words
}

// list returns the entries of a folder whose names begin so.
func (c *completer) list(dir, start string) (found []fs.DirEntry) {
	all, _ := c.files.ReadDir(dir) // what cannot be read has nothing to offer
	for _, e := range all {
		name := e.Name()
		hidden := strings.HasPrefix(name, ".") && !strings.HasPrefix(start, ".")
		if strings.HasPrefix(name, start) && !hidden && !strings.ContainsFunc(name, unicode.IsControl) {
			found = append(found, e)
		}
	}
	return found
}

// onlyFolders are the commands that take folders.
var onlyFolders = map[string]bool{"cd": true, "pushd": true, "rmdir": true}

// file completes a path, of which as much as was typed stays as it was typed.
func (c *completer) file(w unfinished, typed string) (words []string) {
	dir, name := path.Split(w.text)
	if dir == "" && name == "~" {
		return []string{"~/"}
	}
	before, quote := typed[:strings.LastIndexByte(typed, '/')+1], w.quote
	switch {
	case quote == 0:
	case w.quoted == w.start && before == "":
		before = string(quote)
	case w.quoted >= w.start+len(before):
		quote = 0 // what it was opened for is written without
	}
	for _, e := range c.list(c.folder(dir), name) {
		isDir := e.IsDir()
		if e.Type()&fs.ModeSymlink != 0 {
			info, err := c.files.Stat(path.Join(c.folder(dir), e.Name()))
			isDir = err == nil && info.IsDir()
		}
		if !isDir && onlyFolders[w.of] {
			continue
		}
		word := before
		if quote == 0 {
			word += escape(e.Name())
		} else {
			word += escapeIn(quote, e.Name())
		}
		switch {
		case isDir:
			word += "/"
		case quote != 0:
			word += string(quote)
		}
		words = append(words, word)
	}
	return words
}

// folder returns the absolute path of a folder as it was typed.
func (c *completer) folder(dir string) string {
	if rest, ok := strings.CutPrefix(dir, "~/"); ok {
		return path.Join(c.home, rest)
	}
	return abs(c.dir, dir)
}

// escape writes a name so that it is one word.
func escape(name string) string {
	var b strings.Builder
	for i, r := range name {
		if strings.ContainsRune(" \\'\"$&|;<>()*?[]{}!`", r) || i == 0 && strings.ContainsRune("#~=", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// escapeIn writes a name so that it can stand within quotes.
func escapeIn(quote byte, name string) string {
	if quote == '\'' {
		return strings.ReplaceAll(name, "'", `'\''`)
	}
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`").Replace(name)
}
