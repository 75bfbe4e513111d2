package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"runtime"

	"sandpiper/runtimes/catalog"
	"sandpiper/sandbox/datadir"
	"sandpiper/static"
)

// doctor says what works here, what is missing and how to get it. It looks at
// this program and machine, and asks the server of the data folder when one runs.
func doctor(ctx context.Context, cfg config, out io.Writer) error {
	fmt.Fprintf(out, "sandpiper %s, %s/%s, %d cores\n", version, runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	bad := false
	report := func(name string, err error, fine string) {
		if err != nil {
			bad = true
			fmt.Fprintf(out, "  missing  %-12s %v\n", name, err)
			return
		}
		fmt.Fprintf(out, "  ok       %-12s %s\n", name, fine)
	}
	assets, err := static.Embedded()
	if err == nil && !assets.Built() {
		err = errors.New("this binary was built without its pages: run make build")
	}
	report("pages", err, "built in")
	for _, l := range catalog.Languages() {
		m, err := catalog.OpenModule(l.Module)
		if err == nil {
			err = m.Close()
		}
		report(l.ID, err, l.Name+" "+l.Version+", built in")
	}
	report("data", checkData(cfg.data), cfg.data)
	if _, err := exec.LookPath("docker"); err != nil {
		fmt.Fprintln(out, "  note     docker       not installed; nothing of this version needs it")
	}
	if err := askServer(ctx, cfg, out); err != nil {
		fmt.Fprintf(out, "  note     server       %v\n", err)
	}
	if bad {
		return errors.New("something is missing: see above")
	}
	return nil
}

// checkData reports why a server could not keep its data in a folder. A folder
// that a running server holds is fine.
func checkData(path string) error {
	dir, err := datadir.Open(path)
	if errors.Is(err, datadir.ErrLocked) {
		return nil
	}
	if err != nil {
		return err
	}
	return dir.Close()
}

// askServer prints the state of each language on the data folder's server.
func askServer(ctx context.Context, cfg config, out io.Writer) error {
	address, err := datadir.ServerURL(cfg.data)
	if err != nil {
		return errors.New("none has run in this data folder yet: sandpiper serve starts one")
	}
	ctx, cancel := context.WithTimeout(ctx, goodbyeTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/v1/languages", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("none answers at %s: sandpiper serve starts one", address)
	}
	defer resp.Body.Close()
	var answer struct {
		Languages []struct{ ID, State, Stage string }
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&answer); err != nil {
		return fmt.Errorf("the server at %s gave an answer that is not ours: %w", address, err)
	}
	fmt.Fprintf(out, "server at %s\n", address)
	for _, l := range answer.Languages {
		fmt.Fprintf(out, "  %-9s %-12s %s\n", l.State, l.ID, l.Stage)
	}
	return nil
}
