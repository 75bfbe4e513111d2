//go:build !linux

package docker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
)

func (b boxes) make(id string) error { return os.MkdirAll(b.path(id, "run"), 0o700) }

func (b boxes) stage(string, string) error {
	return fmt.Errorf("volumes: %w on this system", errors.ErrUnsupported)
}

func (b boxes) remove(id string) error { return os.RemoveAll(b.path(id)) }

func dialSocket(ctx context.Context, run string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(run, agentSocket))
}

func mayMount() bool { return false }
