package catalog_test

import (
	"io"
	"slices"
	"strings"
	"testing"

	"sandpiper/runtimes/catalog"
	"sandpiper/sandbox"
)

// minExamples is how many examples a language shows at least.
const minExamples = 4

func TestLanguagesAreComplete(t *testing.T) {
	for _, l := range catalog.Languages() {
		t.Run(l.ID, func(t *testing.T) {
			for field, value := range map[string]string{
				"Name": l.Name, "Version": l.Version, "Extension": l.Extension, "Main": l.Main, "Editor": l.Editor,
				"Summary": l.Summary, "Hello": l.Hello, "Driver": string(l.Driver),
			} {
				if value == "" {
					t.Errorf("%s is empty", field)
				}
			}
			if !strings.HasSuffix(l.Main, l.Extension) {
				t.Errorf("main file %q does not end in %q", l.Main, l.Extension)
			}
			if !strings.HasSuffix(l.Hello, "\n") {
				t.Error("hello does not end its last line")
			}
			if compiled := slices.Contains([]catalog.Driver{catalog.DriverGo, catalog.DriverC, catalog.DriverCPlusPlus}, l.Driver); compiled != (l.Module == "") {
				t.Errorf("driver %s with module %q", l.Driver, l.Module)
			}
			if (l.Driver == catalog.DriverCommand) != (len(l.Args) > 0) {
				t.Errorf("driver %s with arguments %q", l.Driver, l.Args)
			}
		})
	}
}

func TestNamesAreUnique(t *testing.T) {
	owner := map[string]string{}
	for _, l := range catalog.Languages() {
		for _, name := range append([]string{l.ID}, l.Aliases...) {
			if name != strings.ToLower(name) {
				t.Errorf("%s: name %q is not in lower case", l.ID, name)
			}
			if had, ok := owner[name]; ok {
				t.Errorf("name %q belongs to both %s and %s", name, had, l.ID)
			}
			owner[name] = l.ID
		}
	}
}

func TestExamplesAreWellFormed(t *testing.T) {
	for _, l := range catalog.Languages() {
		t.Run(l.ID, func(t *testing.T) {
			if len(l.Examples) < minExamples {
				t.Errorf("%d examples, want %d at least", len(l.Examples), minExamples)
			}
			if l.Examples[0].ID != "welcome" {
				t.Errorf("the first example is %q, want welcome", l.Examples[0].ID)
			}
			seen := map[string]bool{}
			for _, e := range l.Examples {
				if seen[e.ID] || e.Title == "" {
					t.Errorf("example %q is there twice or has no title", e.ID)
				}
				seen[e.ID] = true
				checkFiles(t, l.Language, e)
			}
		})
	}
}

func checkFiles(t *testing.T, l sandbox.Language, e sandbox.Example) {
	t.Helper()
	if len(e.Files) == 0 || e.Files[0].Name != l.Main {
		t.Fatalf("example %s does not begin with %s", e.ID, l.Main)
	}
	for _, f := range e.Files {
		if err := sandbox.ValidateFileName("files", f.Name); err != nil {
			t.Errorf("example %s: %v", e.ID, err)
		}
		if len(f.Content) == 0 || f.Content[len(f.Content)-1] != '\n' {
			t.Errorf("example %s: %s is empty or does not end its last line", e.ID, f.Name)
		}
	}
}

func TestLanguagesReturnsACopy(t *testing.T) {
	first := catalog.Languages()
	first[0].Aliases[0] = "changed"
	first[0].Examples[0].Title = "changed"
	again := catalog.Languages()
	if again[0].Aliases[0] == "changed" || again[0].Examples[0].Title == "changed" {
		t.Error("a caller changed the catalogue")
	}
}

func TestOpenModule(t *testing.T) {
	for _, name := range []string{"python", "quickjs", "ruby", "lua", "sql"} {
		t.Run(name, func(t *testing.T) {
			m, err := catalog.OpenModule(name)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			head := make([]byte, 8)
			if _, err := io.ReadFull(m, head); err != nil {
				t.Fatal(err)
			}
			if string(head) != "\x00asm\x01\x00\x00\x00" {
				t.Errorf("module begins with %q", head)
			}
		})
	}
}

func TestOpenModuleMissing(t *testing.T) {
	_, err := catalog.OpenModule("cobol")
	if err == nil || !strings.Contains(err.Error(), "make setup") {
		t.Errorf("error %v does not say what to do", err)
	}
}
