package ruby

import (
	"fmt"

	"sandpiper/internal/lazyregexp"
	"sandpiper/sandbox"
)

// notFound matches the message of an uncaught LoadError.
var notFound = lazyregexp.New(`(?m)^[^\n]*: (?:in [^\n]*: )?cannot load such file -- ([^\s(]+) \(LoadError\)`)

// missingGem returns one sentence for a program that ended because it could not
// load a library, unless that was meant to be one of its own files.
func missingGem(stderr []byte, files []sandbox.File) string {
	m := notFound().FindSubmatch(stderr)
	if m == nil {
		return ""
	}
	name := string(m[1])
	for _, f := range files {
		if f.Name == name || f.Name == name+".rb" {
			return fmt.Sprintf("%s is one of the program's files: load it with require_relative %q", f.Name, name)
		}
	}
	if name[0] == '/' || name[0] == '.' {
		return ""
	}
	return fmt.Sprintf("%s is not in the standard library; gems need a container sandbox", name)
}
