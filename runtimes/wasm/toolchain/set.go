package toolchain

import (
	"errors"
	"fmt"
	"strings"

	"sandpiper/runtimes/catalog"
)

// Set is the tools of a toolchain and their SDK, as modules of the catalogue.
type Set struct {
	Name  string
	Tools map[string]string // module by tool
	SDK   string            // a tree of the catalogue

	// Memory is how much a tool may have, in bytes.
	Memory int64
}

// The sets. The child knows them by name.
var (
	Go = Set{
		Name:   "go",
		Tools:  map[string]string{"compile": "go-compile", "link": "go-link", "vet": "go-vet"},
		SDK:    "go-sdk",
		Memory: 1 << 30,
	}
	Clang = Set{
		Name:   "clang",
		Tools:  map[string]string{"clang": "clang"},
		SDK:    "clang-sdk",
		Memory: 1 << 30,
	}
)

// sets are all of them, for the child.
var sets = []Set{Go, Clang}

// ErrNotInstalled is for a toolchain whose modules are not built into this program.
var ErrNotInstalled = errors.New("its compiler is not built into this program: run `make compilers build` and start the server again")

// Installed reports whether the set's modules are built into this program.
func (s Set) Installed() bool {
	_, err := s.key()
	return err == nil
}

// key names everything that the set consists of.
func (s Set) key() (string, error) {
	var all []string
	for _, module := range append(values(s.Tools), s.SDK) {
		key, ok := catalog.ModuleKey(module)
		if !ok {
			return "", ErrNotInstalled
		}
		all = append(all, key)
	}
	return strings.Join(all, " "), nil
}

// find returns the set called name.
func find(name string) (Set, error) {
	for _, s := range sets {
		if s.Name == name {
			return s, nil
		}
	}
	return Set{}, fmt.Errorf("there is no toolchain %q", name)
}
