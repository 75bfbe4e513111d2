package shell

import (
	"io/fs"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
)

// tree is a file system whose root is /.
type tree struct{ fs fstest.MapFS }

func (t tree) ReadDir(name string) ([]fs.DirEntry, error) { return t.fs.ReadDir(inside(name)) }
func (t tree) Stat(name string) (fs.FileInfo, error)      { return t.fs.Stat(inside(name)) }

func inside(name string) string {
	if name = strings.Trim(name, "/"); name == "" {
		return "."
	}
	return name
}

func testCompleter() *completer {
	file, program := &fstest.MapFile{Mode: 0o644}, &fstest.MapFile{Mode: 0o755}
	return &completer{
		files: tree{fstest.MapFS{
			"home/me/notes.txt": file, "home/me/my file": file, "home/me/.hidden": file, "home/me/src/main.py": file, "home/me/src/sub/x": file,
			"home/me/it's": file, "home/me/new\nline": file, "home/me/#1": file, "tools/deploy": program, "tools/data": file,
		}},
		dir: "/home/me", home: "/home/me", search: []string{"/tools", "/missing"},
		commands: []string{"cat", "cd", "cut", "echo", "if"}, variables: []string{"HOME", "HOST", "PATH"},
	}
}

func TestComplete(t *testing.T) {
	for _, tt := range []struct {
		name, line string
		start      int
		words      []string
	}{
		{"a command", "c", 0, []string{"cat", "cd", "cut"}},
		{"a command of the path", "de", 0, []string{"deploy"}},
		{"no file that cannot be run", "da", 0, nil},
		{"behind a pipe", "ls | cu", 5, []string{"cut"}},
		{"behind a semicolon", "x;ca", 2, []string{"cat"}},
		{"behind a keyword", "if ca", 3, []string{"cat"}},
		{"behind an assignment", "A=1 ca", 4, []string{"cat"}},
		{"in a substitution", "echo $(ca", 7, []string{"cat"}},
		{"in a block", "{ ca", 2, []string{"cat"}},
		{"a file", "cat no", 4, []string{"notes.txt"}},
		{"all files", "cat ", 4, []string{`\#1`, `it\'s`, `my\ file`, "notes.txt", "src/"}},
		{"hidden files", "cat .", 4, []string{".hidden"}},
		{"below", "cat src/", 4, []string{"src/main.py", "src/sub/"}},
		{"from the root", "cat /to", 4, []string{"/tools/"}},
		{"from the home", "cat ~/no", 4, []string{"~/notes.txt"}},
		{"the home", "cd ~", 3, []string{"~/"}},
		{"folders for cd", "cd ", 3, []string{"src/"}},
		{"an argument further on", "cat a b no", 8, []string{"notes.txt"}},
		{"a redirection", "cat <no", 5, []string{"notes.txt"}},
		{"a command behind a redirection", ">out ca", 5, []string{"cat"}},
		{"the value of an option", "x --file=no", 9, []string{"notes.txt"}},
		{"the value of an assignment", "A=no", 2, []string{"notes.txt"}},
		{"a program by its path", "./src/ma", 0, []string{"./src/main.py"}},
		{"an escaped blank", `cat my\ f`, 4, []string{`my\ file`}},
		{"double quotes", `cat "my f`, 4, []string{`"my file"`}},
		{"single quotes", `cat 'it`, 4, []string{`'it'\''s'`}},
		{"quotes from before a folder", `cat "src/ma`, 4, []string{`"src/main.py"`}},
		{"quotes behind a folder", `cat src/"ma`, 4, []string{"src/main.py"}},
		{"a variable", "echo $HO", 6, []string{"HOME", "HOST"}},
		{"a variable in quotes", `echo "a $PA`, 9, []string{"PATH"}},
		{"a variable in braces", "echo ${PA", 7, []string{"PATH}"}},
		{"no variable in single quotes", "echo '$PA", 5, nil},
		{"behind a variable", "cat $HOME/no", 4, nil},
		{"nothing", "cat zzz", 4, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			start, words := testCompleter().complete(tt.line)
			if start != tt.start || len(words) != len(tt.words) || len(words) > 0 && !reflect.DeepEqual(words, tt.words) {
				t.Errorf("%q: %d, %q, want %d, %q", tt.line, start, words, tt.start, tt.words)
			}
		})
	}
}

func FuzzComplete(f *testing.F) {
	for _, line := range []string{`a "b\`, "x=$(y `z", "${", `'"\''`, "cd ~/", "<>|&;", "é=ü"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if start, _ := testCompleter().complete(line); start < 0 || start > len(line) {
			t.Errorf("it begins at %d of %d", start, len(line))
		}
	})
}
