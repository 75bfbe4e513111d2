package golang

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"sandpiper/sandbox"
)

// target is a package of a sandbox's files that the go command is asked for. The
// program's names are relative to home.
type target struct {
	*program
	home  string // the folder of the module, or of the files: absolute
	given string // the file that the package is called by, where files are given
}

// name is what the go command calls the package.
func (t *target) name() string {
	if t.given != "" {
		return "command-line-arguments"
	}
	return t.importOf(t.root)
}

// binary is the name of the program that is built of the package.
func (t *target) binary() string {
	if t.given != "" {
		return strings.TrimSuffix(path.Base(t.given), ".go")
	}
	return path.Base(t.importOf(t.root))
}

func (t *target) isMain() bool {
	files := sources(t.folders[t.root], false)
	return len(files) > 0 && files[0].syntax.Name.Name == "main"
}

// targets returns the packages that arguments name; the one of the working folder
// where there are none.
func (c *command) targets(args []string) ([]*target, error) {
	if len(args) > 0 && strings.HasSuffix(args[0], ".go") {
		t, err := c.ofFiles(args)
		return []*target{t}, err
	}
	dirs, err := c.folders(args)
	if err != nil {
		return nil, err
	}
	var all []*target
	for _, dir := range dirs {
		t, err := c.ofFolder(dir)
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, nil
}

// folders returns the folders that arguments name, as absolute paths: folders,
// packages of the module, or all below one for what ends in "...".
func (c *command) folders(args []string) ([]string, error) {
	if len(args) == 0 {
		args = []string{"."}
	}
	var dirs []string
	for _, arg := range args {
		base, all := strings.CutSuffix(arg, "...")
		dir, err := c.folderOf(cmp.Or(strings.TrimSuffix(base, "/"), "."))
		if err != nil {
			return nil, err
		}
		if !all {
			dirs = append(dirs, dir)
			continue
		}
		found, err := c.below(dir)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%q matched no packages", arg)
		}
		dirs = append(dirs, found...)
	}
	slices.Sort(dirs)
	return slices.Compact(dirs), nil
}

// folderOf returns the folder of a package.
func (c *command) folderOf(arg string) (string, error) {
	if !path.IsAbs(arg) && arg != "." && arg != ".." && !strings.HasPrefix(arg, "./") && !strings.HasPrefix(arg, "../") {
		base, ok := c.moduleFolder(c.dir)
		if !ok {
			return "", fmt.Errorf("package %s is not in std: say ./%s for a folder", arg, arg)
		}
		p := &program{module: defaultModule, base: "."}
		text, err := c.files.Read(path.Join(base, "go.mod"))
		if err != nil {
			return "", err
		}
		if p.readModule(text); !p.own(arg) {
			return "", fmt.Errorf("package %s is not of the module %s, and only such are built here; say ./%s for a folder", arg, p.module, arg)
		}
		arg = path.Join(base, p.folder(arg))
	}
	dir := c.files.Abs(arg)
	switch is, err := c.files.IsDir(dir); {
	case err != nil:
		return "", err
	case !is:
		return "", fmt.Errorf("%s is not a folder", arg)
	}
	return dir, nil
}

// below returns the folders at and below dir that have Go files, but for those that
// the go command leaves out and for other modules.
func (c *command) below(dir string) ([]string, error) {
	files, err := c.files.Walk(dir, func(name string) bool {
		last := path.Base(name)
		if last[0] == '.' || last[0] == '_' || last == "testdata" || last == "vendor" || last == "node_modules" {
			return false
		}
		_, err := c.files.IsDir(path.Join(dir, name, "go.mod"))
		return err != nil
	})
	if err != nil {
		return nil, err
	}
	var dirs []string
	for _, name := range files {
		if strings.HasSuffix(name, ".go") {
			dirs = append(dirs, path.Join(dir, path.Dir(name)))
		}
	}
	slices.Sort(dirs)
	return slices.Compact(dirs), nil
}

// moduleFolder returns the folder of the go.mod that is nearest above dir.
func (c *command) moduleFolder(dir string) (string, bool) {
	for {
		if is, err := c.files.IsDir(path.Join(dir, "go.mod")); err == nil && !is {
			return dir, true
		}
		if dir == "/" {
			return "", false
		}
		dir = path.Dir(dir)
	}
}

