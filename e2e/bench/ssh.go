package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"sandpiper/e2e/rawclient"
	"sandpiper/e2e/testserver"
)

// measureSSH prints what OpenSSH's client sees of the gateway, for each engine.
func measureSSH(ctx context.Context, srv *testserver.Server, n int) error {
	c := rawclient.New(srv.URL, testserver.Key)
	snapshots := []string{wasmSnapshot}
	if err := exec.CommandContext(ctx, "docker", "info").Run(); err != nil {
		fmt.Printf("SSH to containers: not measured, docker info says %v\n\n", err)
	} else {
		snapshots = append(snapshots, containerSnapshot)
	}
	for _, snapshot := range snapshots {
		if err := measureSSHTo(ctx, c, snapshot, n); err != nil {
			return fmt.Errorf("SSH to a sandbox of %s: %w", snapshot, err)
		}
	}
	return nil
}

func measureSSHTo(ctx context.Context, c *rawclient.Client, snapshot string, n int) error {
	s, err := c.Create(ctx, snapshot)
	if err != nil {
		return err
	}
	defer deleteAll(c, s)
	var access struct{ SSHCommand string }
	if err := c.Call(ctx, http.MethodPost, "/api/sandbox/"+s.ID+"/ssh-access", nil, &access); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "sandpiper-bench-ssh-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	line := strings.Fields(access.SSHCommand)
	options := append(line[1:], "-o", "UserKnownHostsFile="+filepath.Join(dir, "known"), "-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR")
	ssh := func(stdin []byte, more ...string) (time.Duration, error) {
		cmd := exec.CommandContext(ctx, "ssh", append(options[:len(options):len(options)], more...)...)
		cmd.Stdin = bytes.NewReader(stdin)
		started := time.Now()
		out, err := cmd.CombinedOutput()
		if err != nil {
			err = fmt.Errorf("ssh %q: %w: %.200s", more, err, out)
		}
		return time.Since(started), err
	}
	fmt.Printf("SSH to a sandbox of snapshot %s, with OpenSSH's client\n", snapshot)
	var fresh, shared []time.Duration
	for range n {
		took, err := ssh(nil, "true")
		if err != nil {
			return err
		}
		fresh = append(fresh, took)
	}
	control := []string{"-S", filepath.Join(dir, "c")}
	if _, err := ssh(nil, append(control, "-o", "ControlMaster=yes", "-o", "ControlPersist=60", "true")...); err != nil {
		return err
	}
	for range n {
		took, err := ssh(nil, append(control, "true")...)
		if err != nil {
			return err
		}
		shared = append(shared, took)
	}
	fmt.Printf("  connect and run true %s ms; over a shared connection %s ms (%d each)\n", quantiles(fresh), quantiles(shared), n)
	return measureSSHBytes(ssh)
}

// measureSSHBytes prints how fast bytes go in and out.
func measureSSHBytes(ssh func([]byte, ...string) (time.Duration, error)) error {
	const size = 64 << 20
	in, err := ssh(make([]byte, size), "cat >file")
	if err != nil {
		return err
	}
	out, err := ssh(nil, "cat file")
	if err != nil {
		return err
	}
	rate := func(took time.Duration) float64 { return size / took.Seconds() / (1 << 20) }
	fmt.Printf("  64 MiB into a file %.0f MiB/s, out of it %.0f MiB/s\n\n", rate(in), rate(out))
	return nil
}
