package worker_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tetratelabs/wazero/experimental/sys"
	"golang.org/x/sys/unix"

	"sandpiper/runtimes/wasm/jail"
	"sandpiper/runtimes/wasm/program"
	"sandpiper/runtimes/wasm/worker"
	"sandpiper/runtimes/wasm/worker/link"
	"sandpiper/sandbox"
)

// Commands implements program.Engine.
func (s *scripts) Commands() []string { return []string{"script"} }

// NewGroup implements program.Engine.
func (s *scripts) NewGroup(l program.Limits) program.Group { return &scriptGroup{limits: l} }

// scriptGroup runs commands, which are the first argument.
type scriptGroup struct {
	mu     sync.Mutex
	limits program.Limits
	paused bool
	usage  program.Usage
}

func (g *scriptGroup) set(f func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f()
}

func (g *scriptGroup) Resize(l program.Limits) { g.set(func() { g.limits = l }) }
func (g *scriptGroup) Pause()                  { g.set(func() { g.paused = true }) }
func (g *scriptGroup) Resume()                 { g.set(func() { g.paused = false }) }
func (g *scriptGroup) Close()                  {}

func (g *scriptGroup) Usage(context.Context) (u program.Usage) {
	g.set(func() { u = g.usage })
	return u
}

// Exec implements program.Group.
func (g *scriptGroup) Exec(ctx context.Context, c program.Call) (sandbox.Outcome, error) {
	say := func(format string, values ...any) { c.Output(sandbox.Stdout, fmt.Appendf(nil, format, values...)) }
	o := sandbox.Outcome{Status: sandbox.StatusOK}
	switch c.Args[0] {
	case "say":
		say("%s %s %q %q %v", c.Command, c.Dir, c.Args, c.Env, c.TTY)
		c.Output(sandbox.Stderr, []byte("err"))
		o.ExitCode = 7
	case "refuse":
		return o, sandbox.Errorf(sandbox.KindUnavailable, "not now")
	case "limits":
		g.set(func() { say("%+v %v", g.limits, g.paused) })
	case "work":
		g.set(func() { g.usage.CPU, g.usage.MemoryBytes = g.usage.CPU+time.Second, 5 })
	case "wait":
		say("begun")
		<-ctx.Done()
		return sandbox.CancelledOutcome(context.Cause(ctx)), nil
	case "deaf":
		say("begun")
		<-context.Background().Done()
	case "cat":
		buf := make([]byte, 100)
		for n, err := c.Stdin.Read(ctx, buf); err == nil; n, err = c.Stdin.Read(ctx, buf) {
			say("%s", buf[:n])
		}
	case "flood":
		return flood(ctx, c), nil
	case "gush": // whatever the reader takes
		for range 2 * link.MaxUnread >> 20 {
			c.Output(sandbox.Stdout, make([]byte, 1<<20))
		}
		<-ctx.Done()
	case "copy":
		o.ExitCode = copyFile(c.Files, c.Args[1], c.Args[2])
	}
	return o, nil
}

// flood writes as many bytes as the second argument says, as a guest does.
func flood(ctx context.Context, c program.Call) sandbox.Outcome {
	n, _ := strconv.Atoi(c.Args[1])
	for piece := bytes.Repeat([]byte("x"), 1000); n > 0 && ctx.Err() == nil; n -= len(piece) {
		c.Output(sandbox.Stdout, piece)
		wait, err := c.Flow()
		if err != nil {
			return sandbox.Outcome{Status: sandbox.StatusError, ExitCode: 141}
		}
		if wait != nil {
			wait(ctx)
		}
	}
	return sandbox.Outcome{Status: sandbox.StatusOK}
}

func copyFile(files sys.FS, from, to string) int {
	r, errno := files.OpenFile(from, sys.O_RDONLY, 0)
	if errno != 0 {
		return int(errno)
	}
	defer r.Close()
	w, errno := files.OpenFile(to, sys.O_CREAT|sys.O_WRONLY, 0)
	if errno != 0 {
		return int(errno)
	}
	defer w.Close()
	buf := make([]byte, 1000)
	for {
		n, errno := r.Read(buf)
		if n == 0 || errno != 0 {
			return int(errno)
		}
		if _, errno := w.Write(buf[:n]); errno != 0 {
			return int(errno)
		}
	}
}

// desk is a sandbox whose programs run in a pool.
type desk struct {
	program.Group
	files *jail.FS
	dir   string
}

