package e2e

import (
	"context"
	"fmt"
	"log/slog"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"sandpiper/runtimes/docker"
)

// purge removes what a server that has ended left in the Docker engine: its
// networks, which are kept for the next start, and the sandboxes of a test that
// failed before it deleted them.
func purge(t *testing.T, data string) {
	t.Helper()
	if exec.Command("docker", "info").Run() != nil {
		return // nothing can have been left
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var both sync.WaitGroup
	for _, part := range []string{"sandboxes", "runs"} {
		both.Go(func() {
			if err := purgePart(ctx, t, filepath.Join(data, "docker", part)); err != nil {
				t.Errorf("what is left of %s in the Docker engine: %v", part, err)
			}
		})
	}
	both.Wait()
}

func purgePart(ctx context.Context, t *testing.T, dir string) error {
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	e, err := docker.New(docker.Config{DataDir: dir, Agent: filepath.Join(filepath.Dir(binary), "toolboxd"), Log: log})
	if err != nil {
		return err
	}
	if err := e.Purge(ctx); err != nil {
		_ = e.Close() // it has told why already
		return err
	}
	if err := e.Close(); err != nil {
		return fmt.Errorf("close: %w", err)
	}
	return nil
}
