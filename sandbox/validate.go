package sandbox

import (
	"fmt"
	"path"
	"strings"
	"unicode/utf8"
)

// What a program may hold. They bound what one request can make the server
// keep in memory.
const (
	MaxFiles        = 64
	MaxProgramBytes = 1 << 20 // contents of all files together
	MaxArgs         = 256
	MaxEnv          = 256
	MaxArgBytes     = 64 << 10 // all arguments together
	MaxEnvBytes     = 64 << 10 // all names and values together
)

// Validate reports, as a *Error that names the field, what is wrong with p
// whatever the engine. Whether the language exists is not its business.
func (p Program) Validate() error {
	if p.Language == "" {
		return FieldErrorf("language", "say which language the program is in")
	}
	if err := ValidateFiles(p.Files); err != nil {
		return err
	}
	if err := validateArgs(p.Args); err != nil {
		return err
	}
	if err := validateEnv(p.Env); err != nil {
		return err
	}
	return validateLimits(p.Limits)
}

// ValidateFiles reports, as a *Error that names the field, why files cannot be
// the files of a program: there must be 1 to MaxFiles of them with
// MaxProgramBytes in all, each with a valid name that no other file has and
// that no other file uses as a folder.
func ValidateFiles(files []File) error {
	switch {
	case len(files) == 0:
		return FieldErrorf("files", "a program needs at least one file")
	case len(files) > MaxFiles:
		return FieldErrorf("files", "a program may have %d files at most", MaxFiles)
	}
	total, seen := 0, make(map[string]bool, len(files))
	for i, f := range files {
		field := fmt.Sprintf("files[%d].name", i)
		if err := ValidateFileName(field, f.Name); err != nil {
			return err
		}
		if seen[f.Name] {
			return FieldErrorf(field, "two files are named %q", f.Name)
		}
		seen[f.Name] = true
		total += len(f.Content)
	}
	if total > MaxProgramBytes {
		return &Error{Kind: KindTooLarge, Field: "files", Message: "the files of a program may have 1 MiB in all"}
	}
	return validateFolders(files, seen)
}

// validateFolders refuses a file whose name another file needs as a folder.
func validateFolders(files []File, seen map[string]bool) error {
	for i, f := range files {
		for dir := path.Dir(f.Name); dir != "."; dir = path.Dir(dir) {
			if seen[dir] {
				return FieldErrorf(fmt.Sprintf("files[%d].name", i), "%q is a file and a folder", dir)
			}
		}
	}
	return nil
}

func validateArgs(args []string) error {
	if len(args) > MaxArgs {
		return FieldErrorf("args", "a program may have %d arguments at most", MaxArgs)
	}
	total := 0
	for i, a := range args {
		if !isPlainText(a) {
			return FieldErrorf(fmt.Sprintf("args[%d]", i), "an argument must be UTF-8 text without NUL characters")
		}
		total += len(a) + 1
	}
	if total > MaxArgBytes {
		return FieldErrorf("args", "the arguments may have %d bytes in all", MaxArgBytes)
	}
	return nil
}

func validateEnv(env map[string]string) error {
	if len(env) > MaxEnv {
		return FieldErrorf("env", "a program may have %d environment variables at most", MaxEnv)
	}
	total := 0
	for k, v := range env {
		if k == "" || strings.ContainsRune(k, '=') || !isPlainText(k) {
			return FieldErrorf("env", "%q cannot be the name of an environment variable", k)
		}
		if !isPlainText(v) {
			return FieldErrorf("env", "the value of %s must be UTF-8 text without NUL characters", k)
		}
		total += len(k) + len(v) + 2
	}
	if total > MaxEnvBytes {
		return FieldErrorf("env", "the environment may have %d bytes in all", MaxEnvBytes)
	}
	return nil
}

func validateLimits(l Limits) error {
	switch {
	case l.Wall < 0:
		return FieldErrorf("timeout_ms", "the time limit cannot be negative")
	case l.MemoryBytes < 0:
		return FieldErrorf("memory_mb", "the memory limit cannot be negative")
	}
	return nil
}

func isPlainText(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }
