package sandboxtest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sandpiper/sandbox"
)

// EngineSubject is what a suite needs to know of an engine besides its methods.
type EngineSubject struct {
	Ref     string // what sandboxes start from; it has a POSIX shell
	Runtime string // of all sandboxes; "" for the engine's best

	// Lose, when there is one, takes a sandbox away behind the engine's back.
	Lose func(t *testing.T, id string)

	// Reopen, when there is one, lets the process behind e end without a word
	// and returns the engine that the next process would have.
	Reopen func(t *testing.T, e sandbox.Engine) sandbox.Engine
}

// engineTimeout bounds each call of an engine on a busy machine.
const engineTimeout = 2 * time.Minute

// engineTrial is an engine under test.
type engineTrial struct {
	sandbox.Engine
	subject EngineSubject
}

// TestEngine checks that an engine keeps the contract of sandbox.Engine and of
// the powers that it announces. It calls newEngine once; sandboxes that others
// made with the same engine do not disturb it.
func TestEngine(t *testing.T, newEngine func(t *testing.T) sandbox.Engine, s EngineSubject) {
	e := &engineTrial{newEngine(t), s}
	for _, tt := range []struct {
		name string
		run  func(t *testing.T)
	}{
		{"fingerprint", e.fingerprint},
		{"a sandbox runs commands", e.runsCommands},
		{"the toolbox asks for its token", e.asksForToken},
		{"a sandbox is created again", e.createdAgain},
		{"files outlive a stop", e.filesPersist},
		{"sandboxes share no files", e.filesApart},
		{"a sandbox is destroyed", e.destroyed},
		{"nobody knows it", e.unknown},
		{"a ref that is not there", e.unknownRef},
		{"a port without a server", e.deadPort},
		{"it is lost", e.lost},
		{"many at once", e.many},
		{"a creation is cut off", e.cutOff},
		{"pause", e.pauses},
		{"resize", e.resizes},
		{"archive", e.archives},
		{"fork", e.forks},
		{"snapshot", e.snapshots},
		{"network", e.networks},
		{"a new process finds its sandboxes", e.reopened}, // the last: it replaces the engine
	} {
		if !t.Run(tt.name, tt.run) && tt.name == "fingerprint" {
			return // an engine that cannot be used fails everything else as well
		}
	}
}

// spec returns a new sandbox's.
func (e *engineTrial) spec() sandbox.Spec {
	id := NewUUID()
	return sandbox.Spec{
		ID: id, Name: "name-" + id[:8], Ref: e.subject.Ref, Runtime: e.subject.Runtime, Token: "token-" + id,
		Env:       map[string]string{"GREETING": "hello world"},
		Resources: sandbox.Resources{CPU: 1, MemoryGiB: 1, DiskGiB: 1},
	}
}

// create makes a sandbox that is destroyed at the end of the test.
func (e *engineTrial) create(t *testing.T) sandbox.Spec {
	t.Helper()
	s := e.spec()
	e.clear(t, s.ID)
	must(t, e.Create(callContext(t), s))
	return s
}

// clear destroys a sandbox at the end of the test.
func (e *engineTrial) clear(t *testing.T, id string) {
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), engineTimeout)
		defer cancel()
		if err := e.Destroy(ctx, id); err != nil {
			t.Errorf("destroy %s: %v", id, err)
		}
	})
}

// callContext bounds one call.
func callContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), engineTimeout)
	t.Cleanup(cancel)
	return ctx
}

func (e *engineTrial) wantState(t *testing.T, id string, want sandbox.State) {
	t.Helper()
	found, err := e.Status(callContext(t), id)
	must(t, err)
	if found.ID != id || found.State != want {
		t.Errorf("the sandbox is %+v, want state %s", found, want)
	}
	if found.Isolation == "" || found.CreatedAt.IsZero() {
		t.Errorf("the sandbox lacks its isolation or time of creation: %+v", found)
	}
}

// listed reports whether List has a sandbox, in the state that Status has it in.
func (e *engineTrial) listed(t *testing.T, id string) bool {
	t.Helper()
	all, err := e.List(callContext(t))
	must(t, err)
	i := slices.IndexFunc(all, func(f sandbox.Found) bool { return f.ID == id })
	if i < 0 {
		return false
	}
	e.wantState(t, id, all[i].State)
	return true
}

// gone checks that nothing is left of a sandbox.
func (e *engineTrial) gone(t *testing.T, id string) {
	t.Helper()
	_, err := e.Status(callContext(t), id)
	wantKind(t, err, sandbox.KindNotFound)
	if e.listed(t, id) {
		t.Error("a sandbox that is gone is listed")
	}
	if conn, err := e.Dial(callContext(t), id, sandbox.ToolboxPort); err == nil {
		conn.Close()
		t.Error("a sandbox that is gone is dialled")
	}
}

