package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"sandpiper/runtimes/catalog"
	"sandpiper/runtimes/wasm"
	"sandpiper/runtimes/wasm/worker"
	"sandpiper/sandbox/datadir"
	"sandpiper/static"
)

// dockerTimeout is how long Docker may take to say that it is there.
const dockerTimeout = 5 * time.Second

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
		if l.Module == "" {
			checkCompiler(out, l)
			continue
		}
		m, err := catalog.OpenModule(l.Module)
		if err == nil {
			err = m.Close()
		}
		report(l.ID, err, l.Name+" "+l.Version+", built in")
	}
	report("data", checkData(cfg.data), cfg.data)
	if !cfg.wasmInProcess {
		report("workers", checkWorkers(out), "guests run in processes of their own")
	}
	if err := checkDocker(ctx); err != nil {
		fmt.Fprintf(out, "  note     %-12s %v\n", "docker", err)
	} else {
		report("docker", nil, "an engine answers, with the image "+sandboxImage)
	}
	if err := askServer(ctx, cfg, out); err != nil {
		fmt.Fprintf(out, "  note     server       %v\n", err)
	}
	if bad {
		return errors.New("something is missing: see above")
	}
	return nil
}

// checkCompiler says whether a compiled language is built in, which is a choice.
func checkCompiler(out io.Writer, l catalog.Language) {
	if err := wasm.Installed(l); err != nil {
		fmt.Fprintf(out, "  note     %-12s %v\n", l.ID, err)
		return
	}
	fmt.Fprintf(out, "  ok       %-12s %s %s, built in\n", l.ID, l.Name, l.Version)
}

// checkWorkers starts a worker process, prints what keeps it from doing harm, and
// reports why none could be started, or what one could do in spite of that.
func checkWorkers(out io.Writer) error {
	measures, possible, err := worker.Probe([]string{workerCommand})
	if err != nil {
		return fmt.Errorf("no worker process starts, so no guest can run: %w (--wasm-in-process does without)", err)
	}
	taken := map[string]bool{}
	for _, m := range measures {
		word := "note"
		if taken[m.Name] = m.Taken; m.Taken {
			word = "ok"
		}
		fmt.Fprintf(out, "  %-8s %-12s %s: %s\n", word, "workers", m.Name, m.Detail)
	}
	var leaks []string
	for _, a := range possible {
		if taken[a.Measure] {
			leaks = append(leaks, a.What)
		}
	}
	if len(leaks) > 0 {
		return fmt.Errorf("a worker process is less confined than it says: it could %s", strings.Join(leaks, ", "))
	}
	return nil
}

// checkDocker reports why there could be no container sandboxes.
func checkDocker(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, dockerTimeout)
	defer cancel()
	if _, err := exec.LookPath("docker"); err != nil {
		return errors.New("not installed: there are no container sandboxes; make docker installs it on Debian")
	}
	if out, err := exec.CommandContext(ctx, "docker", "version").CombinedOutput(); err != nil {
		return fmt.Errorf("no engine answers (%s): there are no container sandboxes; start Docker, or run make docker", lastLine(out))
	}
	if err := exec.CommandContext(ctx, "docker", "image", "inspect", sandboxImage).Run(); err != nil {
		return fmt.Errorf("the image %s is missing: make docker builds it", sandboxImage)
	}
	return nil
}

func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
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
	var known struct {
		Languages []struct{ ID, State, Stage string }
	}
	if err := fetch(ctx, address+"/v1/languages", "", &known); err != nil {
		return err
	}
	fmt.Fprintf(out, "server at %s\n", address)
	for _, l := range known.Languages {
		fmt.Fprintf(out, "  %-9s %-12s %s\n", l.State, l.ID, l.Stage)
	}
	key := cfg.apiKey
	if key == "" {
		b, err := os.ReadFile(filepath.Join(cfg.data, datadir.KeyName))
		if err != nil {
			return nil // the key was given to the server; without it there is no more to see
		}
		key = strings.TrimSpace(string(b))
	}
	var runners []struct{ Name, State, Reason string }
	if err := fetch(ctx, address+"/api/runners", key, &runners); err != nil {
		return err
	}
	for _, r := range runners {
		fmt.Fprintf(out, "  %-9s %-12s %s\n", r.State, r.Name, r.Reason)
	}
	return nil
}

// fetch gets a JSON answer of the server.
func fetch(ctx context.Context, address, key string, answer any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return errors.New("none answers at the address that the data folder names: sandpiper serve starts one")
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(answer); err != nil {
		return fmt.Errorf("%s gave an answer that is not ours: %w", address, err)
	}
	return nil
}
