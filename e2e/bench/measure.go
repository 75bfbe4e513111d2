package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// measureHello prints the latency of each language's hello, one after another.
func measureHello(ctx context.Context, c *client, languages []language, n int) error {
	fmt.Printf("hello over POST /v1/run, one client, %d runs (20 in containers), ms\n", n)
	fmt.Printf("  %-12s %10s %10s %10s %10s %12s\n", "language", "first p50", "first p99", "total p50", "total p99", "guest memory")
	for _, l := range languages {
		var first, total []time.Duration
		var memory int64
		runs := n
		if l.Engine == "container" {
			runs = min(n, 20) // each waits for a container
		}
		for i := range runs + 3 {
			t, err := c.run(ctx, l.ID, l.Hello)
			if err != nil {
				return fmt.Errorf("%s: %w", l.ID, err)
			}
			if i < 3 { // warm-up
				continue
			}
			first, total, memory = append(first, t.firstByte), append(total, t.total), t.memory
		}
		fmt.Printf("  %-12s %10s %10s %10s %10s %9.1f MB\n", l.ID, ms(percentile(first, 50)), ms(percentile(first, 99)),
			ms(percentile(total, 50)), ms(percentile(total, 99)), float64(memory)/1e6)
	}
	fmt.Println()
	return nil
}

// measureNative prints the floor: an interpreter of the machine started per run.
func measureNative(ctx context.Context, n int) error {
	fmt.Printf("native interpreter started per run, %d runs, ms (the floor to compare with)\n", n)
	for _, native := range []struct{ name, flag, hello, self string }{
		{"python3", "-c", "print(1)", "import sys; print(sys.executable)"},
		{"node", "-e", "console.log(1)", "console.log(process.execPath)"},
		{"ruby", "-e", "puts 1", "puts RbConfig.ruby"},
	} {
		// What is on the path may be a script of a version manager, which takes
		// longer than the interpreter: that tells where it is itself.
		out, err := exec.CommandContext(ctx, native.name, native.flag, native.self).Output()
		if err != nil {
			fmt.Printf("  %-12s not installed here\n", native.name)
			continue
		}
		argv := []string{strings.TrimSpace(string(out)), native.flag, native.hello}
		var took []time.Duration
		for range n {
			started := time.Now()
			if err := exec.CommandContext(ctx, argv[0], argv[1:]...).Run(); err != nil {
				return fmt.Errorf("native %s: %w", native.name, err)
			}
			took = append(took, time.Since(started))
		}
		fmt.Printf("  %-12s p50 %s  p99 %s\n", native.name, ms(percentile(took, 50)), ms(percentile(took, 99)))
	}
	fmt.Println()
	return nil
}

// measureLoad prints runs per second with several clients that run without pause.
func measureLoad(ctx context.Context, c *client, duration time.Duration) error {
	fmt.Printf("hello under load, %v each\n", duration)
	fmt.Printf("  %-12s %8s %10s %10s %10s %9s\n", "language", "clients", "runs/s", "p50 ms", "p99 ms", "failures")
	for _, lang := range []struct{ id, code string }{{"python", "print(1)"}, {"javascript", "console.log(1)"}} {
		for _, clients := range []int{1, 8, 64} {
			took, failures, sample := load(ctx, c, lang.id, lang.code, clients, duration)
			fmt.Printf("  %-12s %8d %10.1f %10s %10s %9d\n", lang.id, clients, float64(len(took))/duration.Seconds(),
				ms(percentile(took, 50)), ms(percentile(took, 99)), failures)
			if failures > 0 {
				fmt.Printf("    first failure: %v\n", sample)
			}
		}
	}
	fmt.Println()
	return ctx.Err()
}

func load(ctx context.Context, c *client, lang, code string, clients int, duration time.Duration) (took []time.Duration, failures int, sample error) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	end := time.Now().Add(duration)
	for range clients {
		wg.Go(func() {
			for time.Now().Before(end) && ctx.Err() == nil {
				t, err := c.run(ctx, lang, code)
				mu.Lock()
				if err != nil {
					failures, sample = failures+1, err
				} else {
					took = append(took, t.total)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return took, failures, sample
}

// measureStuck prints how much a short run and a page suffer while other
// programs spin.
func measureStuck(ctx context.Context, c *client) error {
	fmt.Println("beside programs that spin for ever, JavaScript hello and GET /, ms")
	for _, stuck := range []int{0, 1, 2, 4} {
		spinCtx, stop := context.WithCancel(ctx)
		var wg sync.WaitGroup
		var spinning atomic.Int32
		for range stuck {
			wg.Go(func() {
				spinning.Add(1)
				_, _ = c.run(spinCtx, "python", "while True: pass") // ends with our cancellation
			})
		}
		time.Sleep(500 * time.Millisecond)
		hello, page, err := beside(ctx, c)
		stop()
		wg.Wait()
		if err != nil {
			return err
		}
		fmt.Printf("  %d stuck: hello p50 %s p99 %s   page p50 %s p99 %s\n", spinning.Load(),
			ms(percentile(hello, 50)), ms(percentile(hello, 99)), ms(percentile(page, 50)), ms(percentile(page, 99)))
	}
	fmt.Println()
	return nil
}

func beside(ctx context.Context, c *client) (hello, page []time.Duration, err error) {
	for range 60 {
		t, err := c.run(ctx, "javascript", "console.log(1)")
		if err != nil {
			return nil, nil, err
		}
		hello = append(hello, t.total)
		started := time.Now()
		if err := c.get(ctx, "/"); err != nil {
			return nil, nil, err
		}
		page = append(page, time.Since(started))
	}
	return hello, page, nil
}

// measureMemory prints what one more live run costs the server, with programs
// that wait.
func measureMemory(ctx context.Context, c *client, pid int) error {
	fmt.Println("memory of the server")
	base, err := residentBytes(pid)
	if err != nil {
		fmt.Printf("  not measured: %v\n\n", err)
		return nil
	}
	fmt.Printf("  resident with all languages ready %.0f MB\n", float64(base)/1e6)
	const live = 6
	for _, lang := range []struct{ id, code string }{{"python", "import time; print(1); time.sleep(4)"}, {"javascript", "console.log(1); await new Promise(r => setTimeout(r, 4000))"}} {
		before, err := residentBytes(pid)
		if err != nil {
			return err
		}
		var wg sync.WaitGroup
		errs := make([]error, live)
		for i := range live {
			wg.Go(func() { _, errs[i] = c.run(ctx, lang.id, lang.code) })
		}
		time.Sleep(2500 * time.Millisecond)
		during, err := residentBytes(pid)
		wg.Wait()
		for _, err := range append(errs, err) {
			if err != nil {
				return fmt.Errorf("live %s runs: %w", lang.id, err)
			}
		}
		fmt.Printf("  per live %s run, %d waiting: %.1f MB\n", lang.id, live, float64(during-before)/live/1e6)
	}
	fmt.Println()
	return nil
}

// get fetches a page to its end.
func (c *client) get(ctx context.Context, path string) error {
	req, err := c.srv.Request(ctx, "GET", path, nil)
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", path, resp.Status)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// percentile returns the p-th percentile of d by the nearest rank; 0 for none.
func percentile(d []time.Duration, p int) time.Duration {
	if len(d) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(d))
	return s[min(len(s)*p/100, len(s)-1)]
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d.Microseconds())/1e3) }
