// Command addruntime enters a container runtime into the configuration file of a
// Docker engine:
//
//	addruntime FILE NAME PROGRAM [ARGUMENT...]
//
// Everything else in the file stays as it is. One that is not there is made.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: addruntime FILE NAME PROGRAM [ARGUMENT...]")
		os.Exit(2)
	}
	if err := add(os.Args[1], os.Args[2], program{Path: os.Args[3], Args: os.Args[4:]}); err != nil {
		fmt.Fprintln(os.Stderr, "addruntime:", err)
		os.Exit(1)
	}
}

// program is a runtime as Docker's configuration has it.
type program struct {
	Path string   `json:"path"`
	Args []string `json:"runtimeArgs,omitempty"`
}

// add changes a file in one step. It is not written when nothing changes.
func add(file, name string, p program) error {
	old, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	text, err := enter(old, name, p)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if bytes.Equal(text, old) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(file); err == nil {
		mode = info.Mode().Perm()
	}
	temp := file + ".new"
	if err := os.WriteFile(temp, text, mode); err != nil {
		return err
	}
	return os.Rename(temp, file)
}

// enter returns a configuration with a runtime in it. One that has it already
// comes back as it is.
func enter(old []byte, name string, p program) ([]byte, error) {
	all, runtimes := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	if len(bytes.TrimSpace(old)) > 0 {
		if err := json.Unmarshal(old, &all); err != nil {
			return nil, fmt.Errorf("it is not a JSON object: %w", err)
		}
	}
	if text := all["runtimes"]; text != nil {
		if err := json.Unmarshal(text, &runtimes); err != nil {
			return nil, fmt.Errorf("its runtimes are not a JSON object: %w", err)
		}
	}
	entry, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	var known bytes.Buffer
	if json.Compact(&known, runtimes[name]) == nil && bytes.Equal(known.Bytes(), entry) {
		return old, nil
	}
	if all == nil || runtimes == nil { // the text was null
		return nil, errors.New("it is not a JSON object")
	}
	runtimes[name] = entry
	if all["runtimes"], err = json.Marshal(runtimes); err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(all, "", "  ")
	return append(text, '\n'), err
}
