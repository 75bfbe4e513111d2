package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing/fstest"

	"github.com/tetratelabs/wazero/experimental/sys"

	"sandpiper/runtimes/wasm/jail"
	"sandpiper/runtimes/wasm/vm"
	"sandpiper/sandbox"
)

// Where the text of a script is found that is no file: in a folder that no
// listing shows.
const (
	textFolder = "/.sandpiper"
	textName   = "script"
)

// maxText bounds a script that comes from standard input, in bytes.
const maxText = 16 << 20

// Exec runs the module as a command of a sandbox's shell.
func (d *Driver) Exec(ctx context.Context, cfg vm.RunConfig, inv vm.Invocation) sandbox.Outcome {
	parse := d.Parse
	if parse == nil {
		parse = scriptFirst
	}
	stdin := func() (string, error) {
		if inv.TTY {
			return "", errors.New("there is no interactive prompt in this sandbox: give a script")
		}
		return readAll(ctx, cfg.Stdin)
	}
	script, text, rest, err := parse(inv.Dir, inv.Args, stdin)
	if err != nil {
		vm.Note(cfg, d.Name+": "+err.Error())
		return sandbox.Outcome{Status: sandbox.StatusError, ExitCode: 2}
	}
	if script == "" {
		script = textFolder + "/" + textName
		tree := fstest.MapFS{textName: &fstest.MapFile{Data: []byte(text), Mode: 0o444}}
		cfg.Mounts = append(cfg.Mounts, vm.Mount{Path: textFolder, FS: jail.NewLibrary(fs.FS(tree), cfg.Limits.OpenFiles)})
	} else if !path.IsAbs(script) {
		script = path.Join(inv.Dir, script)
	}
	if d.MakesFolder != "" {
		cfg.Mounts = withoutFolder(cfg.Mounts, strings.TrimPrefix(path.Join(inv.Dir, d.MakesFolder), "/"))
	}
	cfg.Env = append(cfg.Env, d.Env...)
	cfg.Args = []string{d.Name}
	for _, a := range d.Args {
		cfg.Args = append(cfg.Args, strings.ReplaceAll(a, MainFile, script))
	}
	cfg.Args = append(cfg.Args, rest...)
	return d.module.Run(ctx, cfg, vm.Start).Outcome
}

// withoutFolder keeps a folder of the root from being made.
func withoutFolder(mounts []vm.Mount, name string) []vm.Mount {
	mounts = slices.Clone(mounts)
	for i, m := range mounts {
		if m.Path == "/" {
			mounts[i].FS = folderless{m.FS, name}
		}
	}
	return mounts
}

// folderless is a file system in which one folder is not made.
type folderless struct {
	sys.FS
	name string
}

// Mkdir implements sys.FS.
func (f folderless) Mkdir(p string, perm fs.FileMode) sys.Errno {
	if path.Clean(p) == f.name {
		return sys.EPERM
	}
	return f.FS.Mkdir(p, perm)
}

// scriptFirst is how a command is called that is nothing but an interpreter.
func scriptFirst(_ string, args []string, stdin func() (string, error)) (script, text string, rest []string, err error) {
	if len(args) > 0 && args[0] != "-" {
		return args[0], "", args[1:], nil
	}
	if len(args) > 0 {
		args = args[1:]
	}
	text, err = stdin()
	return "", text, args, err
}

func readAll(ctx context.Context, in *sandbox.Stdin) (string, error) {
	var b strings.Builder
	buf := make([]byte, 32<<10)
	for in != nil {
		n, err := in.Read(ctx, buf)
		b.Write(buf[:n])
		switch {
		case err == io.EOF:
			return b.String(), nil
		case err != nil:
			return "", err
		case b.Len() > maxText:
			return "", fmt.Errorf("a script on standard input may have %d MiB at most", maxText>>20)
		}
	}
	return "", nil
}