func newDesk(t testing.TB, p *worker.Pool) *desk {
	t.Helper()
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{p.NewGroup(program.Limits{CPUs: 1, MemoryBytes: 256 << 20}), jail.NewHome(root, jail.Limits{Bytes: 1 << 20, Files: 100, OpenFiles: 10}, jail.Usage{}), dir}
	t.Cleanup(func() {
		d.Close()
		_ = d.files.Close()
		_ = root.Close()
	})
	return d
}

// call is a program that says what it has to say to out.
func (d *desk) call(out *sink, args ...string) program.Call {
	return program.Call{Command: "script", Dir: "/d", Args: args, Output: out.Output, Files: d.files}
}

func TestPrograms(t *testing.T) {
	p := newPool(t, nil)
	if got := p.Commands(); len(got) != 1 || got[0] != "script" {
		t.Fatalf("commands %q", got)
	}
	d := newDesk(t, p)
	if err := os.WriteFile(d.dir+"/a", bytes.Repeat([]byte("0123456789"), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, args, said string
		code             int
		kind             sandbox.Kind // of the error; "" for none
	}{
		{name: "surroundings", args: "say a,b c", said: `script /d ["say" "a,b" "c"] ["A=1"] trueERR`, code: 7},
		{name: "an error", args: "refuse", kind: sandbox.KindUnavailable},
		{name: "input", args: "cat", said: "some input"},
		{name: "files", args: "copy a b"},
		{name: "a file that is not there", args: "copy x b", code: int(sys.ENOENT)},
		{name: "a file outside", args: "copy ../../etc/passwd b", code: int(sys.EPERM)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out := newSink()
			c := d.call(out, strings.Split(tt.args, " ")...)
			c.Env, c.TTY, c.Stdin = []string{"A=1"}, true, sandbox.StaticStdin([]byte("some input"))
			o, err := d.Exec(t.Context(), c)
			if tt.kind != "" {
				if sandbox.KindOf(err) != tt.kind {
					t.Errorf("got %v, want an error of kind %s", err, tt.kind)
				}
				return
			}
			if err != nil || o.ExitCode != tt.code || out.String() != tt.said {
				t.Errorf("got %+v, %v, %q", o, err, out)
			}
		})
	}
	if b, err := os.ReadFile(d.dir + "/b"); err != nil || len(b) != 10_000 || d.files.Used().Bytes != 10_000 {
		t.Errorf("%d bytes were copied, %v; %+v is used", len(b), err, d.files.Used())
	}
}

// TestGroup changes what a group is, before and while it has a worker, and after the
// worker has been replaced.
func TestGroup(t *testing.T) {
	p := newPool(t, nil)
	d := newDesk(t, p)
	want := func(text string) {
		t.Helper()
		out := newSink()
		if _, err := d.Exec(t.Context(), d.call(out, "limits")); err != nil || out.String() != text {
			t.Errorf("got %q, %v, want %q", out, err, text)
		}
	}
	if u := d.Usage(t.Context()); u != (program.Usage{}) {
		t.Errorf("unused, but %+v", u)
	}
	d.Pause()
	want("{CPUs:1 MemoryBytes:268435456} true")
	d.Resume()
	d.Resize(program.Limits{CPUs: 2, MemoryBytes: 7})
	want("{CPUs:2 MemoryBytes:7} false")
	for range 2 {
		if _, err := d.Exec(t.Context(), d.call(newSink(), "work")); err != nil {
			t.Fatal(err)
		}
	}
	if u := d.Usage(t.Context()); u.CPU != 2*time.Second || u.MemoryBytes != 5 {
		t.Errorf("usage %+v", u)
	}
	d.Pause()
	replace(t, p)
	want("{CPUs:2 MemoryBytes:7} true")
	if _, err := d.Exec(t.Context(), d.call(newSink(), "work")); err != nil {
		t.Fatal(err)
	}
	if u := d.Usage(t.Context()); u.CPU != 3*time.Second {
		t.Errorf("usage %+v with two workers", u)
	}
	d.Close()
	if _, err := d.Exec(t.Context(), d.call(newSink(), "limits")); err == nil {
		t.Error("a closed group runs programs")
	}
}

// replace kills the only worker and waits until there is another one.
func replace(t *testing.T, p *worker.Pool) {
	t.Helper()
	first := theWorker(t, p, 0)
	_ = unix.Kill(first, unix.SIGKILL)
	theWorker(t, p, first)
}

