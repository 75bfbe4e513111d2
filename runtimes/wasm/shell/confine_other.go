//go:build !linux

package shell

import "errors"

// confine has no means here, and a shell without it must not run.
func confine() error {
	return errors.New("shells of WebAssembly sandboxes need Linux, which can confine them")
}
