//go:build linux

// Command toolboxd is the agent in a container: it serves the sandbox's toolbox
// on a socket, starts the sandbox's main process, and does what the first
// process of a container has to. It is one static file that runs in any image.
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"sandpiper/computeruse"
	"sandpiper/sandbox"
	"sandpiper/sandbox/gitrepo"
	"sandpiper/sandbox/guest"
	"sandpiper/sandbox/guest/osguest"
	"sandpiper/sandbox/toolbox"
)

// version is set when the binary is built.
var version = "unknown"

const (
	// stopTime is how long processes may take to end when they are asked to.
	// Whoever stops the container has less patience or more, and kills.
	stopTime = 25 * time.Second

	// headTime is how long a caller may take to send the head of a request.
	headTime = 10 * time.Second
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	settings, err := parse(os.Args[1:], os.Environ())
	if err == nil {
		err = run(ctx, settings)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "toolboxd:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends, and then ends everything.
func run(ctx context.Context, s settings) error {
	g, err := osguest.New(s.guest())
	if err != nil {
		return err
	}
	defer g.Close()
	var reaper sync.WaitGroup
	defer reaper.Wait()
	reaping, stopReaping := context.WithCancel(context.Background())
	defer stopReaping()
	reaper.Go(func() { g.ReapOrphans(reaping) })
	// As the first process it gets orphans in any case; elsewhere it asks for
	// them, so that the end of the agent is the end of all.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		slog.Warn("orphans go elsewhere", "error", err)
	}
	listener, err := s.listen()
	if err != nil {
		return err
	}
	box := toolbox.New(toolbox.Config{
		Guest: g, Token: s.Token, Version: version, Network: gitrepo.Direct(),
		Desktop: func(g guest.Guest) toolbox.Part { return computeruse.New(g, sandbox.DesktopPort) },
	})
	server := &http.Server{Handler: box, ReadHeaderTimeout: headTime, MaxHeaderBytes: 64 << 10}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	if len(s.Entrypoint) > 0 {
		if err := box.StartEntrypoint(s.Entrypoint); err != nil {
			slog.Error("the sandbox's main process did not start", "error", err) // its log says so too
		}
	}
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	stopAll(g, server, box)
	return err
}

// stopAll gives processes time to end, and then kills them.
func stopAll(g *osguest.Guest, server *http.Server, box *toolbox.Toolbox) {
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	g.Terminate(ctx)
	_ = server.Close()
	box.Close()
}

// listen opens the socket, in place of one that an earlier process left.
func (s settings) listen() (net.Listener, error) {
	if s.Socket == "" {
		return net.Listen("tcp", s.Listen)
	}
	if err := os.Remove(s.Socket); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	l, err := net.Listen("unix", s.Socket)
	if err != nil {
		return nil, err
	}
	// The server outside may be any user; the token is what counts.
	if err := os.Chmod(s.Socket, 0o666); err != nil {
		_ = l.Close()
		return nil, err
	}
	return l, nil
}
