package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"time"

	"sandpiper/e2e/rawclient"
)

// Where the official SDK is, seen from the top of the repository.
const (
	sdkPackage = "e2e/node_modules/@daytona/sdk"
	sdkScript  = "e2e/sdk/bench.mjs"
)

// measureSDK prints what the official SDK takes for sandboxes of a snapshot, from
// its call to its promise.
func measureSDK(ctx context.Context, c *rawclient.Client, snapshot string, n int) error {
	if _, err := os.Stat(sdkPackage); err != nil {
		fmt.Printf("  with the official SDK: not measured, it is not installed (npm ci --prefix e2e)\n")
		return nil
	}
	cmd := exec.CommandContext(ctx, "node", sdkScript)
	cmd.Env = append(os.Environ(), "DAYTONA_API_URL="+c.URL+"/api", "DAYTONA_API_KEY="+c.Key,
		"SANDPIPER_SNAPSHOT="+snapshot, "SANDPIPER_BENCH_RUNS="+strconv.Itoa(n))
	out, err := cmd.Output()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		return fmt.Errorf("the official SDK: %w: %s", err, failed.Stderr)
	}
	if err != nil {
		return fmt.Errorf("the official SDK: %w", err)
	}
	var took struct{ Create, First, Exec []float64 }
	if err := json.Unmarshal(out, &took); err != nil {
		return fmt.Errorf("the official SDK's figures: %w", err)
	}
	fmt.Printf("  with the official SDK: create %s, to the end of the first command %s, command true %s (%d sandboxes)\n",
		quantiles(durations(took.Create)), quantiles(durations(took.First)), quantiles(durations(took.Exec)), n)
	return nil
}

func durations(ms []float64) []time.Duration {
	all := make([]time.Duration, len(ms))
	for i, d := range ms {
		all[i] = time.Duration(d * float64(time.Millisecond))
	}
	return all
}
