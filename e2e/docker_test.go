package e2e

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"sandpiper/e2e/rawclient"
	"sandpiper/e2e/testserver"
	"sandpiper/runtimes/docker"
)

func dockerAnswers() bool { return exec.Command("docker", "info").Run() == nil }

// waitForRunners waits until a server has looked at what it can run sandboxes on.
// Until then, which takes a busy machine seconds, it asks to come again.
func waitForRunners(t *testing.T, s *testserver.Server) {
	t.Helper()
	c := rawclient.New(s.URL, testserver.Key)
	waitToFind(t, "runners that are ready", func() (any, bool) {
		var runners []struct{ ID, State, Reason string }
		if err := c.Call(t.Context(), http.MethodGet, "/api/runners", nil, &runners); err != nil {
			t.Fatal(err)
		}
		for _, r := range runners {
			if r.State != "ready" {
				return runners, false
			}
		}
		return runners, len(runners) > 1
	})
}

// purge removes what a server that has ended left in the Docker engine: its
// networks, which are kept for the next start, and the sandboxes of a test that
// failed before it deleted them.
func purge(t *testing.T, data string) {
	t.Helper()
	if !dockerAnswers() {
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
