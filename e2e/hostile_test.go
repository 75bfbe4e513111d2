package e2e

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"sandpiper/e2e/rawclient"
	"sandpiper/e2e/testserver"
)

// TestHostileSandboxes has sandboxes take all that they can, at once, and holds that
// the server, and a sandbox of somebody else, answer meanwhile.
func TestHostileSandboxes(t *testing.T) {
	attacks := map[string]string{
		"processes": "f() { f | f & }; f; for i in $(seq 3000); do sleep 5 & done; wait",
		"memory":    `awk 'BEGIN { s = "x"; while (1) s = s s }'`,
		"disk":      "head -c 2G /dev/zero > big; ls -l big; rm -f big",
		"output":    "yes 'all work and no play makes a log a long log'",
		"cpu":       "while :; do :; done",
	}
	c := rawclient.New(startWithDocker(t, dataDir(t)).URL, testserver.Key)
	for _, snapshot := range snapshots(t) {
		t.Run(snapshot, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 5*patience)
			defer cancel()
			other := newSandbox(ctx, t, c, snapshot)
			var attackers sync.WaitGroup
			for name, script := range attacks {
				s := newSandbox(ctx, t, c, snapshot)
				attackers.Go(func() {
					in := map[string]any{"command": script, "timeout": 10}
					err := c.Toolbox(ctx, http.MethodPost, s.ID, "/process/execute", in, nil)
					var refused *rawclient.StatusError
					if err != nil && !errors.As(err, &refused) {
						t.Errorf("%s: no answer: %v", name, err)
					}
				})
			}
			over := make(chan struct{})
			go func() { attackers.Wait(); close(over) }()
			looks := 0
			for done := false; !done; looks++ {
				call, stop := context.WithTimeout(ctx, patience) // a server that is held up answers not at all
				if err := c.Call(call, http.MethodGet, "/api/health", nil, nil); err != nil {
					t.Errorf("the server: %v", err)
				}
				if r, err := c.Exec(call, other.ID, "echo alive"); err != nil || !strings.Contains(r.Result, "alive") {
					t.Errorf("another sandbox: %+v, %v", r, err)
				}
				stop()
				select {
				case <-over:
					done = true
				case <-time.After(200 * time.Millisecond):
				}
			}
			t.Logf("looked %d times", looks)
		})
	}
}

// newSandbox makes a sandbox that is deleted in the end.
func newSandbox(ctx context.Context, t *testing.T, c *rawclient.Client, snapshot string) rawclient.Sandbox {
	t.Helper()
	s, err := c.Create(ctx, snapshot)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		if err := c.Delete(ctx, s.ID); err != nil {
			t.Errorf("delete a sandbox: %v", err)
		}
	})
	return s
}
