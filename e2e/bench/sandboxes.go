package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"sandpiper/e2e/rawclient"
	"sandpiper/e2e/testserver"
)

// Names of the snapshots that are measured.
const (
	wasmSnapshot      = "wasm"
	containerSnapshot = "sandpiper-small"
	containerImage    = "sandpiper/sandbox:1"
)

// measureSandboxes prints what sandboxes of each engine that this server has
// cost, beside what Docker itself takes.
func measureSandboxes(ctx context.Context, srv *testserver.Server, n int) error {
	c := rawclient.New(srv.URL, testserver.Key)
	if err := measureProcess(ctx); err != nil {
		return err
	}
	if _, err := measureSnapshot(ctx, c, srv.PID(), wasmSnapshot, n); err != nil {
		return err
	}
	if err := exec.CommandContext(ctx, "docker", "info").Run(); err != nil {
		fmt.Printf("containers: not measured, docker info says %v\n\n", err)
		return nil
	}
	cold, err := measureSnapshot(ctx, c, srv.PID(), containerSnapshot, min(n, 15))
	if err != nil {
		return err
	}
	if err := measureWarmPool(ctx, c, min(n, 15)); err != nil {
		return err
	}
	return measureDocker(ctx, min(n, 15), cold)
}

// measureProcess prints the floor of a command: a shell that the machine starts,
// with no engine and no HTTP around it.
func measureProcess(ctx context.Context) error {
	var took []time.Duration
	for range 100 {
		started := time.Now()
		if err := exec.CommandContext(ctx, "/bin/sh", "-c", "true").Run(); err != nil {
			return fmt.Errorf("sh -c true: %w", err)
		}
		took = append(took, time.Since(started))
	}
	fmt.Printf("floor: sh -c true started on this machine %s\n\n", quantiles(took))
	return nil
}

// measureSnapshot prints the figures of sandboxes of one snapshot, and returns
// how long they took to their first command.
func measureSnapshot(ctx context.Context, c *rawclient.Client, pid int, snapshot string, n int) (first []time.Duration, err error) {
	fmt.Printf("sandboxes of snapshot %s, ms\n", snapshot)
	if first, err = measureCreate(ctx, c, snapshot, n); err != nil {
		return nil, err
	}
	if err := measureSDK(ctx, c, snapshot, n); err != nil {
		return nil, err
	}
	if err := measureMany(ctx, c, snapshot); err != nil {
		return nil, err
	}
	s, err := c.Create(ctx, snapshot)
	if err != nil {
		return nil, err
	}
	defer deleteAll(c, s)
	for _, step := range []func(context.Context, *rawclient.Client, int, rawclient.Sandbox) error{measureExec, measureTransfer, measurePTY} {
		if err := step(ctx, c, pid, s); err != nil {
			return nil, err
		}
	}
	if err := measureIdle(ctx, c, pid, snapshot); err != nil {
		return nil, err
	}
	fmt.Println()
	return first, nil
}

// measureCreate prints the time from the request for a sandbox to the end of
// the first command in it, and returns the latter.
func measureCreate(ctx context.Context, c *rawclient.Client, snapshot string, n int) (first []time.Duration, err error) {
	var created []time.Duration
	for range n {
		started := time.Now()
		s, err := c.Create(ctx, snapshot)
		if err != nil {
			return nil, err
		}
		created = append(created, time.Since(started))
		err = run(ctx, c, s.ID, "echo hi")
		first = append(first, time.Since(started))
		deleteAll(c, s)
		if err != nil {
			return nil, err
		}
	}
	fmt.Printf("  create %s, to the end of the first command %s (%d sandboxes)\n", quantiles(created), quantiles(first), n)
	return first, nil
}

// measureMany prints how 50 sandboxes that are asked for at once fare.
func measureMany(ctx context.Context, c *rawclient.Client, snapshot string) error {
	const many = 50
	var wg sync.WaitGroup
	made := make([]rawclient.Sandbox, many)
	errs := make([]error, many)
	took := make([]time.Duration, many)
	started := time.Now()
	for i := range many {
		wg.Go(func() {
			if made[i], errs[i] = c.Create(ctx, snapshot); errs[i] == nil {
				errs[i] = run(ctx, c, made[i].ID, "echo hi")
			}
			took[i] = time.Since(started)
		})
	}
	wg.Wait()
	all := time.Since(started)
	deleteAll(c, made...)
	failed, sample := 0, error(nil)
	for _, err := range errs {
		if err != nil {
			failed, sample = failed+1, err
		}
	}
	fmt.Printf("  %d at once, to the end of the first command: %s, all after %s, %d failed\n", many, quantiles(took), ms(all), failed)
	if sample != nil {
		fmt.Printf("    first failure: %v\n", sample)
	}
	return nil
}

