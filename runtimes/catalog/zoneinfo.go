package catalog

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
)

// Zoneinfo returns the time zone database as a folder like /usr/share/zoneinfo.
// When it was never built in the error says how to do so.
func Zoneinfo() (fs.FS, error) {
	b, err := moduleFiles.ReadFile("modules/zoneinfo.zip")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("open the time zones: they are not built into this program: run `make setup` and build again")
	}
	if err != nil {
		return nil, fmt.Errorf("open the time zones: %w", err)
	}
	r, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, fmt.Errorf("open the time zones: %w", err)
	}
	return r, nil
}