// theWorker waits until there is a worker that is not the one that was there before,
// and returns its process.
func theWorker(t *testing.T, p *worker.Pool, before int) int {
	t.Helper()
	for end := time.Now().Add(soon); time.Now().Before(end); runtime.Gosched() {
		if pids := p.PIDs(); len(pids) > 0 && pids[0] != before {
			return pids[0]
		}
	}
	t.Fatal("there is no worker")
	return 0
}

// TestProgramEnds ends a program in several ways.
func TestProgramEnds(t *testing.T) {
	for _, tt := range []struct {
		name   string
		end    func(p *worker.Pool, cancel context.CancelCauseFunc)
		status sandbox.Status
		code   int
	}{
		{"killed", func(_ *worker.Pool, cancel context.CancelCauseFunc) { cancel(sandbox.ErrKilled) }, sandbox.StatusCancelled, 137},
		{"interrupted", func(_ *worker.Pool, cancel context.CancelCauseFunc) { cancel(sandbox.ErrInterrupted) }, sandbox.StatusCancelled, 130},
		{"the worker is killed", func(p *worker.Pool, _ context.CancelCauseFunc) { _ = unix.Kill(p.PIDs()[0], unix.SIGKILL) }, sandbox.StatusInternal, 137},
		{"the pool closes", func(p *worker.Pool, _ context.CancelCauseFunc) { go p.Close() }, sandbox.StatusCancelled, 143},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPool(t, nil)
			d := newDesk(t, p)
			ctx, cancel := context.WithCancelCause(t.Context())
			out := newSink()
			go func() {
				<-out.said
				tt.end(p, cancel)
			}()
			o, err := d.Exec(ctx, d.call(out, "wait"))
			if err != nil || o.Status != tt.status || o.ExitCode != tt.code {
				t.Errorf("got %+v, %v", o, err)
			}
			if o.Status == sandbox.StatusInternal && !strings.Contains(o.Message, "killed by SIGKILL") {
				t.Errorf("message %q", o.Message)
			}
			if tt.name == "the pool closes" {
				return
			}
			next := newSink()
			if o, err := d.Exec(t.Context(), d.call(next, "limits")); err != nil || o.ExitCode != 0 || next.String() == "" {
				t.Errorf("afterwards: %+v, %v, %q", o, err, next)
			}
		})
	}
}

// TestStubborn kills a worker whose program does not end when it is told to.
func TestStubborn(t *testing.T) {
	p := newPool(t, func(c *worker.Config) { c.SetStubborn(100 * time.Millisecond) })
	d := newDesk(t, p)
	ctx, cancel := context.WithCancelCause(t.Context())
	out := newSink()
	go func() {
		<-out.said
		cancel(sandbox.ErrKilled)
	}()
	if o, err := d.Exec(ctx, d.call(out, "deaf")); err != nil || o.ExitCode != 137 || !strings.Contains(o.Message, "did not end") {
		t.Errorf("got %+v, %v", o, err)
	}
}

// reader takes output when it is told to.
type reader struct {
	mu      sync.Mutex
	held    bool
	gone    bool
	bytes   int
	changed chan struct{}
}

func (r *reader) output(_ sandbox.Stream, p []byte) { r.set(func() { r.bytes += len(p) }) }

func (r *reader) set(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
	close(r.changed)
	r.changed = make(chan struct{})
}

func (r *reader) flow() (func(context.Context), error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.gone:
		return nil, io.ErrClosedPipe
	case !r.held:
		return nil, nil
	}
	return func(ctx context.Context) { _ = r.until(ctx, func() bool { return !r.held || r.gone }) }, nil
}

