package quickjs_test

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"sandpiper/runtimes/wasm/jail"
	"sandpiper/runtimes/wasm/kernel"
	"sandpiper/runtimes/wasm/quickjs"
	"sandpiper/runtimes/wasm/vm"
	"sandpiper/sandbox"
)

// notebook is a kernel with its surroundings, for tests.
type notebook struct {
	*kernel.Kernel
	t      testing.TB
	driver *quickjs.Driver
	dir    string
	page   *page
}

// page keeps what a cell puts out.
type page struct {
	stdout, stderr bytes.Buffer
	displays       []sandbox.Display
	heard          func(text string) // called with each piece of stdout, if not nil
}

// Output implements sandbox.Sink.
func (p *page) Output(s sandbox.Stream, b []byte) {
	if s == sandbox.Stderr {
		p.stderr.Write(b)
		return
	}
	p.stdout.Write(b)
	if p.heard != nil {
		p.heard(string(b))
	}
}

// Display implements sandbox.Sink.
func (p *page) Display(d sandbox.Display) { p.displays = append(p.displays, d) }

var kernelLimits = sandbox.Limits{
	Wall: 30 * time.Second, CPU: 30 * time.Second, MemoryBytes: 64 << 20, OutputBytes: 1 << 20,
	FileBytes: 32 << 20, Files: 1000, OpenFiles: 64,
}

// surroundings is the configuration of a kernel in a folder of its own.
func (n *notebook) surroundings() vm.RunConfig {
	n.t.Helper()
	root, err := os.OpenRoot(n.dir)
	if err != nil {
		n.t.Fatal(err)
	}
	files := jail.New(root, jail.Limits{Bytes: kernelLimits.FileBytes, Files: kernelLimits.Files, OpenFiles: kernelLimits.OpenFiles})
	n.t.Cleanup(func() { files.Close(); root.Close() })
	displays := jail.NewDisplays(jail.DisplayLimits{}, func(d sandbox.Display) { n.page.Display(d) }, func(err error) { n.t.Error(err) })
	return vm.RunConfig{Limits: kernelLimits, Env: []string{"NAME=value"}, Mounts: []vm.Mount{
		{Path: "/", FS: files}, {Path: "/dev", FS: jail.NewDevices(displays, 8)},
	}}
}

func open(t testing.TB, d *quickjs.Driver) *notebook {
	t.Helper()
	loadDrivers.Do(load)
	n := &notebook{t: t, driver: d, dir: t.TempDir(), page: &page{}}
	k, err := d.Kernels().Open(t.Context(), n.surroundings())
	return n.with(k, err)
}

func (n *notebook) with(k *kernel.Kernel, err error) *notebook {
	n.t.Helper()
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { k.Close() })
	return &notebook{Kernel: k, t: n.t, driver: n.driver, dir: n.dir, page: n.page}
}

// run executes a cell.
func (n *notebook) run(code string) sandbox.CellOutcome {
	n.t.Helper()
	return n.runIn(n.t.Context(), sandbox.Cell{Code: code})
}

func (n *notebook) runIn(ctx context.Context, c sandbox.Cell) sandbox.CellOutcome {
	n.t.Helper()
	*n.page = page{heard: n.page.heard}
	o, err := n.Execute(ctx, c, n.page, func() {})
	if err != nil {
		n.t.Fatalf("%s: %v", c.Code, err)
	}
	return o
}

// text is the plain text of a result, "" when there is none.
func text(o sandbox.CellOutcome) string {
	if o.Result == nil {
		return ""
	}
	return o.Result.Data["text/plain"].(string)
}

// want executes cells in turn: each code must come to a result, and print, what
// stands beside it.
func (n *notebook) want(cells ...[3]string) {
	n.t.Helper()
	for _, c := range cells {
		o := n.run(c[0])
		if text(o) != c[1] || n.page.stdout.String() != c[2] || o.Status != sandbox.StatusOK || n.page.stderr.Len() > 0 {
			n.t.Errorf("%s\nresult %q, want %q; stdout %q, want %q; stderr %q; %+v %+v", c[0], text(o), c[1], &n.page.stdout, c[2], &n.page.stderr, o.Outcome, o.Error)
		}
	}
}

