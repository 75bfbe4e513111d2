package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sandpiper/internal/lazyregexp"
	"sandpiper/runtimes/wasm/vm"
	"sandpiper/sandbox"
)

// ManifestName is the file that describes a language, in the language's folder.
const ManifestName = "language.json"

// Bounds on what an operator adds.
const (
	maxManifest = 64 << 10
	maxModule   = 256 << 20
)

// Manifest describes a language that an operator added.
type Manifest struct {
	ID        string            `json:"id"`        // lower case letters, digits and dashes; the folder's name
	Name      string            `json:"name"`      // for people
	Version   string            `json:"version"`   // for people and requests
	Extension string            `json:"extension"` // with the dot
	Aliases   []string          `json:"aliases"`   // other IDs that requests may use
	Module    string            `json:"module"`    // the module's file, in the same folder
	Args      []string          `json:"args"`      // MainFile in them is the main file's path; default: only that
	Hello     string            `json:"hello"`     // the smallest program that prints something
	Env       map[string]string `json:"env"`

	dir string
}

var (
	validID        = lazyregexp.New(`^[a-z][a-z0-9-]{0,30}$`)
	validExtension = lazyregexp.New(`^\.[A-Za-z0-9_+-]{1,15}$`)
)

// ReadManifests reads the manifest of every folder in dir, in the order of their
// names. A folder without one is ignored, and a dir that is not there has none.
// Manifests that cannot be used are left out; failed says why, by folder name.
func ReadManifests(dir string) (found []Manifest, failed map[string]error, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("look for added languages: %w", err)
	}
	failed = map[string]error{}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		m, err := readManifest(filepath.Join(dir, e.Name()))
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			failed[e.Name()] = err
		default:
			found = append(found, m)
		}
	}
	return found, failed, nil
}

func readManifest(dir string) (Manifest, error) {
	f, err := os.Open(filepath.Join(dir, ManifestName))
	if err != nil {
		return Manifest{}, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	if err != nil {
		return Manifest{}, fmt.Errorf("read %s: %w", ManifestName, err)
	}
	m, err := ParseManifest(b)
	if err != nil {
		return Manifest{}, fmt.Errorf("%s: %w", ManifestName, err)
	}
	if name := filepath.Base(dir); m.ID != name {
		return Manifest{}, fmt.Errorf("%s: the id %q must be the name of its folder, %q", ManifestName, m.ID, name)
	}
	m.dir = dir
	return m, nil
}

// ParseManifest decodes and checks a manifest. Unknown fields are errors, so
// that a misspelt one is not silently ignored.
func ParseManifest(b []byte) (Manifest, error) {
	if len(b) > maxManifest {
		return Manifest{}, fmt.Errorf("it has more than %d bytes", maxManifest)
	}
	var m Manifest
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return Manifest{}, err
	}
	if _, err := d.Token(); err != io.EOF {
		return Manifest{}, errors.New("there is something after the closing brace")
	}
	if len(m.Args) == 0 {
		m.Args = []string{MainFile}
	}
	return m, m.check()
}

func (m Manifest) check() error {
	switch {
	case !validID().MatchString(m.ID):
		return fmt.Errorf("id %q must be lower case letters, digits and dashes", m.ID)
	case m.Name == "" || m.Version == "":
		return errors.New("name and version are required")
	case !validExtension().MatchString(m.Extension):
		return fmt.Errorf("extension %q must be a dot and some letters", m.Extension)
	case m.Module == "" || filepath.Base(m.Module) != m.Module || m.Module == "." || m.Module == "..":
		return fmt.Errorf("module %q must be the name of a file in the same folder", m.Module)
	case !slices.ContainsFunc(m.Args, func(a string) bool { return strings.Contains(a, MainFile) }):
		return fmt.Errorf("args must contain %q, the place of the program", MainFile)
	case slices.ContainsFunc(m.Args, hasNUL):
		return errors.New("args must not contain NUL characters")
	}
	for name, value := range m.Env {
		if name == "" || strings.ContainsAny(name, "=\x00") || hasNUL(value) {
			return fmt.Errorf("env: %q is not a usable variable", name)
		}
	}
	return nil
}

func hasNUL(s string) bool { return strings.ContainsRune(s, 0) }

// Language returns the language as people see it.
func (m Manifest) Language() sandbox.Language {
	return sandbox.Language{
		ID: m.ID, Name: m.Name, Version: m.Version, Aliases: m.Aliases, Extension: m.Extension,
		Main: "main" + m.Extension, Editor: "text", Hello: m.Hello,
		Summary: "Added by the operator of this server.",
	}
}

// Driver returns a driver for the language. Its module is not trusted.
func (m Manifest) Driver() *Driver {
	d := &Driver{Name: m.ID, Args: m.Args, Untrusted: true}
	for _, name := range slices.Sorted(maps.Keys(m.Env)) {
		d.Env = append(d.Env, name+"="+m.Env[name])
	}
	return d
}

// Source returns the module as it is now.
func (m Manifest) Source() (vm.Source, error) {
	wasm, err := m.read()
	return vm.Binary(wasm), err
}

// read reads the module's file, which must be a regular file of at most 256 MiB.
func (m Manifest) read() ([]byte, error) {
	path := filepath.Join(m.dir, m.Module)
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("open module: %w", err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("module %s is not a regular file", m.Module)
	case info.Size() > maxModule:
		return nil, fmt.Errorf("module %s has %d MiB, at most %d are possible", m.Module, info.Size()>>20, maxModule>>20)
	}
	return os.ReadFile(path)
}
