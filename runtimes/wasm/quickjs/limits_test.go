package quickjs_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"sandpiper/sandbox"
)

// TestPrograms that never end stop at the deadline, whatever they do.
func TestEndlessProgramsStop(t *testing.T) {
	const limit = 500 * time.Millisecond
	const grace = 500 * time.Millisecond
	for _, tt := range []struct{ name, source string }{
		{"loop", `while (true) {}`},
		{"loop that catches", `for (;;) { try { null.x } catch {} }`},
		{"recursion that catches", `function f() { try { f() } finally { f() } } f()`},
		{"regular expression", `/^(a+)+$/.test("a".repeat(40) + "b")`},
		{"promises", `(function f() { Promise.resolve().then(f) })()`},
		{"ticks", `(function f() { process.nextTick(f) })()`},
		{"timers", `(function f() { setTimeout(f, 0) })()`},
		{"immediates", `(function f() { setImmediate(f) })()`},
		{"interval", `setInterval(() => {}, 1)`},
		{"long timer", `setTimeout(() => {}, 1e6)`},
		{"waiting for input", `process.stdin.on("data", () => {})`},
		{"prompt", `prompt("?")`},
		{"readFileSync of stdin", `require("fs").readFileSync(0)`},
		{"await in a module", `import "fs"; for (;;) await 1;`},
		{"sort", `for (;;) Array.from({ length: 1e5 }, Math.random).sort()`},
		{"big numbers", `for (;;) 7n ** 300000n`},
		{"join", `let s = "ab".repeat(1 << 20); for (;;) s.split("").join("-")`},
		{"json", `const a = Array(1e5).fill({ x: 1 }); for (;;) JSON.parse(JSON.stringify(a))`},
		{"files", `const fs = require("fs"); for (;;) { fs.writeFileSync("a", "x".repeat(1e6)); fs.readFileSync("a") }`},
		{"stack traces", `for (;;) new Error("x").stack`},
		{"exit handler", `process.on("exit", () => { for (;;); })`},
		{"error in a getter", `throw { get message() { for (;;); }, [Symbol.for("nodejs.util.inspect.custom")]() { for (;;); } }`},
		{"import cycle at load", `import("./main.js").then(() => { for (;;); })`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var over time.Duration
			for range 4 { // a busy machine may take the CPU away from the test itself
				r := script(t, "main.js", tt.source)
				r.limits.Wall = limit
				r.stdin = sandbox.LiveStdin()
				r.start(t.Context(), t, drivers.js)
				if r.outcome.Status != sandbox.StatusTimeout {
					t.Fatalf("status %s, stderr %q", r.outcome.Status, &r.stderr)
				}
				if over = r.outcome.Usage.Wall - limit; over <= grace {
					return
				}
			}
			t.Errorf("stopped %v after the deadline", over)
		})
	}
}

func TestCPULimit(t *testing.T) {
	r := script(t, "main.js", `while (true) {}`)
	r.limits.CPU = 200 * time.Millisecond
	r.start(t.Context(), t, drivers.js)
	if r.outcome.Status != sandbox.StatusTimeout || !strings.Contains(r.outcome.Message, "CPU") {
		t.Errorf("outcome %+v", r.outcome)
	}
}

func TestSleepingTakesNoCPU(t *testing.T) {
	r := script(t, "main.js", `setTimeout(() => console.log("awake"), 400)`)
	r.start(t.Context(), t, drivers.js)
	if r.stdout.String() != "awake\n" {
		t.Fatalf("stdout %q, stderr %q", &r.stdout, &r.stderr)
	}
	if u := r.outcome.Usage; u.Wall < 400*time.Millisecond || u.CPU > 200*time.Millisecond {
		t.Errorf("wall %v, CPU %v", u.Wall, u.CPU)
	}
}