// until waits until something is so.
func (r *reader) until(ctx context.Context, so func() bool) error {
	for {
		r.mu.Lock()
		done, changed := so(), r.changed
		r.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// TestSlowReader has a program write much to a reader that does not read for a time:
// it waits, and little is on its way. A reader that goes ends it.
func TestSlowReader(t *testing.T) {
	const much = 20_000_000
	for _, leaves := range []bool{false, true} {
		t.Run(fmt.Sprint("leaves ", leaves), func(t *testing.T) {
			d := newDesk(t, newPool(t, nil))
			r := &reader{held: true, changed: make(chan struct{})}
			c := d.call(nil, "flood", strconv.Itoa(much))
			c.Output, c.Flow = r.output, r.flow
			ended := make(chan sandbox.Outcome, 1)
			go func() {
				o, err := d.Exec(t.Context(), c)
				if err != nil {
					t.Error(err)
				}
				ended <- o
			}()
			ctx, cancel := context.WithTimeout(t.Context(), soon)
			defer cancel()
			if err := r.until(ctx, func() bool { return r.bytes >= link.Window }); err != nil {
				t.Fatalf("%d bytes have come", r.bytes)
			}
			select {
			case o := <-ended:
				t.Fatalf("it did not wait: %+v", o)
			case <-time.After(100 * time.Millisecond): // more would have come
			}
			r.set(func() {
				if r.bytes > link.Window+100_000 {
					t.Errorf("%d bytes came to a reader that does not read", r.bytes)
				}
				r.held, r.gone = false, leaves
			})
			o := <-ended
			switch {
			case leaves && o.ExitCode != 141:
				t.Errorf("the reader left: %+v", o)
			case !leaves && (o.ExitCode != 0 || r.bytes != much):
				t.Errorf("%+v, %d bytes of %d", o, r.bytes, much)
			}
		})
	}
}

// TestGush has a program go on writing that should wait for its reader: its worker is
// ended before what it has written fills the server.
func TestGush(t *testing.T) {
	d := newDesk(t, newPool(t, nil))
	r := &reader{held: true, changed: make(chan struct{})}
	c := d.call(nil, "gush")
	c.Output, c.Flow = r.output, r.flow
	o, err := d.Exec(t.Context(), c)
	if err != nil || o.ExitCode != 137 || !strings.Contains(o.Message, "sent what makes no sense") {
		t.Errorf("got %+v, %v", o, err)
	}
	if r.bytes > link.MaxUnread {
		t.Errorf("%d bytes came to a reader that does not read", r.bytes)
	}
}

// TestDeafWorker ends a worker that answers and does not listen, so that those end who
// have to tell it something.
func TestDeafWorker(t *testing.T) {
	p := newPool(t, func(c *worker.Config) {
		c.Args, c.Heartbeat = []string{mutteringWorker}, 500*time.Millisecond
	})
	d := newDesk(t, p)
	c := d.call(newSink(), "say", strings.Repeat("x", 2<<20))
	if o, err := d.Exec(t.Context(), c); err != nil || o.ExitCode != 137 || !strings.Contains(o.Message, "did not listen") {
		t.Errorf("got %+v, %v", o, err)
	}
}

// brittle is a file system with a fault.
type brittle struct{ sys.UnimplementedFS }

func (brittle) OpenFile(string, sys.Oflag, fs.FileMode) (sys.File, sys.Errno) { panic("a fault") }

// TestFault has a program run into a fault of the server's: the program is told that
// its files fail, and nothing else happens.
func TestFault(t *testing.T) {
	d := newDesk(t, newPool(t, nil))
	c := d.call(newSink(), "copy", "a", "b")
	c.Files = brittle{}
	if o, err := d.Exec(t.Context(), c); err != nil || o.ExitCode != int(sys.EIO) {
		t.Errorf("got %+v, %v", o, err)
	}
	out := newSink()
	if o, err := d.Exec(t.Context(), d.call(out, "limits")); err != nil || o.ExitCode != 0 || out.String() == "" {
		t.Errorf("afterwards: %+v, %v", o, err)
	}
}

// TestManyPrograms runs programs of several groups at once, each with files of its own.
func TestManyPrograms(t *testing.T) {
	p := newPool(t, func(c *worker.Config) { c.Workers = 2 })
	var all sync.WaitGroup
	for range 4 {
		d := newDesk(t, p)
		if err := os.WriteFile(d.dir+"/a", []byte(d.dir), 0o600); err != nil {
			t.Fatal(err)
		}
		for i := range 4 {
			all.Go(func() {
				for j := range 20 {
					to := fmt.Sprintf("%d-%d", i, j)
					if o, err := d.Exec(t.Context(), d.call(newSink(), "copy", "a", to)); err != nil || o.ExitCode != 0 {
						t.Errorf("%+v, %v", o, err)
					}
					if b, err := os.ReadFile(d.dir + "/" + to); string(b) != d.dir {
						t.Errorf("%q, %v", b, err)
					}
				}
			})
		}
	}
	all.Wait()
}