func TestCells(t *testing.T) {
	open(t, drivers.js).want(
		[3]string{"1 + 1", "2", ""},
		[3]string{"_ * 21", "42", ""},
		[3]string{"let x = 1; const y = 2", "", ""},
		[3]string{"let x = x + y; x", "3", ""},
		[3]string{"const x = 5\nlet z, w;", "", ""},
		[3]string{"[x, y, z]", "[ 5, 2, undefined ]", ""},
		[3]string{"class A { v = 1 }\nclass B extends A {}\n(new B()).v", "1", ""},
		[3]string{"class A { v = 2 }", "", ""},
		[3]string{"new A()", "A { v: 2 }", ""},
		[3]string{"function f() { return x }\nf()", "5", ""},
		[3]string{"const f = () => `${x}`", "", ""},
		[3]string{"f()", "'5'", ""},
		[3]string{"const n: number = 3; interface I { a: number }\nn as unknown as I", "3", ""},
		[3]string{"await new Promise((done) => setTimeout(done, 5, 'late'))", "'late'", ""},
		[3]string{"const { a, ...rest } = await Promise.resolve({ a: 1, b: 2 }); rest", "{ b: 2 }", ""},
		[3]string{"setTimeout(() => console.log('later'), 5); console.log('now')", "", "now\nlater\n"},
		[3]string{"import fs, { writeFileSync as write } from 'fs'; write('a.txt', 'text')", "", ""},
		[3]string{"fs.readFileSync('a.txt', 'utf8') + require('path').resolve('b')", "'text/b'", ""},
		[3]string{"if (x) { x } else { y }", "", ""},
		[3]string{"for (const i of [1]) i", "", ""},
		[3]string{"{ a: 1 }", "{ a: 1 }", ""},
		[3]string{"null", "null", ""},
		[3]string{"undefined", "", ""},
		[3]string{"/[/]}/.test('/}') ? `${'}'}` : 1 / 2", "'}'", ""},
		[3]string{"process.env.NAME", "'value'", ""},
		[3]string{"var _ = 7; 8", "8", ""},
		[3]string{"_", "7", ""},
		[3]string{"", "", ""},
		[3]string{"// nothing", "", ""},
		[3]string{"typeof performance.now()", "'number'", ""},
	)
}

func TestTypeScriptCells(t *testing.T) {
	open(t, drivers.ts).want(
		[3]string{"enum Colour { Red, Green }\nColour.Green", "1", ""},
		[3]string{"const x = <number>(1 as any)\nx", "1", ""},
		[3]string{"Colour[0]", "'Red'", ""},
	)
}

func TestCellErrors(t *testing.T) {
	n := open(t, drivers.js)
	n.run("function broken() {\n  null.x;\n}")
	for _, tt := range []struct {
		name, code, class, value string
		line, column             int    // of the diagnostic; none when 0
		trace                    string // the traceback has it
	}{
		{"thrown", "1;\nthrow new RangeError('no')", "RangeError", "no", 2, 11, "RangeError: no"},
		{"typed", "const a: number = 1;\n\nnull.y", "TypeError", "cannot read property 'y' of null", 3, 1, "null.y"},
		{"in an older cell", "broken()", "TypeError", "cannot read property 'x' of null", 0, 0, "at broken (<cell 1>:2:3)"},
		{"no error", "throw 5", "number", "5", 0, 0, "5"},
		{"syntax", "let a = 1;\nlet b = ;", "SyntaxError", `Unexpected ";"`, 2, 9, `Unexpected ";"`},
		{"after await", "await null;\nthrow new Error('late')", "Error", "late", 2, 11, "Error: late"},
		{"timer", "setTimeout(() => { throw new Error('timer') }, 1)", "Error", "timer", 1, 30, "Error: timer"},
		{"promise", "Promise.reject(new Error('lost')); 1", "Error", "lost", 1, 20, "Error: lost"},
		{"never", "await new Promise(() => {})", "Error", "the cell awaits something that can never come", 0, 0, "never come"},
		{"missing export", "import { nothing } from 'fs'", "SyntaxError", "Could not find export 'nothing' in module 'fs'", 1, 25, "nothing"},
		{"export", "export { broken }", "SyntaxError", "a cell cannot export to anybody: leave the export out", 1, 1, "export"},
		{"hook", "({ toHTML() { throw new Error('hook') } })", "Error", "hook", 1, 25, "hook"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := n.run(tt.code)
			if o.Status != sandbox.StatusError || o.Error == nil || o.RolledBack {
				t.Fatalf("%+v", o)
			}
			if o.Error.Name != tt.class || o.Error.Value != tt.value || !strings.Contains(strings.Join(o.Error.Traceback, "\n"), tt.trace) {
				t.Errorf("error %q %q\n%s", o.Error.Name, o.Error.Value, strings.Join(o.Error.Traceback, "\n"))
			}
			if tt.line > 0 && (len(o.Diagnostics) != 1 || o.Diagnostics[0].File != "cell" || o.Diagnostics[0].Line != tt.line || o.Diagnostics[0].Column != tt.column) || tt.line == 0 && len(o.Diagnostics) > 0 {
				t.Errorf("diagnostics %+v", o.Diagnostics)
			}
		})
	}
	n.want([3]string{"1", "1", ""})
}

