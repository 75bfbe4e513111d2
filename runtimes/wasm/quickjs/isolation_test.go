package quickjs_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"sandpiper/sandbox"
)

const secret = "s3cr3t-of-another-run"

// leave puts the secret wherever a program can.
const leave = `
globalThis.secret = "` + secret + `"; Array.prototype.secret = secret; console.log = () => {}; process.env.SECRET = secret;
require("fs").secret = secret; require("fs").writeFileSync("secret.txt", secret); process.on("exit", () => secret);
process.nextTick(() => secret); setTimeout(() => secret, 1); Promise.reject(secret).catch(() => {}); Error.prepareStackTrace = () => secret;
const kept = []; for (let i = 0; i < 1000; i++) kept.push(secret + i); Math.random = () => 4;
`

// look prints what it sees of it.
const look = `
const fs = require("fs"), seen = [];
for (const key of Reflect.ownKeys(globalThis)) if (String(key) === "secret") seen.push("global");
if ([].secret || process.env.SECRET || fs.secret) seen.push("property");
if (process.listenerCount("exit") || Math.random() === 4) seen.push("state");
if (fs.readdirSync(".").join() !== "main.js") seen.push("file");
if (new Error("x").stack.includes("s3cr3t")) seen.push("stack");
console.log("seen: " + seen.join() + ";", Math.random(), require("crypto").randomUUID());
`

// TestRunsAreApart has programs leave a secret, end in all ways, and others look
// for it: one after another, and many at the same time.
func TestRunsAreApart(t *testing.T) {
	loadDrivers.Do(load)
	ends := []struct {
		name, code string
		limits     func(l *sandbox.Limits)
		status     sandbox.Status
	}{
		{"end", "", func(*sandbox.Limits) {}, sandbox.StatusOK},
		{"error", "null.x", func(*sandbox.Limits) {}, sandbox.StatusError},
		{"exit", "process.exit(3)", func(*sandbox.Limits) {}, sandbox.StatusError},
		{"time", "for (;;);", func(l *sandbox.Limits) { l.Wall = 50 * time.Millisecond }, sandbox.StatusTimeout},
		{"memory", "Error.prepareStackTrace = undefined; const all = []; for (;;) all.push(secret.repeat(1e5) + all.length)", func(l *sandbox.Limits) { l.MemoryBytes = 16 << 20 }, sandbox.StatusMemoryLimit},
		{"output", "for (;;) process.stdout.write(secret)", func(l *sandbox.Limits) { l.OutputBytes = 1000 }, sandbox.StatusOutputLimit},
		{"cancellation", "setTimeout(() => {}, 1e6)", func(*sandbox.Limits) {}, sandbox.StatusCancelled},
	}
	var mu sync.Mutex
	numbers := map[string]bool{}
	both := func(t *testing.T, i int) {
		end := ends[i%len(ends)]
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		r := script(t, "main.js", leave+end.code)
		end.limits(&r.limits)
		if end.status == sandbox.StatusCancelled {
			time.AfterFunc(50*time.Millisecond, cancel)
		}
		r.start(ctx, t, drivers.js)
		if r.outcome.Status != end.status {
			t.Errorf("%s: %+v", end.name, r.outcome)
		}
		l := script(t, "main.js", look)
		l.start(t.Context(), t, drivers.js)
		saw, random, ok := strings.Cut(l.stdout.String(), "; ")
		if saw != "seen: " || !ok || l.outcome.Status != sandbox.StatusOK {
			t.Errorf("after %s: %q, stderr %q", end.name, &l.stdout, &l.stderr)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, n := range strings.Fields(random) {
			if numbers[n] {
				t.Errorf("the random number %s came twice", n)
			}
			numbers[n] = true
		}
	}
	for i, end := range ends {
		t.Run(end.name, func(t *testing.T) { both(t, i) })
	}
	t.Run("at the same time", func(t *testing.T) {
		var all sync.WaitGroup
		slots := make(chan struct{}, 16)
		for i := range 100 { // two runs each
			all.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				both(t, i)
			})
		}
		all.Wait()
	})
	if len(numbers) != 2*(len(ends)+100) {
		t.Errorf("%d random numbers", len(numbers))
	}
}
