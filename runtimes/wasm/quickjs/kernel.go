package quickjs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/tetratelabs/wazero/api"

	"sandpiper/internal/lazyregexp"
	"sandpiper/runtimes/wasm/jail"
	"sandpiper/runtimes/wasm/kernel"
	"sandpiper/runtimes/wasm/vm"
	"sandpiper/sandbox"
)

// Kernels returns what kernels are made from. A cell is JavaScript, or TypeScript
// without its types: what it declares at the top level stays and may be declared
// again, await and import may be used there, and the value of its last expression
// is the result. It lasts until its timers have run, as a program does. A cell
// that is interrupted, fails or exits leaves its variables and loses its timers.
func (d *Driver) Kernels() kernel.Language {
	return kernel.Language{Module: d.module, New: func(cfg *vm.RunConfig) kernel.Interpreter {
		return &interpreter{driver: d, cfg: *cfg, files: map[string]*moduleFile{}}
	}}
}

// interpreter is the host's part of one kernel. Cells that the guest remembers
// and files are looked up again when the kernel is another one's copy.
type interpreter struct {
	driver *Driver
	cfg    vm.RunConfig
	files  map[string]*moduleFile
	cell   *cell // the one that runs
}

// cell is what there is to know of a cell in a kernel while it runs.
type cell struct {
	name        string
	running     bool // its own code may run
	interrupted bool // it is to end, if its own code runs
	purging     bool // what is left of it must not run any more
	exitCode    *int // it has asked to exit
}

// stopped reports whether the code that runs must not go on.
func (c *cell) stopped() bool { return c != nil && (c.running && c.interrupted || c.purging) }

// session makes the session of one run of the kernel's guest.
func (i *interpreter) session(ctx context.Context, guest api.Module) *session {
	s := &session{driver: i.driver, cfg: i.cfg, dir: "/", cell: i.cell}
	s.begin(ctx, guest)
	s.files = i.files
	s.attach(i.driver.realm)
	s.ticking = true
	s.limitMemory(max(s.cfg.Limits.MemoryBytes-memoryOverhead, minMemory))
	return s
}

// Open implements kernel.Interpreter.
func (i *interpreter) Open(ctx context.Context, guest api.Module) error {
	return guarded(func() {
		s := i.session(ctx, guest)
		s.refresh(i.driver.realm)
		if err := s.configure(); err != nil {
			panic(fault{err})
		}
		s.call("qjs_set_interrupt_handler", 1)
		s.free(s.mustTell("open"))
	})
}

// Renew implements kernel.Interpreter.
func (i *interpreter) Renew(ctx context.Context, guest api.Module, _ bool) error {
	return guarded(func() { i.session(ctx, guest).reseed(i.driver.realm) })
}

// Interrupt implements kernel.Interpreter: it has the engine ask at once whether
// to go on, which hostInterrupt answers.
func (i *interpreter) Interrupt(_ context.Context, guest api.Module) bool {
	if i.cell == nil {
		return false
	}
	i.cell.interrupted = true
	return guest.Memory().WriteUint32Le(uint32(i.driver.realm.counter), 0)
}

// Execute implements kernel.Interpreter.
func (i *interpreter) Execute(ctx context.Context, guest api.Module, code string) (answer kernel.Answer, err error) {
	err = guarded(func() {
		i.cell = &cell{}
		defer func() { i.cell = nil }()
		answer = i.session(ctx, guest).runCell(code)
	})
	return answer, err
}

// Cells are files by these names, by which the places in errors find them.
var cellFile = lazyregexp.New(`^<cell (\d+)>$`)

func cellName(id int) string { return "<cell " + strconv.Itoa(id) + ">" }

// failed is the panic by which the event loop of a kernel ends at an exception
// that nobody caught.
type failed struct{ err value }

// runCell runs a cell to its end.
func (s *session) runCell(code string) kernel.Answer {
	script, failure := s.translateCell(code)
	if failure != nil {
		return *failure
	}
	result, err := s.untilFailed(func() value { return s.cellLoop(script) })
	switch c := s.cell; {
	case c.exitCode != nil || c.interrupted || err != exception:
		return s.failedCell(err)
	}
	defer s.free(result)
	return s.cellResult(result)
}