// ofFolder reads the package in a folder, and those of its module that it imports.
func (c *command) ofFolder(name string) (*target, error) {
	dir, err := c.folderOf(name)
	if err != nil {
		return nil, err
	}
	t, err := c.target(dir)
	if err != nil {
		return nil, err
	}
	if err := c.read(t, t.root, nil); err != nil {
		return nil, err
	}
	if len(t.folders[t.root]) == 0 {
		return nil, fmt.Errorf("no Go files in %s", dir)
	}
	return t, c.complete(t)
}

// ofFiles reads the package that consists of some files of one folder.
func (c *command) ofFiles(names []string) (*target, error) {
	dir := path.Dir(c.files.Abs(names[0]))
	t, err := c.target(dir)
	if err != nil {
		return nil, err
	}
	t.given = names[0]
	var only []string
	for _, name := range names {
		if path.Dir(c.files.Abs(name)) != dir {
			return nil, errors.New("named files must all be in one directory")
		}
		if _, err := c.files.IsDir(name); err != nil {
			return nil, err
		}
		only = append(only, path.Base(name))
	}
	if err := c.read(t, t.root, only); err != nil {
		return nil, err
	}
	return t, c.complete(t)
}

// target begins the package in a folder.
func (c *command) target(dir string) (*target, error) {
	t := &target{home: dir, program: &program{module: defaultModule, base: ".", root: ".", folders: map[string][]*file{}}}
	if base, ok := c.moduleFolder(dir); ok {
		text, err := c.files.Read(path.Join(base, "go.mod"))
		if err != nil {
			return nil, err
		}
		t.readModule(text)
		t.home, t.root = base, cmp.Or(strings.TrimPrefix(strings.TrimPrefix(dir, base), "/"), ".")
	}
	t.content = func(name string) ([]byte, error) { return c.files.Read(path.Join(t.home, name)) }
	t.main = path.Join(t.root, "main.go")
	return t, nil
}

// read reads the Go files of a folder of the program, or only some.
func (c *command) read(t *target, dir string, only []string) error {
	entries, err := c.files.List(path.Join(t.home, dir))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Dir || !strings.HasSuffix(e.Name, ".go") || only != nil && !slices.Contains(only, e.Name) {
			continue
		}
		name := path.Join(dir, e.Name)
		content, err := c.files.Read(path.Join(t.home, name))
		if err != nil {
			return err
		}
		f := sandbox.File{Name: name, Content: content}
		if hidden := e.Name[0] == '.' || e.Name[0] == '_'; !hidden && (only != nil || belongs(f)) {
			t.add(f)
		}
	}
	return nil
}

// complete reads the packages that those which were read import, and the names of
// what they embed.
func (c *command) complete(t *target) error {
	seen := map[string]bool{t.root: true}
	for queue := []string{t.root}; len(queue) > 0; queue = queue[1:] {
		for _, f := range t.folders[queue[0]] {
			for _, spec := range f.syntax.Imports {
				dir := t.folder(importPath(spec))
				if !t.own(importPath(spec)) || seen[dir] {
					continue
				}
				seen[dir] = true
				// What is not there is said with a place by the plan.
				if err := c.read(t, dir, nil); err != nil && !errors.Is(err, fs.ErrNotExist) {
					return err
				}
				queue = append(queue, dir)
			}
		}
	}
	return c.listEmbedded(t)
}

// listEmbedded lists the files below the module where a package embeds any.
func (c *command) listEmbedded(t *target) error {
	for dir, files := range t.folders {
		if !slices.ContainsFunc(files, func(f *file) bool { return len(f.embeds) > 0 }) {
			continue
		}
		names, err := c.files.Walk(path.Join(t.home, dir), func(name string) bool { return path.Base(name) != ".git" })
		if err != nil {
			return err
		}
		for _, name := range names {
			t.names = append(t.names, path.Join(dir, name))
		}
	}
	slices.Sort(t.names)
	t.names = slices.Compact(t.names)
	return nil
}
