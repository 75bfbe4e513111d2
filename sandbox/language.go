package sandbox

import "strings"

// Language is a language that programs can be written in, as the catalogue
// describes it and as an engine has it now.
type Language struct {
	ID        string    // "python"; lower case, stable
	Name      string    // "Python"
	Version   string    // of the runtime that executes it: "3.12.0"
	Aliases   []string  // other names that clients use: "py", "python3"
	Extension string    // with the dot: ".py"
	Main      string    // the main file's name when a client gives only code: "main.py"
	Editor    string    // the editor mode: "python", "javascript", "typescript", "ruby", "lua", "sql", "text"
	Summary   string    // one sentence on what it can and cannot do
	Hello     string    // the smallest program that prints something
	Examples  []Example // at least three, each of which really runs

	Engine EngineChoice // that runs it here; the scheduler fills it in
	State  LanguageState
	Stage  string // while preparing: what is going on, for people; when failed: what went wrong
}

// Example is a program for the gallery.
type Example struct {
	ID    string // unique within its language, lower case with dashes
	Title string
	Files []File
	Stdin string
	Args  []string
}

// LanguageState says whether a language can be run now.
type LanguageState string

// The states of a language. Preparing becomes ready or failed.
const (
	LanguagePreparing LanguageState = "preparing"
	LanguageReady     LanguageState = "ready"
	LanguageFailed    LanguageState = "failed"
)

// Is reports whether name is the language's ID or one of its aliases, without
// regard to case.
func (l Language) Is(name string) bool {
	if strings.EqualFold(name, l.ID) {
		return true
	}
	for _, a := range l.Aliases {
		if strings.EqualFold(name, a) {
			return true
		}
	}
	return false
}

// HasVersion reports whether the installed version satisfies want: empty, "*",
// the same version, or a prefix of it that ends at a dot.
func (l Language) HasVersion(want string) bool {
	want = strings.TrimSuffix(strings.TrimPrefix(want, "v"), ".x")
	return want == "" || want == "*" || want == l.Version || strings.HasPrefix(l.Version, want+".")
}