// measureExec prints how long the shortest command takes.
func measureExec(ctx context.Context, c *rawclient.Client, _ int, s rawclient.Sandbox) error {
	var took []time.Duration
	for range 100 {
		started := time.Now()
		if err := run(ctx, c, s.ID, "true"); err != nil {
			return err
		}
		took = append(took, time.Since(started))
	}
	fmt.Printf("  command true: %s\n", quantiles(took))
	return nil
}

// measureTransfer uploads and downloads a large file and prints how much the
// server's memory grew meanwhile.
func measureTransfer(ctx context.Context, c *rawclient.Client, pid int, s rawclient.Sandbox) error {
	const size = 1 << 30
	before, err := residentBytes(pid)
	if err != nil {
		return err
	}
	peak, stop := watchResident(pid)
	defer stop()
	started := time.Now()
	if err := c.Upload(ctx, s.ID, "large.bin", io.LimitReader(zeros{}, size), size); err != nil {
		fmt.Printf("  1 GiB upload: %v\n", err)
		return nil
	}
	up := time.Since(started)
	started = time.Now()
	body, err := c.Download(ctx, s.ID, "large.bin")
	if err != nil {
		return err
	}
	defer body.Close()
	n, err := io.Copy(io.Discard, body)
	if err != nil || n != size {
		return fmt.Errorf("download: %d of %d bytes, %w", n, size, err)
	}
	down := time.Since(started)
	if err := run(ctx, c, s.ID, "rm large.bin"); err != nil {
		return err
	}
	fmt.Printf("  1 GiB: upload %.0f MB/s, download %.0f MB/s, server memory up by at most %.0f MB\n",
		size/up.Seconds()/1e6, size/down.Seconds()/1e6, float64(peak()-before)/1e6)
	return nil
}

// measurePTY prints how fast a terminal answers a key and how fast its output
// arrives.
func measurePTY(ctx context.Context, c *rawclient.Client, n int, s rawclient.Sandbox) error {
	conn, err := c.PTY(ctx, s.ID, "bench")
	if err != nil {
		return err
	}
	defer conn.CloseNow()
	t := &terminal{ctx: ctx, conn: conn}
	if err := t.enter("echo rea''dy\n", "ready"); err != nil {
		return err
	}
	var echoes []time.Duration
	for i := range n {
		started := time.Now()
		key := string(rune('a' + i%26))
		if err := t.enter(key, key); err != nil {
			return err
		}
		echoes = append(echoes, time.Since(started))
	}
	const size = 50_000_000
	started, before := time.Now(), t.total
	command := fmt.Sprintf("\x15yes 0123456789012345678901234567890123456789 | head -c %d; echo d''one\n", size)
	if err := t.enter(command, "done"); err != nil {
		return err
	}
	fmt.Printf("  terminal: echo of a key %s, output %.0f MB/s\n", quantiles(echoes), float64(t.total-before)/time.Since(started).Seconds()/1e6)
	return nil
}

// terminal is a PTY as its client sees it.
type terminal struct {
	ctx   context.Context
	conn  *websocket.Conn
	total int // bytes read
}

// enter sends keys and reads until a text has come after them.
func (t *terminal) enter(keys, want string) error {
	if err := t.conn.Write(t.ctx, websocket.MessageBinary, []byte(keys)); err != nil {
		return err
	}
	for tail := ""; !strings.Contains(tail, want); {
		_, p, err := t.conn.Read(t.ctx)
		if err != nil {
			return fmt.Errorf("terminal after %d bytes: %w", t.total, err)
		}
		t.total += len(p)
		tail += string(p)
		tail = tail[max(0, len(tail)-64):]
	}
	return nil
}

// measureIdle prints how much memory sandboxes that do nothing take.
func measureIdle(ctx context.Context, c *rawclient.Client, pid int, snapshot string) error {
	const idle = 20
	server, err := residentBytes(pid)
	if err != nil {
		return err
	}
	machine, err := availableBytes()
	if err != nil {
		return err
	}
	var made []rawclient.Sandbox
	defer func() { deleteAll(c, made...) }()
	for range idle {
		s, err := c.Create(ctx, snapshot)
		if err != nil {
			return err
		}
		made = append(made, s)
	}
	time.Sleep(2 * time.Second) // what their making took is given back
	serverNow, err := residentBytes(pid)
	if err != nil {
		return err
	}
	machineNow, err := availableBytes()
	if err != nil {
		return err
	}
	fmt.Printf("  an idle sandbox: %.2f MB of the server, %.2f MB of the machine (%d sandboxes)\n",
		float64(serverNow-server)/idle/1e6, float64(machine-machineNow)/idle/1e6, idle)
	return nil
}

