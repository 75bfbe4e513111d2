// Command sandpiper serves a place to run code: a playground in the browser and
// an API, with WebAssembly runtimes inside the process.
//
//	sandpiper serve     serve (the default)
//	sandpiper doctor    say what works here, what is missing and how to get it
//	sandpiper version   print the version
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// version is set by the linker.
var version = "development"

const (
	// drainTimeout is how long runs may go on after the server is told to stop.
	drainTimeout = 10 * time.Second
	// goodbyeTimeout is how long the last answers may take after that.
	goodbyeTimeout = 2 * time.Second
	// adminKeyID names the key of the data folder among the API keys.
	adminKeyID = "admin"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command(ctx, os.Args[1:], os.Stdout)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "sandpiper:", err)
		os.Exit(1)
	}
}

// command runs the subcommand that args name.
func command(ctx context.Context, args []string, out io.Writer) error {
	name := "serve"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		name, args = args[0], args[1:]
	}
	switch name {
	case "serve":
		cfg, err := parseConfig(name, args)
		if err != nil {
			return err
		}
		return serve(ctx, cfg, out)
	case "doctor":
		cfg, err := parseConfig(name, args)
		if err != nil {
			return err
		}
		return doctor(ctx, cfg, out)
	case workerCommand:
		return work()
	case "version":
		_, err := fmt.Fprintln(out, "sandpiper", version, runtime.Version(), runtime.GOOS+"/"+runtime.GOARCH)
		return err
	}
	return fmt.Errorf("unknown command %q: use serve, doctor or version", name)
}