func (e *engineTrial) fingerprint(t *testing.T) {
	f, err := e.Fingerprint(callContext(t))
	must(t, err)
	if e.Name() == "" || e.Name() == sandbox.EngineAuto {
		t.Errorf("the engine is called %q", e.Name())
	}
	if f.Version == "" || f.Isolation == "" || f.DiskQuota == "" || len(f.Runtimes) == 0 {
		t.Errorf("something is not said: %+v", f)
	}
	for what, r := range map[string]sandbox.Resources{"capacity": f.Capacity, "each": f.MaxEach} {
		if r.CPU < 1 || r.MemoryGiB < 1 || r.DiskGiB < 1 {
			t.Errorf("%s: %+v", what, r)
		}
	}
	for power, ok := range e.announced(f.Can) {
		if !ok {
			t.Errorf("the engine announces %s and does not implement it", power)
		}
	}
}

// announced returns for each power that is announced whether it is implemented.
func (e *engineTrial) announced(can sandbox.Powers) map[string]bool {
	_, pauser := e.Engine.(sandbox.Pauser)
	_, resizer := e.Engine.(sandbox.Resizer)
	_, archiver := e.Engine.(sandbox.Archiver)
	_, forker := e.Engine.(sandbox.Forker)
	_, snapshotter := e.Engine.(sandbox.Snapshotter)
	_, networker := e.Engine.(sandbox.Networker)
	_, linker := e.Engine.(sandbox.Linker)
	return map[string]bool{
		"pause": !can.Pause || pauser, "resize": !can.Resize || resizer, "archive": !can.Archive || archiver,
		"fork": !can.Fork || forker, "snapshot": !can.Snapshot || snapshotter, "network": !can.Network || networker, "link": !can.Link || linker,
	}
}

func (e *engineTrial) runsCommands(t *testing.T) {
	s := e.create(t)
	e.wantState(t, s.ID, sandbox.StateStarted)
	for _, tt := range []struct {
		command, result string
		exit            int
	}{
		{"echo hello", "hello\n", 0},
		{`echo "$GREETING"`, "hello world\n", 0},
		{"echo partial; exit 3", "partial\n", 3},
		{"echo a b c | cat", "a b c\n", 0},
	} {
		result, exit := e.execute(t, s, tt.command)
		if result != tt.result || exit != tt.exit {
			t.Errorf("%s: got %q, %d; want %q, %d", tt.command, result, exit, tt.result, tt.exit)
		}
	}
}

// execute runs a command in a started sandbox.
func (e *engineTrial) execute(t *testing.T, s sandbox.Spec, command string) (result string, exit int) {
	t.Helper()
	result, exit, err := Execute(callContext(t), e.Engine, s, command)
	if err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	return result, exit
}

func (e *engineTrial) asksForToken(t *testing.T) {
	s := e.create(t)
	for _, token := range []string{"", "wrong", s.Token + "x"} {
		forged := s
		forged.Token = token
		if _, _, err := Execute(callContext(t), e.Engine, forged, "echo hello"); err == nil || !strings.Contains(err.Error(), "40") {
			t.Errorf("token %q: %v", token, err)
		}
	}
}

func (e *engineTrial) createdAgain(t *testing.T) {
	s := e.create(t)
	e.execute(t, s, "echo mine >kept.txt")
	must(t, e.Create(callContext(t), s))
	e.holds(t, s, "kept.txt", "mine\n")
	must(t, e.Start(callContext(t), s))
	e.holds(t, s, "kept.txt", "mine\n")
}

// holds checks a file of a started sandbox.
func (e *engineTrial) holds(t *testing.T, s sandbox.Spec, name, want string) {
	t.Helper()
	if got, exit := e.execute(t, s, "cat "+name); got != want || exit != 0 {
		t.Errorf("%s: got %q, %d; want %q", name, got, exit, want)
	}
}

func (e *engineTrial) filesPersist(t *testing.T) {
	s := e.create(t)
	for i, grace := range []time.Duration{0, time.Second} {
		e.execute(t, s, fmt.Sprintf("echo %d >kept.txt", i))
		must(t, e.Stop(callContext(t), s.ID, grace))
		e.wantState(t, s.ID, sandbox.StateStopped)
		must(t, e.Stop(callContext(t), s.ID, 0)) // as after a call that was cut off
		if conn, err := e.Dial(callContext(t), s.ID, sandbox.ToolboxPort); err == nil {
			conn.Close()
			t.Error("a stopped sandbox is dialled")
		}
		if !e.listed(t, s.ID) {
			t.Error("a stopped sandbox is not listed")
		}
		s.Token = fmt.Sprintf("token-%d", i) // a start may bring a new one
		must(t, e.Start(callContext(t), s))
		e.wantState(t, s.ID, sandbox.StateStarted)
		e.holds(t, s, "kept.txt", fmt.Sprintf("%d\n", i))
	}
}

