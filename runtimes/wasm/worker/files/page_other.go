//go:build !linux

package files

import (
	"errors"
	"os"
)

func newPage() (*Page, error) { return nil, errors.ErrUnsupported }

func mapPage(*os.File) ([]byte, error) { return nil, errors.ErrUnsupported }

func unmap([]byte) error { return nil }