// TestCellsStop interrupts cells that would never end. What they did stays, and
// what they would still have done does not happen.
func TestCellsStop(t *testing.T) {
	for _, tt := range []struct{ name, code string }{
		{"loop", "for (;;) n++"},
		{"loop that catches", "for (;;) { try { n++; null.x } catch {} finally { n++ } }"},
		{"promises", "(function f() { n++; Promise.resolve().then(f) })()"},
		{"ticks", "(function f() { n++; process.nextTick(f) })()"},
		{"async loop", "n++; (async () => { for (;;) await null })(); 1"},
		{"await", "n++; await new Promise((done) => setTimeout(done, 1e9))"},
		{"interval", "n++; setInterval(() => {}, 1)"},
		{"immediates", "(function f() { n++; setImmediate(f) })()"},
		{"input", "n++; prompt('?')"},
		{"input by an event", "n++; process.stdin.on('data', () => {})"},
		{"regular expression", "n++; /^(a+)+$/.test('a'.repeat(40) + 'b')"},
		{"result", "n++; ({ toHTML() { for (;;); } })"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := open(t, drivers.js)
			n.run("let n = 0, kept = 'yes'")
			ctx, cancel := context.WithCancelCause(t.Context())
			n.page.heard = func(string) { time.AfterFunc(50*time.Millisecond, func() { cancel(sandbox.ErrInterrupted) }) }
			began := time.Now()
			o := n.runIn(ctx, sandbox.Cell{Code: "console.log('begun'); " + tt.code, Stdin: sandbox.LiveStdin()})
			n.page.heard = nil
			if o.Status != sandbox.StatusCancelled || o.Signal != "SIGINT" || o.RolledBack {
				t.Errorf("outcome %+v, error %+v", o.Outcome, o.Error)
			}
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("stopped after %v", took)
			}
			n.want([3]string{"[kept, n > 0]", "[ 'yes', true ]", ""})
			if before := text(n.run("n")); text(n.run("n")) != before {
				t.Error("it goes on after its end")
			}
		})
	}
}

func TestInterrupt(t *testing.T) {
	n := open(t, drivers.js)
	n.page.heard = func(string) { n.Interrupt() }
	o := n.run("function spin() {\n  for (;;) console.log('x')\n}\nspin()")
	if o.Status != sandbox.StatusCancelled || o.Signal != "SIGINT" || o.Error == nil || o.Error.Name != "Interrupted" {
		t.Fatalf("%+v %+v", o.Outcome, o.Error)
	}
	if trace := strings.Join(o.Error.Traceback, "\n"); !strings.Contains(trace, "at spin (<cell 1>:2:") {
		t.Errorf("traceback\n%s", trace)
	}
	n.page.heard = nil
	n.Interrupt() // of nothing
	n.want([3]string{"typeof spin", "'function'", ""})
}

func TestCellLimits(t *testing.T) {
	for _, tt := range []struct {
		name, code string
		limits     sandbox.Limits
		status     sandbox.Status
		rolledBack bool
	}{
		{"wall", "kept = 2; await new Promise((done) => setTimeout(done, 1e9))", sandbox.Limits{Wall: 200 * time.Millisecond}, sandbox.StatusTimeout, false},
		{"CPU", "kept = 2; for (;;);", sandbox.Limits{CPU: 200 * time.Millisecond}, sandbox.StatusTimeout, false},
		{"output", "kept = 2; for (;;) console.log('x')", sandbox.Limits{OutputBytes: 1000}, sandbox.StatusOutputLimit, true},
		{"memory", "kept = 2; const all = []; for (;;) all.push(new Array(1000).fill(1))", sandbox.Limits{}, sandbox.StatusMemoryLimit, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := open(t, drivers.js)
			n.run("let kept = 1")
			o := n.runIn(t.Context(), sandbox.Cell{Code: tt.code, Limits: tt.limits})
			if o.Status != tt.status || o.RolledBack != tt.rolledBack {
				t.Errorf("%+v %+v", o, o.Error)
			}
			want := "2"
			if tt.rolledBack {
				want = "1"
			}
			n.run("globalThis.all = null")
			n.want([3]string{"kept", want, ""})
		})
	}
}