func (e *engineTrial) filesApart(t *testing.T) {
	one, two := e.create(t), e.create(t)
	e.execute(t, one, "echo one >whose.txt")
	e.execute(t, two, "echo two >whose.txt")
	e.holds(t, one, "whose.txt", "one\n")
	e.holds(t, two, "whose.txt", "two\n")
}

func (e *engineTrial) destroyed(t *testing.T) {
	s := e.create(t)
	if !e.listed(t, s.ID) {
		t.Error("a started sandbox is not listed")
	}
	must(t, e.Destroy(callContext(t), s.ID))
	e.gone(t, s.ID)
	must(t, e.Destroy(callContext(t), s.ID))

	s = e.create(t)
	must(t, e.Stop(callContext(t), s.ID, 0))
	must(t, e.Destroy(callContext(t), s.ID))
	e.gone(t, s.ID)
}

func (e *engineTrial) unknown(t *testing.T) {
	s := e.spec()
	e.gone(t, s.ID)
	must(t, e.Destroy(callContext(t), s.ID))
	wantKind(t, e.Start(callContext(t), s), sandbox.KindNotFound)
	wantKind(t, e.Stop(callContext(t), s.ID, 0), sandbox.KindNotFound)
	_, err := e.Dial(callContext(t), s.ID, sandbox.ToolboxPort)
	wantKind(t, err, sandbox.KindNotFound)
}

func (e *engineTrial) unknownRef(t *testing.T) {
	_, err := e.HasRef(callContext(t), e.subject.Ref)
	must(t, err)
	s := e.spec()
	s.Ref = "sandpiper/is-not-there:1"
	e.clear(t, s.ID)
	_, err = e.HasRef(callContext(t), s.Ref)
	wantKind(t, err, sandbox.KindNotFound)
	if err := e.Create(callContext(t), s); err == nil {
		t.Error("a sandbox started from nothing")
	}
	e.gone(t, s.ID)
}

func (e *engineTrial) deadPort(t *testing.T) {
	s := e.create(t)
	for _, port := range []int{1, 3999, 65535} {
		conn, err := e.Dial(callContext(t), s.ID, port)
		if err == nil {
			conn.Close()
		}
		wantKind(t, err, sandbox.KindNotFound)
	}
}

func (e *engineTrial) lost(t *testing.T) {
	if e.subject.Lose == nil {
		t.Skip("the engine has no way to lose a sandbox")
	}
	s := e.create(t)
	e.subject.Lose(t, s.ID)
	e.gone(t, s.ID)
	wantKind(t, e.Start(callContext(t), s), sandbox.KindNotFound)
	must(t, e.Destroy(callContext(t), s.ID))
}

// many creates, uses and destroys sandboxes at the same time.
func (e *engineTrial) many(t *testing.T) {
	var all sync.WaitGroup
	for range 6 {
		s := e.spec()
		e.clear(t, s.ID)
		all.Go(func() {
			if err := e.Create(callContext(t), s); err != nil {
				t.Errorf("create: %v", err)
				return
			}
			if got, _, err := Execute(callContext(t), e.Engine, s, "echo hello"); got != "hello\n" || err != nil {
				t.Errorf("got %q, %v", got, err)
			}
			if err := e.Destroy(callContext(t), s.ID); err != nil {
				t.Errorf("destroy: %v", err)
			}
		})
	}
	all.Wait()
}

// cutOff cancels creations at different moments. Each either came to its end or
// left nothing that Destroy does not remove.
func (e *engineTrial) cutOff(t *testing.T) {
	for _, after := range []time.Duration{0, time.Millisecond, 20 * time.Millisecond, 100 * time.Millisecond} {
		s := e.spec()
		e.clear(t, s.ID)
		ctx, cancel := context.WithTimeout(callContext(t), after)
		err := e.Create(ctx, s)
		cancel()
		if err == nil {
			e.wantState(t, s.ID, sandbox.StateStarted)
			continue
		}
		e.gone(t, s.ID)
		must(t, e.Create(callContext(t), s))
		e.execute(t, s, "echo hello")
	}
}

func (e *engineTrial) reopened(t *testing.T) {
	if e.subject.Reopen == nil {
		t.Skip("the engine is not opened again")
	}
	started, stopped, removed := e.create(t), e.create(t), e.create(t)
	e.execute(t, started, "echo mine >kept.txt")
	must(t, e.Stop(callContext(t), stopped.ID, 0))
	must(t, e.Destroy(callContext(t), removed.ID))
	e.Engine = e.subject.Reopen(t, e.Engine)
	for _, s := range []sandbox.Spec{started, stopped} {
		if !e.listed(t, s.ID) {
			t.Errorf("%s is not listed", s.ID)
		}
		must(t, e.Start(callContext(t), s))
		e.execute(t, s, "echo hello")
		e.clear(t, s.ID)
	}
	e.holds(t, started, "kept.txt", "mine\n")
	e.gone(t, removed.ID)
}
