package sandboxtest

import (
	"bytes"
	"context"
	"testing"
	"time"

	"sandpiper/sandbox"
)

// Cells are small cells of one language.
type Cells struct {
	Language string
	Set      string // sets a variable to 1
	Change   string // sets it to 2
	Print    string // prints the variable and a newline
	Value    string // is the variable's value as its result
	Fail     string // ends with an exception
	Loop     string // prints the line "begun" and runs until it is interrupted
}

// TestKernelEngine checks that an engine, whose languages are ready, keeps the
// contract of sandbox.KernelEngine with each of the languages.
func TestKernelEngine(t *testing.T, e sandbox.KernelEngine, languages ...Cells) {
	_, err := e.OpenKernel(t.Context(), sandbox.KernelSpec{Language: "cobol-2077", Dir: t.TempDir()})
	wantKind(t, err, sandbox.KindUnprocessed)
	for _, c := range languages {
		for name, run := range map[string]func(kernelTrial){
			"state, results and errors": kernelTrial.state,
			"interrupt":                 kernelTrial.interrupt,
			"save and resume":           kernelTrial.resume,
			"bad states":                kernelTrial.badStates,
			"fork":                      kernelTrial.fork,
			"close while a cell runs":   kernelTrial.closed,
		} {
			t.Run(c.Language+"/"+name, func(t *testing.T) { run(kernelTrial{t, e, c}) })
		}
	}
}

type kernelTrial struct {
	*testing.T
	engine sandbox.KernelEngine
	cells  Cells
}

func (k kernelTrial) spec() sandbox.KernelSpec {
	return sandbox.KernelSpec{Language: k.cells.Language, Dir: k.TempDir()}
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
	ctx, cancel := context.WithTimeout(k.Context(), runTimeout)
	defer cancel()
	rec := NewRecorder(k.T)
	o, err := kernel.Execute(ctx, sandbox.Cell{Code: code}, rec)
	must(k.T, err)
	rec.Close()
	return o, rec.Stdout()
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

// began starts a cell that loops and returns a channel with its outcome.
func (k kernelTrial) began(kernel sandbox.Kernel) <-chan error {
	k.Helper()
	rec, ended := NewRecorder(k.T), make(chan error, 1)
	go func() {
		o, err := kernel.Execute(k.Context(), sandbox.Cell{Code: k.cells.Loop}, rec)
		if err == nil && o.Status != sandbox.StatusCancelled {
			k.Errorf("the loop ended as %+v", o)
		}
		ended <- err
	}()
	for timeout := time.After(runTimeout); ; {
		out, more := rec.change()
		if out == "begun\n" {
			return ended
		}
		select {
		case <-more:
		case <-timeout:
			k.Fatalf("the loop has not begun: %q", out)
		}
	}
}

func (k kernelTrial) ended(done <-chan error) error {
	k.Helper()
	select {
	case err := <-done:
		return err
	case <-time.After(runTimeout):
		k.Fatal("the cell did not end")
		return nil
	}
}

func (k kernelTrial) interrupt() {
	kernel := k.open()
	k.run(kernel, k.cells.Set)
	kernel.Interrupt() // nothing runs
	done := k.began(kernel)
	_, err := kernel.Execute(k.Context(), sandbox.Cell{Code: k.cells.Print}, NewRecorder(k.T))
	wantKind(k.T, err, sandbox.KindConflict)
	wantKind(k.T, kernel.Save(k.Context(), &bytes.Buffer{}), sandbox.KindConflict)
	kernel.Interrupt()
	must(k.T, k.ended(done))
	k.wantPrinted(kernel, "1\n")
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

func (k kernelTrial) resume() {
	kernel := k.owned(k.engine.ResumeKernel(k.Context(), k.spec(), bytes.NewReader(k.saved())))
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

func (k kernelTrial) fork() {
	kernel := k.open()
	k.run(kernel, k.cells.Set)
	fork := k.owned(kernel.Fork(k.Context(), k.spec()))
	k.run(fork, k.cells.Change)
	k.wantPrinted(kernel, "1\n")
	must(k.T, kernel.Close())
	k.wantPrinted(fork, "2\n")
}

func (k kernelTrial) closed() {
	kernel := k.open()
	done := k.began(kernel)
	must(k.T, kernel.Close())
	_ = k.ended(done) // either answer will do
	if _, err := kernel.Execute(k.Context(), sandbox.Cell{Code: k.cells.Print}, NewRecorder(k.T)); err == nil {
		k.Error("a closed kernel executed a cell")
	}
}
