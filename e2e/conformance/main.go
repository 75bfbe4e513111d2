// Command conformance calls every operation of the published specifications on
// a running server and prints which are implemented, partial and absent. What
// it prints is what it saw: no list says what should work.
//
//	go run ./e2e/conformance -server bin/sandpiper
//
// An operation is implemented when its calls of the script are answered with a
// success that the specification has, in the shape that the specification has,
// on every snapshot that was tried; absent when all are answered 501; and
// partial in between. Operations on desktops are called in a sandbox of the
// snapshot that has one, where there are containers. It fails when an operation is not routed, and when an
// answer is a failure of the server.
package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"sandpiper/e2e/spec"
	"sandpiper/e2e/testserver"
)

// operations lists every operation by API, method, path and ID, for machines
// where the specifications are not.
//
//go:embed operations.txt
var operations string

func main() {
	binary := flag.String("server", "bin/sandpiper", "the binary to start")
	address := flag.String("url", "", "a running server instead of the binary, with its key in SANDPIPER_API_KEY")
	specs := flag.String("spec", "../shared/spec", "the folder of the specifications")
	snapshots := flag.String("snapshots", "", "the snapshots to try, with commas between them; wasm and the server's default when left out")
	verbose := flag.Bool("v", false, "print every call")
	flag.Parse()
	if err := run(context.Background(), *binary, *address, *specs, *snapshots, *verbose, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

// run makes all calls and prints the table.
func run(ctx context.Context, binary, address, specs, snapshots string, verbose bool, out io.Writer) (err error) {
	key := os.Getenv("SANDPIPER_API_KEY")
	if address == "" {
		data, err := os.MkdirTemp("", "conformance-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(data)
		server, err := testserver.Start(ctx, testserver.Config{Binary: binary, Data: data, Log: io.Discard})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, server.Stop()) }()
		address, key = server.URL, testserver.Key
	}
	ops, err := readOperations(operations)
	if err != nil {
		return err
	}
	checks := loadSpecs(specs, out)
	if snapshots == "" {
		if snapshots, err = usualSnapshots(ctx, address); err != nil {
			return err
		}
	}
	table := newTable(ops)
	for snapshot := range strings.SplitSeq(snapshots, ",") {
		w := newWalk(address, key, snapshot, ops, checks)
		if verbose {
			w.log = out
		}
		w.all(ctx)
		table.add(snapshot, w.outcomes)
	}
	table.print(out)
	return table.err()
}

// usualSnapshots names one snapshot of each engine that the server has: wasm,
// and its default where that is another.
func usualSnapshots(ctx context.Context, address string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/api/config", nil)
	if err != nil {
		return "", err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	var config struct {
		DefaultSnapshot string `json:"defaultSnapshot"`
	}
	if err := json.NewDecoder(res.Body).Decode(&config); err != nil {
		return "", fmt.Errorf("read /api/config: %w", err)
	}
	if config.DefaultSnapshot == "" || config.DefaultSnapshot == "wasm" {
		return "wasm", nil
	}
	return "wasm," + config.DefaultSnapshot, nil
}

// loadSpecs reads the specifications that are there, by API.
func loadSpecs(dir string, out io.Writer) map[string]*spec.Document {
	docs := map[string]*spec.Document{}
	for api, name := range map[string]string{"control": "api.json", "toolbox": "toolbox.json"} {
		d, err := spec.Load(dir + "/" + name)
		if err != nil {
			fmt.Fprintf(out, "The answers are not checked against %s: %v\n", name, err)
			continue
		}
		docs[api] = d
	}
	return docs
}

// operation is one line of the list.
type operation struct{ api, method, path, id string }

func readOperations(text string) ([]operation, error) {
	var all []operation
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) != 4 {
			return nil, fmt.Errorf("the list of operations has the line %q", line)
		}
		all = append(all, operation{fields[0], fields[1], fields[2], fields[3]})
	}
	return all, nil
}