// measureWarmPool prints the time to the first command in a sandbox that was
// waiting.
func measureWarmPool(ctx context.Context, c *rawclient.Client, n int) error {
	var pool struct{ ID string }
	in := map[string]any{"snapshot": containerSnapshot, "pool": 3, "target": "local"}
	if err := c.Call(ctx, "POST", "/api/warm-pools", in, &pool); err != nil {
		return err
	}
	defer c.Call(context.WithoutCancel(ctx), "DELETE", "/api/warm-pools/"+pool.ID, nil, nil)
	var created, first []time.Duration
	for range n {
		if err := poolReady(ctx, c, pool.ID, 3); err != nil {
			return err
		}
		started := time.Now()
		s, err := c.Create(ctx, containerSnapshot)
		if err != nil {
			return err
		}
		created = append(created, time.Since(started))
		err = run(ctx, c, s.ID, "echo hi")
		first = append(first, time.Since(started))
		deleteAll(c, s)
		if err != nil {
			return err
		}
	}
	fmt.Printf("sandboxes of a warm pool: create %s, to the end of the first command %s\n", quantiles(created), quantiles(first))
	return nil
}

// poolReady waits until a pool has n members.
func poolReady(ctx context.Context, c *rawclient.Client, id string, n int) error {
	for {
		var pools []struct {
			ID          string
			CurrentSize int
			ErrorReason *string
		}
		if err := c.Call(ctx, "GET", "/api/warm-pools", nil, &pools); err != nil {
			return err
		}
		for _, p := range pools {
			if p.ID == id && p.CurrentSize >= n {
				time.Sleep(200 * time.Millisecond) // the machine is quiet again
				return nil
			}
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// measureDocker prints the floor: a container of the same image by docker run,
// and a command by docker exec. cold is what ours took to their first command.
func measureDocker(ctx context.Context, n int, cold []time.Duration) error {
	var took []time.Duration
	for range n {
		started := time.Now()
		if out, err := exec.CommandContext(ctx, "docker", "run", "--rm", "--entrypoint", "/bin/true", containerImage).CombinedOutput(); err != nil {
			return fmt.Errorf("docker run: %w: %s", err, out)
		}
		took = append(took, time.Since(started))
	}
	fmt.Printf("floor: docker run --rm on the default bridge %s (%d times); a cold container of ours to its first command takes %.2f of that at p50\n",
		quantiles(took), n, percentile(cold, 50).Seconds()/percentile(took, 50).Seconds())
	out, err := exec.CommandContext(ctx, "docker", "run", "-d", "--rm", "--entrypoint", "sleep", containerImage, "60").Output()
	if err != nil {
		return fmt.Errorf("docker run: %w", err)
	}
	id := strings.TrimSpace(string(out))
	defer exec.Command("docker", "kill", id).Run() //nolint // --rm removes it
	took = nil
	for range n {
		started := time.Now()
		if err := exec.CommandContext(ctx, "docker", "exec", id, "true").Run(); err != nil {
			return fmt.Errorf("docker exec: %w", err)
		}
		took = append(took, time.Since(started))
	}
	fmt.Printf("floor: docker exec true %s\n\n", quantiles(took))
	return nil
}

// run runs a command that must succeed.
func run(ctx context.Context, c *rawclient.Client, id, command string) error {
	r, err := c.Exec(ctx, id, command)
	if err == nil && r.ExitCode != 0 {
		err = errors.New(r.Result)
	}
	if err != nil {
		return fmt.Errorf("%s in %s: %w", command, id, err)
	}
	return nil
}

// deleteAll deletes sandboxes, also when the benchmark is being stopped.
func deleteAll(c *rawclient.Client, all ...rawclient.Sandbox) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var wg sync.WaitGroup
	for _, s := range all {
		if s.ID != "" {
			wg.Go(func() { _ = c.Delete(ctx, s.ID) }) // the server and its data folder go anyway
		}
	}
	wg.Wait()
}

func quantiles(d []time.Duration) string {
	return fmt.Sprintf("p50 %s p99 %s", ms(percentile(d, 50)), ms(percentile(d, 99)))
}

// zeros is an endless input.
type zeros struct{}

// Read implements io.Reader.
func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
