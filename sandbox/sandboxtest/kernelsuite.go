package sandboxtest

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"sandpiper/sandbox"
)

// Cells are small cells of one language. Those that end in "… on" print the line
// "begun" first. A language that cannot do what Crash does leaves it empty; all the
// others are needed.
type Cells struct {
	Language string
	Set      string // sets a variable to 1
	Change   string // sets it to 2
	Print    string // prints the variable and a newline; fails when there is none
	Value    string // is the variable's value as its result
	Fail     string // ends with an exception
	Stderr   string // prints the line "out" to stdout and the line "err" to stderr
	Display  string // displays <b>x</b> as text/html, and prints nothing
	Bytes    string // writes the 256 values of a byte to stdout, in order
	Huge     string // prints hugeOutput times the letter x
	Env      string // prints the variable SECRET of the environment and a newline, or just that
	Save     string // writes "hidden" into the file secret.txt
	Read     string // prints what secret.txt has and a newline; fails when it is not there
	Loop     string // runs on
	Sleep    string // sleeps on
	Input    string // waits for a line of input on and on
	Stubborn string // runs on, and does not heed interrupts
	Flood    string // prints on
	Hoard    string // needs more and more memory
	Crash    string // ends the whole process of the interpreter
}

// hugeOutput is what Cells.Huge prints, in bytes.
const hugeOutput = 3 << 20

// kernelMemory is the memory of the kernels of trials.
const kernelMemory = 192 << 20

// TestKernelEngine checks that an engine keeps the contract of sandbox.KernelEngine
// with each of the languages. open starts one, whose languages are ready and which
// ends with the test, and says in which folder those of its kernels are to be.
func TestKernelEngine(t *testing.T, open func(t *testing.T) (e sandbox.KernelEngine, dir string), languages ...Cells) {
	e, dir := open(t)
	_, err := e.OpenKernel(t.Context(), sandbox.KernelSpec{Language: "cobol-2077", Dir: t.TempDir()})
	wantKind(t, err, sandbox.KindUnprocessed)
	trials := []struct {
		name string
		run  func(kernelTrial)
	}{
		{"state, results and errors", kernelTrial.state},
		{"output as it comes", kernelTrial.streams},
		{"huge and binary output", kernelTrial.largeOutput},
		{"interrupt", kernelTrial.interrupt},
		{"end of the context", kernelTrial.cancelled},
		{"roll-back", kernelTrial.rollBack},
		{"too little memory", kernelTrial.hoard},
		{"sessions apart", kernelTrial.apart},
		{"save and resume", func(k kernelTrial) { k.resume(k) }},
		{"resume in a new engine", func(k kernelTrial) {
			other := k
			other.engine, other.dir = open(k.T)
			k.resume(other)
		}},
		{"bad states", kernelTrial.badStates},
		{"fork", kernelTrial.fork},
		{"close while a cell runs", kernelTrial.closed},
	}
	for _, c := range languages {
		for _, trial := range trials {
			t.Run(c.Language+"/"+trial.name, func(t *testing.T) { trial.run(kernelTrial{t, e, dir, c}) })
		}
	}
}

type kernelTrial struct {
	*testing.T
	engine sandbox.KernelEngine
	dir    string // of the folders of its kernels
	cells  Cells
}

func (k kernelTrial) spec() sandbox.KernelSpec {
	k.Helper()
	dir, err := os.MkdirTemp(k.dir, "kernel-*")
	must(k.T, err)
	return sandbox.KernelSpec{Language: k.cells.Language, Dir: dir, Limits: sandbox.Limits{MemoryBytes: kernelMemory}}
}

func (k kernelTrial) owned(kernel sandbox.Kernel, err error) sandbox.Kernel {
	k.Helper()
	must(k.T, err)
	k.Cleanup(func() { _ = kernel.Close() }) // a test may have closed it
	return kernel
}

func (k kernelTrial) open() sandbox.Kernel {
	k.Helper()
	return k.owned(k.engine.OpenKernel(k.Context(), k.spec()))
}

func (k kernelTrial) run(kernel sandbox.Kernel, code string) (sandbox.CellOutcome, string) {
	k.Helper()
	o, rec := k.cell(kernel, sandbox.Cell{Code: code})
	return o, rec.Stdout()
}

