package piston

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"sandpiper/sandbox"
)

// program turns a job into the domain's words, without its input. Its errors
// are *sandbox.Error with Piston's messages.
func (h *Handler) program(j job) (sandbox.Program, error) {
	if err := checkShape(j); err != nil {
		return sandbox.Program{}, err
	}
	language, ok := h.desk.Language(*j.Language)
	if !ok || !matches(*j.Version, language.Version) {
		return sandbox.Program{}, sandbox.Errorf(sandbox.KindInvalid, "%.80s-%.80s runtime is unknown", *j.Language, *j.Version)
	}
	files, err := programFiles(j.Files, language)
	if err != nil {
		return sandbox.Program{}, err
	}
	limits, err := h.limits(j)
	if err != nil {
		return sandbox.Program{}, err
	}
	return sandbox.Program{Language: language.ID, Files: files, Args: j.Args, Limits: limits}, nil
}

func checkShape(j job) error {
	switch {
	case j.Language == nil || *j.Language == "":
		return sandbox.Errorf(sandbox.KindInvalid, "language is required as a string")
	case j.Version == nil || *j.Version == "":
		return sandbox.Errorf(sandbox.KindInvalid, "version is required as a string")
	case j.Files == nil:
		return sandbox.Errorf(sandbox.KindInvalid, "files is required as an array")
	}
	for i, f := range j.Files {
		if f.Content == nil {
			return sandbox.Errorf(sandbox.KindInvalid, "files[%d].content is required as a string", i)
		}
	}
	return nil
}

// programFiles returns the files with the main one first: the first that is
// text.
func programFiles(files []file, language sandbox.Language) ([]sandbox.File, error) {
	main := slices.IndexFunc(files, func(f file) bool { return !isBinary(f.Encoding) })
	if main < 0 {
		return nil, sandbox.Errorf(sandbox.KindInvalid, "files must include at least one utf8 encoded file")
	}
	named := make([]sandbox.File, len(files))
	for i, f := range files {
		content, err := decodeContent(f)
		if err != nil {
			return nil, sandbox.Errorf(sandbox.KindInvalid, "files[%d].content is not valid %s", i, f.Encoding)
		}
		named[i] = sandbox.File{Name: fileName(f.Name, i), Content: content}
	}
	if files[main].Name == "" && language.Main != "" && !hasFile(named, language.Main) {
		named[main].Name = language.Main
	}
	first := named[main]
	return slices.Insert(slices.Delete(named, main, main+1), 0, first), nil
}

// fileName gives unnamed files Piston's names, and takes names that are written
// from the working folder on. Names that lead out of it stay and are refused.
func fileName(name string, i int) string {
	if name == "" {
		return fmt.Sprintf("file%d.code", i)
	}
	return strings.TrimPrefix(path.Clean(name), "/")
}

func hasFile(files []sandbox.File, name string) bool {
	return slices.ContainsFunc(files, func(f sandbox.File) bool { return f.Name == name })
}

// isBinary reports whether an encoding is one for bytes. Unknown ones are text
// to Piston.
func isBinary(encoding string) bool { return encoding == "base64" || encoding == "hex" }

func decodeContent(f file) ([]byte, error) {
	switch f.Encoding {
	case "base64":
		return base64.StdEncoding.DecodeString(*f.Content)
	case "hex":
		return hex.DecodeString(*f.Content)
	default:
		return []byte(*f.Content), nil
	}
}

// limits reads the limits of both stages; those for compiling are only checked.
func (h *Handler) limits(j job) (sandbox.Limits, error) {
	wall, memory := float64(h.ceiling.Wall.Milliseconds()), float64(h.ceiling.MemoryBytes)
	for _, l := range []struct {
		name       string
		value, max float64
	}{
		{"compile_memory_limit", j.CompileMemoryLimit, memory},
		{"run_memory_limit", j.RunMemoryLimit, memory},
		{"compile_timeout", j.CompileTimeout, wall},
		{"run_timeout", j.RunTimeout, wall},
		{"compile_cpu_time", j.CompileCPUTime, wall},
		{"run_cpu_time", j.RunCPUTime, wall},
	} {
		if err := checkLimit(l.name, l.value, l.max); err != nil {
			return sandbox.Limits{}, err
		}
	}
	limits := sandbox.Limits{
		Wall:        milliseconds(j.RunTimeout),
		CPU:         milliseconds(j.RunCPUTime),
		MemoryBytes: int64(max(0, j.RunMemoryLimit)),
	}
	if limits.CPU == 0 {
		limits.CPU = limits.Wall // the one clock that was asked for counts for both
	}
	return limits, nil
}

// checkLimit judges one limit. 0 and -1 ask for the default.
func checkLimit(name string, value, ceiling float64) error {
	switch {
	case value == -1:
		return nil
	case value > ceiling:
		return sandbox.Errorf(sandbox.KindInvalid, "%s cannot exceed the configured limit of %.0f", name, ceiling)
	case value < 0:
		return sandbox.Errorf(sandbox.KindInvalid, "%s must be non-negative", name)
	}
	return nil
}

func milliseconds(ms float64) time.Duration {
	return time.Duration(max(0, ms) * float64(time.Millisecond))
}