func TestCellsExit(t *testing.T) {
	n := open(t, drivers.js)
	for _, code := range []string{
		"let n = 1; process.exit(3)", "n++; try { process.exit(3) } catch {} finally { n = 100 }",
		"n++; setTimeout(() => process.exit(3), 1); await new Promise(() => {})", "n++; (async () => { await null; process.exit(3) })()",
	} {
		if o := n.run(code); o.Status != sandbox.StatusError || o.ExitCode != 3 || o.RolledBack {
			t.Errorf("%s: %+v %+v", code, o.Outcome, o.Error)
		}
	}
	n.want([3]string{"n", "4", ""})
}

func TestCellInput(t *testing.T) {
	n := open(t, drivers.js)
	for _, code := range []string{
		"prompt('?')", "require('fs').readFileSync(0, 'utf8').split('\\n')[0]",
		"await new Promise((done) => process.stdin.setEncoding('utf8').on('data', (d) => done(d.split('\\n')[0])))",
		"for await (const line of require('readline').createInterface({ input: process.stdin })) { globalThis.line ??= line }\nline",
	} {
		o := n.runIn(t.Context(), sandbox.Cell{Code: code, Stdin: sandbox.StaticStdin([]byte("one\ntwo\n"))})
		if text(o) != "'one'" {
			t.Errorf("%s: %q %+v", code, text(o), o.Error)
		}
	}
}

func TestCellDisplays(t *testing.T) {
	n := open(t, drivers.js)
	for _, tt := range []struct {
		name, code      string
		displays        int
		mime, has, text string // of the result; none when mime is empty
	}{
		{"hooks", "({ toHTML: () => '<b>x</b>', toSVG: () => '<svg/>', toMarkdown: () => 1 })", 0, "text/html", "<b>x</b>", "{\n  toHTML"},
		{"bundle", "({ toMimeBundle: () => ({ 'text/plain': 'mine', 'image/png': new Uint8Array(3) }) })", 0, "image/png", "AAAA", "mine"},
		{"symbol", "({ [Symbol.for('Jupyter.display')]: () => ({ 'application/json': { a: 1n } }) })", 0, "application/json", "", "{"},
		{"display", "display('text', 2); 3", 2, "text/plain", "3", "3"},
		{"displayed is no result", "const o = {}; display(o); o", 1, "", "", ""},
		{"chart", "import * as sp from 'sandpiper'\nsp.line([1, 2])", 1, "", "", ""},
		{"chart that is not shown", "sp.chart('line', [1, 2])", 0, "image/svg+xml", "<svg", "["},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := n.run(tt.code)
			if len(n.page.displays) != tt.displays || o.Status != sandbox.StatusOK {
				t.Errorf("%d displays, %+v %+v", len(n.page.displays), o.Outcome, o.Error)
			}
			if tt.mime == "" {
				if o.Result != nil {
					t.Errorf("result %v", o.Result)
				}
				return
			}
			if o.Result == nil {
				t.Fatal("no result")
			}
			if got, _ := o.Result.Data[tt.mime].(string); !strings.HasPrefix(got, tt.has) || !strings.HasPrefix(text(o), tt.text) {
				t.Errorf("result %v", o.Result.Data)
			}
		})
	}
}

// TestKernelCopies saves, resumes and forks: the copies have the state and go
// their own ways.
func TestKernelCopies(t *testing.T) {
	n := open(t, drivers.js)
	n.run("let x = 41; const t0 = performance.now()\nfunction broken() {\n  null.x\n}")
	n.page.heard = nil
	var state bytes.Buffer
	if err := n.Save(t.Context(), &state); err != nil {
		t.Fatal(err)
	}
	n.run("x = 0")
	resumed := n.with(n.driver.Kernels().Resume(t.Context(), n.surroundings(), bytes.NewReader(state.Bytes())))
	forked := n.with(resumed.Fork(t.Context(), n.surroundings()))
	resumed.want([3]string{"x + 1", "42", ""}, [3]string{"x = 7; performance.now() > t0", "true", ""})
	forked.want([3]string{"x + 1", "42", ""})
	n.want([3]string{"x", "0", ""})
	if trace := strings.Join(resumed.run("broken()").Error.Traceback, "\n"); !strings.Contains(trace, "at broken (<cell 1>:3:3)") {
		t.Errorf("traceback\n%s", trace)
	}
	const random = "[Math.random(), crypto.randomUUID()].join()"
	seen := map[string]bool{}
	for _, k := range []*notebook{n, resumed, forked, open(t, drivers.js)} {
		r := text(k.run(random))
		if seen[r] || r == "" {
			t.Errorf("two kernels have the same random numbers %s", r)
		}
		seen[r] = true
	}
	t.Logf("a state has %d bytes, a kernel %d of memory", state.Len(), n.Memory())
}