// cell executes a cell to its end.
func (k kernelTrial) cell(kernel sandbox.Kernel, c sandbox.Cell) (sandbox.CellOutcome, *Recorder) {
	k.Helper()
	ctx, cancel := context.WithTimeout(k.Context(), runTimeout)
	defer cancel()
	rec := NewRecorder(k.T)
	o, err := kernel.Execute(ctx, c, rec)
	must(k.T, err)
	rec.Close()
	return o, rec
}

func (k kernelTrial) wantPrinted(kernel sandbox.Kernel, want string) {
	k.Helper()
	if o, out := k.run(kernel, k.cells.Print); o.Status != sandbox.StatusOK || out != want {
		k.Errorf("it printed %q, want %q: %+v", out, want, o)
	}
}

func (k kernelTrial) state() {
	kernel := k.open()
	k.run(kernel, k.cells.Set)
	k.wantPrinted(kernel, "1\n")
	if o, _ := k.run(kernel, k.cells.Value); o.Result == nil || o.Result.Data["text/plain"] != "1" {
		k.Errorf("the result is %+v", o.Result)
	}
	o, _ := k.run(kernel, k.cells.Fail)
	if o.Status != sandbox.StatusError || o.Error == nil || o.Error.Name == "" || len(o.Error.Traceback) == 0 || o.RolledBack {
		k.Errorf("the failure is %+v", o)
	}
	k.wantPrinted(kernel, "1\n")
}

// streams checks that the two streams and displays are kept apart, and that no
// output waits for the end of the cell: began sees it.
func (k kernelTrial) streams() {
	kernel := k.open()
	o, rec := k.cell(kernel, sandbox.Cell{Code: k.cells.Stderr})
	if o.Status != sandbox.StatusOK || rec.Stdout() != "out\n" || rec.Stderr() != "err\n" {
		k.Errorf("stdout %q, stderr %q, %+v", rec.Stdout(), rec.Stderr(), o)
	}
	o, rec = k.cell(kernel, sandbox.Cell{Code: k.cells.Display})
	if shown := rec.Displays(); o.Status != sandbox.StatusOK || len(shown) != 1 || shown[0].Data["text/html"] != "<b>x</b>" || rec.Stdout() != "" {
		k.Errorf("it displayed %+v and printed %q: %+v", shown, rec.Stdout(), o)
	}
	done := k.began(k.Context(), kernel, sandbox.Cell{Code: k.cells.Loop})
	kernel.Interrupt()
	k.stopped(done)
}

// largeOutput checks that every byte arrives as it is.
func (k kernelTrial) largeOutput() {
	kernel := k.open()
	room := sandbox.Limits{OutputBytes: 2 * hugeOutput}
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	if _, rec := k.cell(kernel, sandbox.Cell{Code: k.cells.Bytes, Limits: room}); rec.Stdout() != string(all) {
		k.Errorf("of all bytes it wrote %q", rec.Stdout())
	}
	o, rec := k.cell(kernel, sandbox.Cell{Code: k.cells.Huge, Limits: room})
	if out := rec.Stdout(); o.Status != sandbox.StatusOK || strings.Count(out, "x") != hugeOutput || len(out) > hugeOutput+1 {
		k.Errorf("%d bytes arrived: %+v", len(out), o)
	}
}

// kernelAnswer is what Execute returns.
type kernelAnswer struct {
	outcome sandbox.CellOutcome
	err     error
}

// began starts a cell that goes on, and waits until it does.
func (k kernelTrial) began(ctx context.Context, kernel sandbox.Kernel, c sandbox.Cell) <-chan kernelAnswer {
	k.Helper()
	rec, ended := NewRecorder(k.T), make(chan kernelAnswer, 1)
	go func() {
		o, err := kernel.Execute(ctx, c, rec)
		ended <- kernelAnswer{o, err}
	}()
	awaitStdout(k.T, rec, "begun\n")
	return ended
}

func (k kernelTrial) ended(done <-chan kernelAnswer) kernelAnswer {
	k.Helper()
	select {
	case a := <-done:
		return a
	case <-time.After(runTimeout):
		k.Fatal("the cell did not end")
		return kernelAnswer{}
	}
}

// stopped waits for a cell that was told to end.
func (k kernelTrial) stopped(done <-chan kernelAnswer) sandbox.CellOutcome {
	k.Helper()
	a := k.ended(done)
	must(k.T, a.err)
	if a.outcome.Status != sandbox.StatusCancelled {
		k.Errorf("the cell ended as %+v", a.outcome)
	}
	return a.outcome
}