// translateCell makes a script of a cell and tells the prelude of it. What is not
// the language comes back as an answer.
func (s *session) translateCell(code string) (string, *kernel.Answer) {
	t, interrupted := s.driver.types.translate(s.guest.ctx, s.run, request{Name: kernel.CellFile, Source: code, Cell: true, Typed: s.driver.typed})
	s.cell.interrupted = s.cell.interrupted || interrupted
	switch {
	case s.cell.interrupted:
		a := s.failedCell(undefined)
		return "", &a
	case t.Failure != "":
		return "", syntaxAnswer(t.Failure)
	}
	source, mapping := s.text(code), s.text(string(t.Map))
	defer s.free(source)
	defer s.free(mapping)
	s.cell.name = cellName(s.mustTell("begin", source, mapping).integer())
	delete(s.files, s.cell.name) // of a cell that was rolled back
	return t.Source, nil
}

// syntaxAnswer is the answer for a cell that could not be translated.
func syntaxAnswer(failure string) *kernel.Answer {
	lines := strings.Split(strings.TrimRight(failure, "\n"), "\n")
	a := &kernel.Answer{End: kernel.EndError, Diagnostics: Diagnostics([]byte(failure))}
	message := lines[0]
	if m := compileError().FindStringSubmatch(message); m != nil {
		message = m[4]
	}
	a.Error = &sandbox.CellError{Name: "SyntaxError", Value: message, Traceback: append(lines, "SyntaxError: "+message)}
	return a
}

// untilFailed calls f and returns what it returns, or the exception that nobody
// caught.
func (s *session) untilFailed(f func() value) (result, err value) {
	err = exception
	defer func() {
		switch p := recover().(type) {
		case nil:
		case failed:
			result, err = undefined, p.err
		default:
			panic(p)
		}
	}()
	return f(), exception
}

// cellLoop runs a cell's script until nothing is left to wait for, and returns the
// object with its value.
func (s *session) cellLoop(script string) value {
	s.cell.running = true
	promise := s.eval(script, s.cell.name, evalScript|evalAsync)
	if promise == exception {
		panic(failed{s.caught()})
	}
	s.call("JS_PromiseMarkAsHandled", s.context, uint64(promise))
	for {
		s.drain()
		pending := s.promiseState(promise) == promisePending
		if !pending && s.promiseState(promise) == promiseRejected {
			panic(failed{s.callValue("JS_PromiseResult", s.context, uint64(promise))})
		}
		if s.cell.interrupted || s.cell.exitCode != nil {
			panic(failed{undefined})
		}
		if s.turn() {
			continue
		}
		if pending {
			panic(failed{s.error("Error", "the cell awaits something that can never come")})
		}
		result := s.callValue("JS_PromiseResult", s.context, uint64(promise))
		s.free(promise)
		return result
	}
}

// error makes an error of the language.
func (s *session) error(class, message string) value {
	s.throwError("", class, message, "")
	return s.caught()
}

// cellResult is the answer for a cell that ended well.
func (s *session) cellResult(result value) kernel.Answer {
	var text string
	_, err := s.untilFailed(func() value {
		bundle := s.tell("result", result)
		defer s.free(bundle)
		if bundle == exception {
			panic(failed{s.caught()})
		}
		text, _ = s.strUpTo(bundle, kernel.MaxAnswer+1)
		return undefined
	})
	switch {
	case err != exception || s.cell.interrupted || s.cell.exitCode != nil:
		return s.failedCell(err)
	case text == "":
		return kernel.Answer{}
	case len(text) > kernel.MaxAnswer:
		return s.failedCell(s.error("RangeError", fmt.Sprintf("the result is too large to be shown: at most %d MiB are possible", kernel.MaxAnswer>>20)))
	}
	d, bad := jail.ParseDisplay(validText(text))
	if bad != nil {
		return s.failedCell(s.error("TypeError", "the result cannot be shown: "+bad.Error()))
	}
	return kernel.Answer{Result: &d}
}

// failedCell is the answer for a cell that was interrupted, asked to exit, or left
// an exception, and gives up what it would still have done.
func (s *session) failedCell(err value) kernel.Answer {
	c := s.cell
	a := kernel.Answer{End: kernel.EndError}
	interrupted := c.interrupted
	c.interrupted = false // describing the error runs code, which may be interrupted in turn
	switch {
	case c.exitCode != nil:
		a.End, a.ExitCode = kernel.EndExit, *c.exitCode
		a.Error = &sandbox.CellError{Name: "Exit", Value: strconv.Itoa(*c.exitCode), Traceback: []string{fmt.Sprintf("process.exit(%d)", *c.exitCode)}}
	case interrupted:
		a.End = kernel.EndInterrupted
		a.Error = &sandbox.CellError{Name: "Interrupted", Value: "the cell was interrupted", Traceback: s.interruptedAt(err)}
	default:
		s.describeError(&a, err)
	}
	c.running = false
	s.purge()
	return a
}

