package sandboxtest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"sandpiper/sandbox"
)

// Runner is an engine whose programs are scripts: one command a line, run in
// order. Empty lines and lines that begin with # do nothing.
//
//	print TEXT          writes TEXT and a newline to stdout; eprint to stderr
//	write TEXT          writes TEXT, a Go string literal, to stdout; ewrite to stderr
//	args                prints the arguments on one line; arg N prints the Nth
//	env [NAME]          prints the value of a variable, or all as NAME=VALUE
//	cat NAME            prints a file of the program
//	readline            reads one line of stdin and prints it
//	echo                copies stdin to stdout until it ends
//	sleep DURATION      sleeps
//	loop                runs until it is stopped
//	flood               prints until it is stopped
//	display MIME TEXT   displays TEXT; diag LINE TEXT reports a diagnostic
//	file NAME TEXT      leaves a file behind
//	exit CODE           ends the program
//	memory              ends it with the memory limit
//	panic TEXT          panics in the engine
//	fail TEXT           makes Run return an internal error
//	reject TEXT         makes Run return an error of KindUnprocessed
//
// An unknown command ends the program with an error and a diagnostic. Wall time
// and output are limited as in a real engine.
type Runner struct {
	engine sandbox.EngineChoice

	mu        sync.Mutex
	languages []sandbox.Language
	started   []sandbox.Program
	running   int
	peak      int
}

var _ sandbox.CodeRunner = (*Runner)(nil)

// NewRunner returns a wasm engine with the languages, ready unless they say
// otherwise; without any it has the ones of Languages.
func NewRunner(languages ...sandbox.Language) *Runner {
	if len(languages) == 0 {
		languages = Languages()
	}
	languages = slices.Clone(languages)
	for i := range languages {
		languages[i].State = cmp.Or(languages[i].State, sandbox.LanguageReady)
	}
	return &Runner{engine: sandbox.EngineWasm, languages: languages}
}

// Languages returns two ready languages whose programs are a Runner's scripts:
// "script", which calls itself version 1.2.3, and "python".
func Languages() []sandbox.Language {
	return []sandbox.Language{
		{
			ID: "script", Name: "Script", Version: "1.2.3", Aliases: []string{"scr"}, Extension: ".txt", Main: "main.txt",
			Editor: "text", Summary: "Commands of the tests.", Hello: "print hello\n", State: sandbox.LanguageReady,
			Examples: []sandbox.Example{{ID: "greet", Title: "Greet",
				Files: []sandbox.File{{Name: "main.txt", Content: []byte("readline\nargs\n")}}, Stdin: "Ada\n", Args: []string{"one", "two"}}},
		},
		{
			ID: "python", Name: "Python", Version: "3.12.0", Aliases: []string{"py", "python3"}, Extension: ".py", Main: "main.py",
			Editor: "python", Summary: "Looks like Python, runs scripts of the tests.", Hello: "print hello\n", State: sandbox.LanguageReady,
		},
	}
}

// Program returns a program of the language "script" whose lines are the commands.
func Program(commands ...string) sandbox.Program {
	return sandbox.Program{
		Language: "script",
		Files:    []sandbox.File{{Name: "main.txt", Content: []byte(strings.Join(commands, "\n") + "\n")}},
	}
}

// SetEngine changes the engine's name on the wire, which is "wasm" at first.
func (r *Runner) SetEngine(e sandbox.EngineChoice) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.engine = e
}

// SetState changes the state of a language. It panics when there is none with
// that ID.
func (r *Runner) SetState(id string, state sandbox.LanguageState, stage string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.languages {
		if l := &r.languages[i]; l.ID == id {
			l.State, l.Stage = state, stage
			return
		}
	}
	panic(fmt.Sprintf("sandboxtest: no language %q", id))
}

// Engine implements sandbox.CodeRunner.
func (r *Runner) Engine() sandbox.EngineChoice {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.engine
}

// Languages implements sandbox.CodeRunner.
func (r *Runner) Languages() []sandbox.Language {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.languages)
}

// Started returns the programs that were started, in order.
func (r *Runner) Started() []sandbox.Program {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.started)
}

// Running returns how many programs run now and how many ran at once at most.
func (r *Runner) Running() (now, peak int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.running, r.peak
}

// Run implements sandbox.CodeRunner.
func (r *Runner) Run(ctx context.Context, p sandbox.Program, out sandbox.Sink) (sandbox.Outcome, error) {
	if err := r.begin(p); err != nil {
		return sandbox.Outcome{}, err
	}
	defer r.end()
	limits := p.Limits.WithDefaults(DefaultLimits, MaxLimits)
	wall, cancel := context.WithTimeoutCause(ctx, limits.Wall, errWallTime)
	defer cancel()

	began := time.Now()
	s := &script{program: p, out: out, room: limits.OutputBytes}
	err := s.run(wall)
	s.outcome.Usage = sandbox.Usage{Wall: time.Since(began), CPU: time.Millisecond, MemoryBytes: 1 << 20}
	return s.outcome, err
}

// begin admits a program to a language that is ready.
func (r *Runner) begin(p sandbox.Program) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.IndexFunc(r.languages, func(l sandbox.Language) bool { return l.Is(p.Language) })
	if i < 0 {
		return sandbox.FieldErrorf("language", "language %q is not known", p.Language)
	}
	if l := r.languages[i]; l.State != sandbox.LanguageReady {
		return sandbox.Errorf(sandbox.KindUnavailable, "%s is not ready: %s", l.Name, l.Stage)
	}
	r.started = append(r.started, p)
	r.running++
	r.peak = max(r.peak, r.running)
	return nil
}

func (r *Runner) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running--
}