// interrupt interrupts cells in the middle of what they may be at. What came before
// stays, and so does what the cell has done.
func (k kernelTrial) interrupt() {
	kernel := k.open()
	k.run(kernel, k.cells.Set)
	kernel.Interrupt() // nothing runs
	for _, c := range []struct{ name, code string }{{"loop", k.cells.Loop}, {"sleep", k.cells.Sleep}, {"input", k.cells.Input}} {
		k.Run(c.name, func(t *testing.T) {
			k := kernelTrial{t, k.engine, k.dir, k.cells}
			in := sandbox.LiveStdin()
			defer in.Close()
			done := k.began(k.Context(), kernel, sandbox.Cell{Code: c.code, Stdin: in})
			_, err := kernel.Execute(k.Context(), sandbox.Cell{Code: k.cells.Print}, NewRecorder(k.T))
			wantKind(k.T, err, sandbox.KindConflict)
			wantKind(k.T, kernel.Save(k.Context(), &bytes.Buffer{}), sandbox.KindConflict)
			_, err = kernel.Fork(k.Context(), k.spec())
			wantKind(k.T, err, sandbox.KindConflict)
			kernel.Interrupt()
			k.stopped(done)
			k.wantPrinted(kernel, "1\n")
		})
	}
	early := sandbox.Cell{Code: k.cells.Loop, Interrupted: func() bool { return true }}
	if o, _ := k.cell(kernel, early); o.Signal != "SIGINT" || o.RolledBack {
		k.Errorf("a cell that was interrupted before it began: %+v", o)
	}
	k.wantPrinted(kernel, "1\n")
}

// cancelled ends the context of cells: of one that heeds its interrupt and of one that,
// unless it is interrupted before it gets deaf, must be stopped by force.
func (k kernelTrial) cancelled() {
	kernel := k.open()
	for _, code := range []string{k.cells.Loop, k.cells.Stubborn} {
		k.run(kernel, k.cells.Set)
		ctx, cancel := context.WithCancelCause(k.Context())
		done := k.began(ctx, kernel, sandbox.Cell{Code: k.cells.Change + "\n" + code})
		cancel(sandbox.ErrClientGone)
		o := k.stopped(done)
		if o.RolledBack && code == k.cells.Loop {
			k.Errorf("a cell that heeds interrupts was rolled back: %+v", o)
		}
		k.wantKept(kernel, o)
	}
}

// wantKept checks that a kernel has what the cell that changed its variable from 1 to
// 2 has left.
func (k kernelTrial) wantKept(kernel sandbox.Kernel, o sandbox.CellOutcome) {
	k.Helper()
	want := "2\n"
	if o.RolledBack {
		want = "1\n"
	}
	k.wantPrinted(kernel, want)
}

// rollBack checks that the state from before a cell that had to be stopped by force is
// there again, as good as ever: it can be saved, and cells can be interrupted.
func (k kernelTrial) rollBack() {
	for _, c := range []struct {
		name, code string
		limits     sandbox.Limits
		status     sandbox.Status
	}{
		{"wall time", k.cells.Stubborn, sandbox.Limits{Wall: 2 * time.Second}, sandbox.StatusTimeout},
		{"CPU time", k.cells.Stubborn, sandbox.Limits{CPU: 300 * time.Millisecond}, sandbox.StatusTimeout},
		{"output", k.cells.Flood, sandbox.Limits{OutputBytes: 64 << 10}, sandbox.StatusOutputLimit},
		{"crash", k.cells.Crash, sandbox.Limits{}, sandbox.StatusError},
	} {
		if c.code == "" {
			continue // the language has no such thing
		}
		k.Run(c.name, func(t *testing.T) {
			k := kernelTrial{t, k.engine, k.dir, k.cells}
			kernel := k.open()
			k.run(kernel, k.cells.Set)
			o, _ := k.cell(kernel, sandbox.Cell{Code: k.cells.Change + "\n" + c.code, Limits: c.limits})
			if o.Status != c.status || !o.RolledBack || o.Message == "" {
				k.Errorf("it ended as %+v, want %s and a roll-back", o, c.status)
			}
			k.wantPrinted(kernel, "1\n")
			done := k.began(k.Context(), kernel, sandbox.Cell{Code: k.cells.Loop})
			kernel.Interrupt()
			k.stopped(done)
			var state bytes.Buffer
			must(k.T, kernel.Save(k.Context(), &state))
			k.wantPrinted(k.owned(k.engine.ResumeKernel(k.Context(), k.spec(), &state)), "1\n")
		})
	}
}