// interruptedAt is the traceback of a cell that was interrupted: where, if it was
// in its own code.
func (s *session) interruptedAt(err value) []string {
	text := "Interrupted: the cell was interrupted"
	if err.isObject() {
		stack := s.get(err, "stack")
		defer s.free(stack)
		if frames, ok := s.str(stack); ok {
			if i := strings.Index(frames, "\n    at "); i >= 0 {
				text += frames[i:]
			}
		}
	}
	return strings.Split(strings.TrimRight(s.report(text), "\n"), "\n")
}

// describeError puts an exception into an answer.
func (s *session) describeError(a *kernel.Answer, err value) {
	described := s.apply(s.api["describe"], err)
	defer s.free(described)
	text, ok := s.str(described)
	if !ok {
		s.free(s.caught())
		text = "InternalError: out of memory"
		if s.cell.interrupted {
			text = "Error: an error that could not be described before the cell was interrupted"
		}
	}
	if strings.HasPrefix(text, "InternalError: out of memory") {
		a.End = kernel.EndMemory
		s.call("JS_RunGC", s.runtime)
	}
	e := struct{ Name, Message string }{"Error", text}
	short := s.text(text)
	defer s.free(short)
	about := s.tell("describe", err, short)
	defer s.free(about)
	if fields, ok := s.str(about); ok {
		_ = json.Unmarshal(validText(fields), &e) // what it does not have stays as it is
	} else {
		s.free(s.caught())
	}
	report := s.report(string(validText(text)))
	a.Error = &sandbox.CellError{Name: e.Name, Value: e.Message, Traceback: strings.Split(strings.TrimRight(report, "\n"), "\n")}
	a.Diagnostics = s.cellDiagnostics(report, a.Error)
}

// cellDiagnostics is the place that a report begins with, if that is in this cell.
func (s *session) cellDiagnostics(report string, e *sandbox.CellError) []sandbox.Diagnostic {
	m := errorPlace().FindStringSubmatch(firstLine(report))
	if m == nil || m[1] != s.cell.name {
		return nil
	}
	message := e.Name
	if e.Value != "" {
		message += ": " + e.Value
	}
	return appendDiagnostic(nil, []string{kernel.CellFile, m[2], m[3]}, message)
}

// maxPurge is how many promise jobs of a cell that did not end well are looked at.
const maxPurge = 1 << 20

// purge gives up what the cell would still have done. The engine has no call for
// that, so each promise job begins and is interrupted at once.
func (s *session) purge() {
	s.cell.purging = true
	for n := 0; s.call("JS_IsJobPending", s.runtime) != 0; n++ {
		if n == maxPurge {
			panic(fault{errors.New("a cell that was stopped goes on and on")})
		}
		s.pollIn(0)
		if int32(s.call("JS_ExecutePendingJob", s.runtime, s.scratch)) < 0 {
			s.free(s.caught())
		}
	}
	s.cell.purging = false
	s.free(s.mustTell("end"))
	s.watchStdin, s.rejections = false, false
}

// tell calls a function of the prelude's kernel part.
func (s *session) tell(name string, args ...value) value {
	n := s.text(name)
	defer s.free(n)
	return s.apply(s.api["kernel"], append([]value{n}, args...)...)
}

// mustTell is tell for what cannot fail, but for a lack of memory.
func (s *session) mustTell(name string, args ...value) value {
	r := s.tell(name, args...)
	if r == exception {
		panic(fault{errors.New("the kernel: " + s.describe(s.caught()))})
	}
	return r
}

// loadedFile returns a file that the program has loaded, or a cell of its kernel,
// by the name that is in stacks; nil for all others.
func (s *session) loadedFile(name string) *moduleFile {
	if f := s.files[name]; f != nil || s.cell == nil {
		return f
	}
	m := cellFile().FindStringSubmatch(name)
	if m == nil {
		return nil
	}
	id, _ := strconv.Atoi(m[1])
	text := s.tell("cellOf", number(float64(id)))
	defer s.free(text)
	var kept *struct{ Source, Map string }
	b, ok := s.str(text)
	if !ok || json.Unmarshal(validText(b), &kept) != nil || kept == nil {
		return nil
	}
	f := &moduleFile{name: name, original: kept.Source}
	if mapping, err := parseSourceMap([]byte(kept.Map)); err == nil {
		f.mapping = mapping
	}
	s.files[name] = f
	return f
}