func TestMemoryLimit(t *testing.T) {
	for _, tt := range []struct{ name, source string }{
		{"arrays", `const all = []; for (;;) all.push(new Array(1000).fill(1))`},
		{"small objects", `let head = null; for (;;) head = { head }`},
		{"strings", `const all = []; for (let i = 0; ; i++) all.push("x".repeat(1e5) + i)`},
		{"one buffer", `new Uint8Array(1 << 30)`},
		{"buffers", `const all = []; for (;;) all.push(new Uint8Array(1 << 20))`},
		{"map", `const m = new Map(); for (let i = 0; ; i++) m.set(i, { i })`},
		{"rejections", `for (;;) Promise.reject(1)`},
		{"timers", `for (;;) setTimeout(() => {}, 1e6)`},
		{"closures", `let f = () => 0; for (;;) { const g = f; f = () => g }`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := script(t, "main.js", tt.source)
			r.limits.MemoryBytes = 32 << 20
			r.limits.Wall, r.limits.CPU = time.Minute, time.Minute // not the limit that is met, on a busy machine either
			r.start(t.Context(), t, drivers.js)
			if r.outcome.Status != sandbox.StatusMemoryLimit {
				t.Errorf("status %s, stderr %.300q", r.outcome.Status, &r.stderr)
			}
			if r.outcome.Usage.MemoryBytes > r.limits.MemoryBytes {
				t.Errorf("used %d bytes of %d", r.outcome.Usage.MemoryBytes, r.limits.MemoryBytes)
			}
		})
	}
}

func TestOutOfMemoryCanBeCaught(t *testing.T) {
	r := script(t, "main.js", `
let all = [];
try { for (;;) all.push(new Uint8Array(1 << 20)); } catch (e) { all = null; console.log(e.name, e.message); }
console.log("goes on");`)
	r.limits.MemoryBytes = 32 << 20
	r.start(t.Context(), t, drivers.js)
	if want := "InternalError out of memory\ngoes on\n"; r.stdout.String() != want || r.outcome.Status != sandbox.StatusOK {
		t.Errorf("status %s, stdout %q, stderr %q", r.outcome.Status, &r.stdout, &r.stderr)
	}
}

func TestOutputLimit(t *testing.T) {
	r := script(t, "main.js", `for (;;) { try { console.log("x".repeat(1000)) } catch {} }`)
	r.limits.OutputBytes = 10_000
	r.start(t.Context(), t, drivers.js)
	if r.outcome.Status != sandbox.StatusOutputLimit || r.stdout.Len() != 10_000 || !r.outcome.Truncated.Stdout {
		t.Errorf("outcome %+v with %d bytes", r.outcome, r.stdout.Len())
	}
}

func TestDeepRecursionIsAnErrorOfTheLanguage(t *testing.T) {
	for _, tt := range []struct{ name, source string }{
		{"function", `function f() { f() } f()`},
		{"getter", `const o = { get x() { return this.x } }; o.x`},
		{"map", `function f() { [1].map(f) } f()`},
		{"sort", `function f() { [2, 1].sort(f) } f()`},
		{"replace", `function f() { "a".replace(/a/, f) } f()`},
		{"toString", `const o = { toString() { return "" + o } }; "" + o`},
		{"constructor", `class A { constructor() { new A() } } new A()`},
		{"generator", `function* g() { yield* g() } g().next()`},
		{"proxy", `let p = {}; for (let i = 0; i < 1e5; i++) p = new Proxy(p, {}); p.x`},
		{"reviver", `function f() { JSON.parse("[1]", f) } f()`},
		{"eval", `function f() { eval("f()") } f()`},
		{"nested array", `let a = []; for (let i = 0; i < 1e5; i++) a = [a]; String(a)`},
		{"JSON", `JSON.parse("[".repeat(1e5))`},
		{"parentheses", `eval("(".repeat(5e4) + "1" + ")".repeat(5e4))`},
		{"functions in source", `eval("(()=>".repeat(2e4) + "1" + ")".repeat(2e4))`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := script(t, "main.js", "try {"+tt.source+"} catch (e) { console.log(e.name) }")
			r.start(t.Context(), t, drivers.js)
			if r.stdout.String() != "RangeError\n" {
				t.Errorf("stdout %q, stderr %q, %+v", &r.stdout, &r.stderr, r.outcome)
			}
		})
	}
}

func TestCancellation(t *testing.T) {
	for _, tt := range []struct{ name, source string }{
		{"loop", `console.log("running"); for (;;);`},
		{"timer", `console.log("running"); setTimeout(() => {}, 1e6)`},
		{"input", `console.log("running"); process.stdin.resume()`},
		{"prompt", `console.log("running"); prompt()`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			r := script(t, "main.js", tt.source)
			r.stdin = sandbox.LiveStdin()
			r.heard = func(string) {
				time.AfterFunc(50*time.Millisecond, func() { cancel(sandbox.ErrInterrupted) })
			}
			r.start(ctx, t, drivers.js)
			if r.outcome.Status != sandbox.StatusCancelled || r.outcome.Signal != "SIGINT" {
				t.Fatalf("outcome %+v", r.outcome) // a limit ends it otherwise
			}
		})
	}
}