// hoard has a cell need more memory than there is. Languages have an exception for
// that, which leaves what the cell did, or they crash, which does not.
func (k kernelTrial) hoard() {
	kernel := k.open()
	k.run(kernel, k.cells.Set)
	o, _ := k.cell(kernel, sandbox.Cell{Code: k.cells.Change + "\n" + k.cells.Hoard})
	if o.Status != sandbox.StatusMemoryLimit {
		k.Errorf("it ended as %+v: %+v", o, o.Error)
	}
	k.wantKept(kernel, o)
	if n := kernel.Memory(); n > kernelMemory {
		k.Errorf("the kernel has %d bytes of memory", n)
	}
}

// apart checks that a kernel finds nothing of another one, neither while that lives
// nor when it has ended.
func (k kernelTrial) apart() {
	spec := k.spec()
	spec.Env = map[string]string{"SECRET": "whispered"}
	one := k.owned(k.engine.OpenKernel(k.Context(), spec))
	k.run(one, k.cells.Set)
	k.run(one, k.cells.Save)
	check := func() {
		k.Helper()
		other := k.open()
		for what, code := range map[string]string{"variable": k.cells.Print, "file": k.cells.Read} {
			if o, out := k.run(other, code); o.Error == nil || out != "" {
				k.Errorf("another kernel's %s is there: %q, %+v", what, out, o)
			}
		}
		if _, out := k.run(other, k.cells.Env); out != "\n" {
			k.Errorf("another kernel's environment is there: %q", out)
		}
	}
	check()
	k.wantPrinted(one, "1\n")
	for code, want := range map[string]string{k.cells.Env: "whispered\n", k.cells.Read: "hidden\n"} {
		if _, out := k.run(one, code); out != want {
			k.Errorf("%s printed %q, want %q", code, out, want)
		}
	}
	must(k.T, one.Close())
	check()
}

func (k kernelTrial) saved() []byte {
	k.Helper()
	kernel := k.open()
	k.run(kernel, k.cells.Set)
	var state bytes.Buffer
	must(k.T, kernel.Save(k.Context(), &state))
	k.run(kernel, k.cells.Change)
	k.wantPrinted(kernel, "2\n")
	return state.Bytes()
}

func (k kernelTrial) resume(other kernelTrial) {
	kernel := k.owned(other.engine.ResumeKernel(k.Context(), other.spec(), bytes.NewReader(k.saved())))
	k.wantPrinted(kernel, "1\n")
}

func (k kernelTrial) badStates() {
	state := k.saved()
	for name, bad := range map[string][]byte{"empty": nil, "foreign": []byte("not a state at all"), "cut short": state[:len(state)/2]} {
		if kernel, err := k.engine.ResumeKernel(k.Context(), k.spec(), bytes.NewReader(bad)); err == nil {
			k.Errorf("a state that is %s was resumed", name)
			_ = kernel.Close()
		}
	}
}

// fork has a kernel and its forks change what they had in common.
func (k kernelTrial) fork() {
	kernel := k.open()
	k.run(kernel, k.cells.Set)
	fork := k.owned(kernel.Fork(k.Context(), k.spec()))
	k.run(fork, k.cells.Change)
	k.run(fork, k.cells.Save)
	k.wantPrinted(kernel, "1\n")
	if o, out := k.run(kernel, k.cells.Read); o.Error == nil {
		k.Errorf("a fork's file is in the folder of its origin: %q", out)
	}
	second := k.owned(fork.Fork(k.Context(), k.spec()))
	k.run(second, k.cells.Set)
	k.wantPrinted(fork, "2\n")
	k.run(kernel, k.cells.Fail)
	must(k.T, kernel.Close())
	k.wantPrinted(fork, "2\n")
	must(k.T, fork.Close())
	k.wantPrinted(second, "1\n")
}

func (k kernelTrial) closed() {
	kernel := k.open()
	done := k.began(k.Context(), kernel, sandbox.Cell{Code: k.cells.Loop})
	must(k.T, kernel.Close())
	_ = k.ended(done) // either answer will do
	if _, err := kernel.Execute(k.Context(), sandbox.Cell{Code: k.cells.Print}, NewRecorder(k.T)); err == nil {
		k.Error("a closed kernel executed a cell")
	}
}
