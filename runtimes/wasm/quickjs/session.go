package quickjs

import (
	"context"
	"math"
	"strings"
	"time"

	"github.com/tetratelabs/wazero/api"

	"sandpiper/runtimes/wasm/vm"
	"sandpiper/sandbox"
)

// Exit codes, as Node's.
const (
	exitUncaught  = 1
	exitUnsettled = 13 // the main module awaits what will never come
)

// session is one run: an instance, the program in it, and what its host calls
// have to know.
type session struct {
	*guest
	driver     *Driver
	cfg        vm.RunConfig
	dir        string           // the program's folder, and its working directory
	main       string           // the main file's name
	given      *string          // its text, when that is known from the start
	inline     bool             // it is none on disk
	readInline bool             // that has to come from standard input first
	args       []string         // the program's arguments
	api        map[string]value // the prelude's functions for the host
	files      map[string]*moduleFile
	loaded     int // bytes of files as they were written

	watchStdin bool   // input is something to wait for
	ticking    bool   // the program may have ticks
	rejections bool   // there may be rejected promises that nobody handles
	memoryFull bool   // the program ended because the engine had no memory left
	missing    string // the package that was looked for last and is not there
	cell       *cell  // the kernel's cell that runs; nil for a program
}

type sessionKey struct{}

func sessionOf(ctx context.Context) *session {
	s, _ := ctx.Value(sessionKey{}).(*session)
	return s
}

// apiNames are the functions that the prelude gives to the host.
var apiNames = []string{
	"configure", "prepareStack", "rejection", "unhandled", "makeError", "runScript", "importScript", "exportsOf",
	"ticks", "step", "fail", "beforeExit", "exit", "kernel", "describe",
}

// begin makes s the session of the run that ctx belongs to, in the instance mod.
func (s *session) begin(ctx context.Context, mod api.Module) {
	s.guest = newGuest(context.WithValue(ctx, sessionKey{}, s), mod)
	s.files = map[string]*moduleFile{}
}

// hostFunction makes a function that calls the host.
func (s *session) hostFunction(name string) value {
	p := s.alloc(name)
	if p == 0 {
		return s.outOfMemory()
	}
	defer s.release(p)
	box := s.call("qjs_new_host_function", p, uint64(len(name)), 0)
	v, ok := s.mod.Memory().ReadUint64Le(uint32(box))
	if !ok {
		panic(errOutside)
	}
	s.release(box)
	return value(v)
}

// execute runs the program in a fresh instance.
func (s *session) execute(ctx context.Context, mod api.Module) {
	s.begin(ctx, mod)
	s.attach(s.driver.realm)
	s.refresh(s.driver.realm)
	var err error
	if s.readInline {
		err = s.readProgram(ctx)
	}
	if err == nil {
		s.limitMemory(max(s.cfg.Limits.MemoryBytes-memoryOverhead, minMemory))
		err = s.configure()
	}
	if err != nil {
		panic(fault{err})
	}
	s.loop(s.startMain())
}

// loop is the event loop. main is what startMain returned. It unwinds with the
// exit code.
func (s *session) loop(main value) {
	for {
		s.drain()
		main = s.settled(main)
		if s.turn() {
			continue
		}
		if main != undefined {
			s.write(unsettledNote(s.main))
			s.exit(exitUnsettled)
		}
		if !s.truth(s.must("beforeExit")) {
			s.exit(-1)
		}
	}
}

// turn waits for one thing to happen and lets the program handle it. It returns
// false when there is nothing left to wait for.
func (s *session) turn() bool {
	r := s.must("step")
	wait := r.float()
	s.free(r)
	switch {
	case wait < 0:
		return false
	case wait > 0:
		s.wait(wait)
	}
	return true
}

// wait gives up the CPU until ms milliseconds have passed, or until input comes
// when the program listens for it.
func (s *session) wait(ms float64) {
	d := time.Duration(math.MaxInt64)
	if ms < float64(math.MaxInt64/int64(time.Millisecond)) {
		d = time.Duration(ms * float64(time.Millisecond))
	}
	if !s.watchStdin {
		s.run.Sleep(s.ctx, d)
		return
	}
	s.run.Block(s.ctx, func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, d)
		defer cancel()
		_ = s.run.Stdin().Wait(ctx)
	})
}

// drain runs what the program has put off to the end of the current turn: ticks
// and promise jobs, until there are none. Then rejected promises that nobody
// handles become uncaught errors.
func (s *session) drain() {
	for {
		ticked := s.ticking && s.truth(s.must("ticks"))
		ran, failed := s.runJobs()
		switch {
		case failed:
			s.fail(s.caught())
		case ticked || ran:
		case !s.rejections:
			return
		default:
			s.rejections = s.truth(s.must("unhandled"))
		}
	}
}

// must calls a function of the prelude for the event loop. What it throws is the
// program's own exception, which ends the program unless it handles that.
func (s *session) must(name string) value {
	r := s.apply(s.api[name])
	if r == exception {
		s.fail(s.caught())
		return jsTrue
	}
	return r
}

func (s *session) truth(v value) bool {
	s.free(v)
	return v == jsTrue
}

// settled returns main while it is pending. When it was rejected, that is an
// uncaught error.
func (s *session) settled(main value) value {
	if !s.isPromise(main) {
		return undefined
	}
	switch s.promiseState(main) {
	case promisePending:
		return main
	case promiseRejected:
		s.fail(s.callValue("JS_PromiseResult", s.context, uint64(main)))
	}
	return undefined
}

// States of a promise.
const (
	promisePending  = 0
	promiseRejected = 2
)

func (s *session) isPromise(v value) bool { return v.isObject() && s.promiseState(v) >= 0 }

func (s *session) promiseState(v value) int32 {
	return int32(s.call("JS_PromiseState", s.context, uint64(v)))
}

// fail handles an exception that nobody caught: by the program's own handler, or
// by printing it and ending with exit code 1. In a kernel it ends the event loop.
func (s *session) fail(err value) {
	if s.cell != nil {
		panic(failed{err})
	}
	text, handled := s.uncaught(err)
	if handled {
		return
	}
	s.write(s.report(text))
	switch note := s.note(text); {
	case s.memoryFull:
		s.run.Note(s.memoryNote())
	case note != "":
		s.run.Note(note)
	}
	s.exit(exitUncaught)
}

// outOfMemoryText is how an error is printed that could not even be described.
const outOfMemoryText = "Uncaught InternalError: out of memory"

// uncaught returns the text for an exception, unless the program handles it.
func (s *session) uncaught(err value) (text string, handled bool) {
	r := s.apply(s.api["fail"], err)
	if r == jsTrue {
		return "", true
	}
	text, ok := s.str(r)
	if !ok {
		s.free(s.caught())
		text = outOfMemoryText
	}
	s.memoryFull = strings.HasPrefix(text, outOfMemoryText)
	return text, false
}

// exit ends the run. The prelude lets the program's exit handlers run and
// settles the exit code; a negative code asks for the program's own.
func (s *session) exit(code int) {
	r := s.apply(s.api["exit"], number(float64(code)))
	if r != exception {
		s.run.Exit(r.integer() & 0xff)
	}
	if text, handled := s.uncaught(s.caught()); !handled {
		s.write(s.report(text))
	}
	s.run.Exit(exitUncaught)
}

func (s *session) write(text string) { s.run.Write(sandbox.Stderr, validText(text)) }

// argv is what the program sees as its command line. A main file that is none is
// not on it.
func (s *session) argv() []string {
	argv := []string{"node"}
	if !s.inline {
		argv = append(argv, s.absolute(s.main))
	}
	return append(argv, s.args...)
}