func TestRunsSeeNothingOfEachOther(t *testing.T) {
	first := script(t, "main.js", `
globalThis.secret = Object.prototype.secret = Array.secret = process.env.secret = "leaked";
console.log = () => {};
require("fs").leaked = true;
process.exitCode = 0;`)
	first.start(t.Context(), t, drivers.js)
	second := script(t, "main.js", `
console.log(typeof secret, typeof {}.secret, Array.secret, process.env.secret, require("fs").leaked, require("fs").readdirSync("/"));`)
	second.start(t.Context(), t, drivers.js)
	if want := "undefined undefined undefined undefined undefined [ 'main.js' ]\n"; second.stdout.String() != want {
		t.Errorf("stdout %q, want %q", &second.stdout, want)
	}
}

func TestRandomnessDiffers(t *testing.T) {
	seen := map[string]bool{}
	for range 5 {
		r := script(t, "main.js", `console.log(Math.random(), crypto.randomUUID())`)
		r.start(t.Context(), t, drivers.js)
		seen[r.stdout.String()] = true
	}
	if len(seen) != 5 {
		t.Errorf("5 runs printed %d different numbers", len(seen))
	}
}

// TestHostileTypeScript has files that a compiler in this process could not
// survive.
func TestHostileTypeScript(t *testing.T) {
	r := script(t, "main.ts", strings.Repeat("!", 900_000)+"1")
	r.start(t.Context(), t, drivers.ts)
	if r.outcome.Status != sandbox.StatusError || !strings.Contains(r.stderr.String(), "too complex") {
		t.Errorf("deep: stderr %q, %+v", &r.stderr, r.outcome)
	}

	r = script(t, "main.ts", strings.Repeat("a=>", 20_000)+"1")
	r.limits.Wall = 500 * time.Millisecond
	r.start(t.Context(), t, drivers.ts)
	if r.outcome.Status != sandbox.StatusTimeout || r.outcome.Usage.Wall > 2*time.Second {
		t.Errorf("slow: stderr %q, %+v", &r.stderr, r.outcome)
	}

	r = script(t, "main.ts", strings.Repeat(" ", 2<<20))
	r.start(t.Context(), t, drivers.ts)
	if !strings.Contains(r.stderr.String(), "KiB at most") {
		t.Errorf("large: stderr %q", &r.stderr)
	}

	r = script(t, "main.ts", `console.log("fine" as string)`)
	r.start(t.Context(), t, drivers.ts)
	if r.stdout.String() != "fine\n" {
		t.Errorf("afterwards: stdout %q, stderr %q", &r.stdout, &r.stderr)
	}
}

func TestConcurrentRuns(t *testing.T) {
	var group sync.WaitGroup
	for i := range 12 {
		l := languages()[i%2]
		r := script(t, "main"+l.ending, fmt.Sprintf("await new Promise((done) => setTimeout(done, 20)); console.log(%d);", i))
		r.dir = t.TempDir()
		group.Go(func() { r.start(t.Context(), t, l.driver) })
		t.Cleanup(func() {
			if want := fmt.Sprintf("%d\n", i); r.stdout.String() != want {
				t.Errorf("run %d printed %q, stderr %q", i, &r.stdout, &r.stderr)
			}
		})
	}
	group.Wait()
}

// TestLoadedFilesAreBounded loads file after file and removes each, so that no
// quota of the folder counts them.
func TestLoadedFilesAreBounded(t *testing.T) {
	r := script(t, "main.js", `
		const fs = require("fs");
		let n = 0;
		try {
			for (; n < 20; n++) {
				fs.writeFileSync("f" + n + ".json", JSON.stringify("x".repeat(3 << 20)));
				require("./f" + n + ".json");
				fs.unlinkSync("f" + n + ".json");
			}
		} catch (e) { console.log(n, e.code); }`)
	r.start(t.Context(), t, drivers.js)
	if got := r.stdout.String(); got != "5 EFBIG\n" {
		t.Errorf("stdout %q, stderr %q", got, &r.stderr)
	}
}
