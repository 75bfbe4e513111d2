package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// zoneinfo copies the time zone database that comes with Go (it is in the public
// domain) beside the modules, and returns a line on it for people.
func zoneinfo(ctx context.Context, folder string) (string, error) {
	root, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("find GOROOT: %w", err)
	}
	zip, err := os.ReadFile(filepath.Join(string(bytes.TrimSpace(root)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		return "", fmt.Errorf("read Go's time zones: %w", err)
	}
	target := filepath.Join(folder, zoneinfoName+".zip")
	what := "up to date"
	if had, err := os.ReadFile(target); err != nil || !bytes.Equal(had, zip) {
		what = "copied from Go"
		if err := writeFile(target, zip); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%-8s %5.1f MB  %s", zoneinfoName, megabytes(int64(len(zip))), what), nil
}

// zoneinfoName is the name under which -only knows the time zones.
const zoneinfoName = "zoneinfo"
