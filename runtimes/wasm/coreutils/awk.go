package coreutils

import (
	"io"
	"os"
	"strings"

	"sandpiper/internal/lazyregexp"

	"github.com/benhoyt/goawk/interp"
	"github.com/benhoyt/goawk/parser"
)

// awkFile is how programs know the file that is read: GoAWK reads all files as
// standard input here, one after the other, so FILENAME is set before each.
const awkFile = "SANDPIPER_FILENAME"

var awkFilename = lazyregexp.New(`\bFILENAME\b`)

// awk runs an AWK program on GoAWK. It is given no means to open files and run
// commands itself: the files of the command line are read for it.
func awk(c *Call) int {
	o := c.parse("+F:v:f:", "field-separator:F", "assign:v", "file:f")
	var source strings.Builder
	for _, name := range o.values["f"] {
		b, err := c.readFile(name)
		if err != nil {
			c.usage("%s: %s", name, errText(err))
		}
		source.Write(append(b, '\n'))
	}
	args := o.rest
	if !o.has("f") {
		o.need(1)
		source.WriteString(args[0])
		args = args[1:]
	}
	program, err := parser.ParseProgram(awkFilename().ReplaceAll([]byte(source.String()), []byte(awkFile)), nil)
	if err != nil {
		return c.fail(2, "%s", err)
	}
	files := &awkInput{c: c}
	defer files.close()
	config := &interp.Config{
		Stdin: files, Output: c.out, Error: c.Stderr, Argv0: "awk", Args: files.arguments(args), Vars: c.awkVars(o),
		NoExec: true, NoFileWrites: true, NoFileReads: true, Environ: c.awkEnviron(), Chars: true,
	}
	code, err := interp.ExecProgram(program, config)
	switch {
	case files.failed:
		code = 2
	case err != nil:
		c.errorf("%s", strings.NewReplacer(
			"can't write to file due to NoFileWrites", "a program cannot write files here: redirect awk's output instead",
			"can't read from file due to NoFileReads", "a program cannot read files by getline here: name them on the command line",
			"NoExec", "the sandbox").Replace(err.Error()))
		code = 2
	}
	return code
}

func (c *Call) awkVars(o options) []string {
	var vars []string
	if o.has("F") {
		fs := o.value("F", " ")
		if fs == "t" {
			fs = "\t"
		}
		vars = append(vars, "FS", unescape(fs))
	}
	for _, assign := range o.values["v"] {
		name, value, ok := strings.Cut(assign, "=")
		if !ok {
			c.usage("'%s' is not an assignment", assign)
		}
		vars = append(vars, name, unescape(value))
	}
	return vars
}

func (c *Call) awkEnviron() []string {
	environ := []string{}
	for _, kv := range c.Env {
		if name, value, ok := strings.Cut(kv, "="); ok {
			environ = append(environ, name, value)
		}
	}
	return environ
}

// awkInput is the input of a program: each file ends once, and then the next
// begins.
type awkInput struct {
	c       *Call
	names   []string
	current io.ReadCloser
	failed  bool
}

var awkAssignment = lazyregexp.New(`^[A-Za-z_][A-Za-z0-9_]*=`)

// arguments replaces each file by an assignment of its name and a "-".
func (f *awkInput) arguments(args []string) []string {
	var out []string
	for _, arg := range args {
		if awkAssignment().MatchString(arg) {
			out = append(out, arg)
			continue
		}
		f.names = append(f.names, arg)
		out = append(out, awkFile+"="+strings.ReplaceAll(arg, `\`, `\\`), "-")
	}
	if len(f.names) == 0 {
		f.names = []string{"-"}
	}
	return out
}

// Read implements io.Reader.
func (f *awkInput) Read(p []byte) (int, error) {
	if f.c.Context.Err() != nil {
		return 0, os.ErrClosed
	}
	if f.current == nil {
		if len(f.names) == 0 {
			return 0, io.EOF
		}
		name := f.names[0]
		f.names = f.names[1:]
		r, err := f.c.open(name)
		if err != nil {
			f.c.errorf("can't open file %s: %s", name, errText(err))
			f.failed = true
			return 0, io.EOF
		}
		f.current = r
	}
	n, err := f.current.Read(p)
	if err == io.EOF {
		f.close()
	}
	return n, err
}

func (f *awkInput) close() {
	if f.current != nil {
		_ = f.current.Close()
		f.current = nil
	}
}
