// Package src_test runs the tests of the front end that need no browser.
package src_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/evanw/esbuild/pkg/api"
)

func TestUnits(t *testing.T) {
	files, err := filepath.Glob("test/*.test.ts")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no tests: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { run(t, bundle(t, file)) })
	}
}

// bundle makes a file of tests one that node can run, and returns its path.
func bundle(t *testing.T, file string) string {
	out := filepath.Join(t.TempDir(), "units.test.mjs")
	r := api.Build(api.BuildOptions{
		EntryPoints: []string{file},
		Outfile:     out,
		Bundle:      true,
		Write:       true,
		Platform:    api.PlatformNode,
		Format:      api.FormatESModule,
		Target:      api.ES2022,
	})
	for _, e := range r.Errors {
		t.Errorf("%v: %s", e.Location, e.Text)
	}
	if t.Failed() {
		t.FailNow()
	}
	return out
}

func run(t *testing.T, bundle string) {
	cmd := exec.CommandContext(t.Context(), "node", "--test", "--test-reporter=spec", "--test-reporter-destination=stdout", bundle)
	cmd.Env = append(os.Environ(), "NODE_NO_WARNINGS=1")
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	if err := cmd.Run(); err != nil {
		t.Errorf("node --test: %v", err)
	}
}
