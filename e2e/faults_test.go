package e2e

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"sandpiper/e2e/rawclient"
	"sandpiper/e2e/testserver"
)

// Kills of the server in the tests below, and the seed of what happens in them.
const (
	kills          = 100
	containerKills = 10
	killSeed       = 20
)

// chaos is a server that is killed again and again, and what its client knows
// of the sandboxes that it was told of.
type chaos struct {
	t    *testing.T
	rand *rand.Rand
	data string
	srv  *testserver.Server
	c    *rawclient.Client
	log  serverLog // of srv

	snapshot string
	within   time.Duration // of what it began the server is killed: about as long as a creation takes, and more
	start    func() *testserver.Server
	held     func() ([]string, error) // the ids of sandboxes that the engine holds

	known   map[string]bool // sandboxes that the server has confirmed
	deleted map[string]bool // sandboxes whose deletion it has confirmed
	files   map[string]string
	written map[string]bool // sandboxes to which a file goes in this round
}

// TestKills ends the server with kill -9 in the middle of creating, running,
// uploading, typing, stopping and deleting, and holds after each restart that
// nothing leaked, that nothing is falsely started, that what was confirmed is
// still so and that every loss has a reason.
func TestKills(t *testing.T) {
	t.Parallel()
	data := dataDir(t)
	x := newChaos(t, data, "wasm", 60*time.Millisecond)
	x.start = func() *testserver.Server { return x.serve("--docker=off") }
	x.held = func() ([]string, error) {
		folders, err := os.ReadDir(filepath.Join(data, "sandboxes"))
		var ids []string
		for _, f := range folders {
			ids = append(ids, f.Name())
		}
		return ids, err
	}
	x.run(kills)
}

// TestKillsWithContainers is TestKills with containers, fewer times.
func TestKillsWithContainers(t *testing.T) {
	t.Parallel()
	if len(snapshots(t)) < 2 {
		t.Skip("no Docker engine answers: run make docker")
	}
	data := dataDir(t)
	t.Cleanup(func() { purge(t, data) })
	x := newChaos(t, data, "sandpiper-small", 400*time.Millisecond)
	x.start = func() *testserver.Server { return x.serve() }
	x.held = func() ([]string, error) {
		out, err := exec.Command("docker", "ps", "--all", "--format", `{{.Label "sandpiper.sandbox"}}`).Output()
		return strings.Fields(string(out)), err
	}
	x.run(containerKills)
	if err := x.srv.Stop(); err != nil { // it takes away the containers that wait for programs
		t.Error(err)
	}
}

func newChaos(t *testing.T, data, snapshot string, within time.Duration) *chaos {
	return &chaos{
		t: t, rand: rand.New(rand.NewPCG(killSeed, 0)), data: data, snapshot: snapshot, within: within,
		known: map[string]bool{}, deleted: map[string]bool{}, files: map[string]string{},
	}
}

// run kills the server so many times.
func (x *chaos) run(rounds int) {
	for round := range rounds {
		x.restart()
		x.check(round)
		x.disturb()
	}
	x.restart()
	x.check(rounds)
	x.empty()
}

// serverLog is what one of many servers logs: the test's own output would be that
// of them all, in which nobody finds the failure.
type serverLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *serverLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// take returns what was logged and forgets it.
func (l *serverLog) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.text.Reset()
	return l.text.String()
}

// serve starts the next server.
func (x *chaos) serve(args ...string) *testserver.Server {
	x.t.Helper()
	x.log.take()
	srv, err := testserver.Start(x.t.Context(), testserver.Config{Binary: binary, Data: x.data, Args: args, Log: &x.log})
	if err != nil {
		x.t.Fatalf("%v\nits log:\n%s", err, x.log.take())
	}
	x.t.Cleanup(srv.Kill)
	return srv
}

// errorf reports a failure with what the server logged before it.
func (x *chaos) errorf(round int, format string, args ...any) {
	x.t.Helper()
	x.t.Errorf("round %d: %s\nthe server's log:\n%s", round, fmt.Sprintf(format, args...), x.log.take())
}

func (x *chaos) restart() {
	x.srv = x.start()
	x.c = rawclient.New(x.srv.URL, testserver.Key)
}

// disturb begins a few operations and kills the server while they go on.
func (x *chaos) disturb() {
	ctx, cancel := context.WithCancel(x.t.Context())
	defer cancel()
	x.written = map[string]bool{}
	const concurrent = 3
	results := make(chan func(), concurrent) // what a finished operation has proved
	for range concurrent {
		op := x.operation()
		go func() { results <- op(ctx) }()
	}
	time.Sleep(time.Duration(x.rand.Int64N(int64(x.within))))
	x.srv.Kill()
	cancel()
	for range concurrent {
		(<-results)()
	}
	x.c.HTTP.CloseIdleConnections()
}

// operation picks something to do. The operation returns what is to be noted of
// its success.
func (x *chaos) operation() func(ctx context.Context) (note func()) {
	id := x.some()
	if id == "" {
		return x.create
	}
	switch x.rand.IntN(8) {
	case 0, 1:
		return x.create
	case 2:
		return func(ctx context.Context) func() { return x.delete(ctx, id) }
	case 3:
		return func(ctx context.Context) func() {
			_, _ = x.c.Exec(ctx, id, "for i in 1 2 3 4 5 6 7 8 9; do echo $i; sleep 0.01; done")
			return nothing
		}
	case 4:
		name := fmt.Sprint("t", x.rand.Int())
		return func(ctx context.Context) func() { return x.terminal(ctx, id, name) }
	case 5:
		return func(ctx context.Context) func() { return x.call(ctx, http.MethodPost, "/api/sandbox/"+id+"/stop") }
	case 6:
		return func(ctx context.Context) func() { return x.call(ctx, http.MethodPost, "/api/sandbox/"+id+"/start") }
	}
	content := fmt.Sprint("content ", x.rand.Int())
	if x.written[id] {
		return x.create // which of two files that are sent at once stays is nobody's to say
	}
	x.written[id] = true
	return func(ctx context.Context) func() { return x.upload(ctx, id, content) }
}

func nothing() {}

// some picks one of the known sandboxes, or "".
func (x *chaos) some() string {
	var ids []string
	for id := range x.known {
		ids = append(ids, id)
	}
	if len(ids) == 0 || len(ids) < 3 && x.rand.IntN(2) == 0 {
		return ""
	}
	return ids[x.rand.IntN(len(ids))]
}

func (x *chaos) create(ctx context.Context) func() {
	s, err := x.c.Create(ctx, x.snapshot)
	if err != nil {
		return nothing
	}
	return func() { x.known[s.ID] = true }
}

func (x *chaos) delete(ctx context.Context, id string) func() {
	err := x.c.Delete(ctx, id)
	return func() {
		delete(x.known, id) // deleted or not: it may be either, unless it was confirmed
		delete(x.files, id)
		x.deleted[id] = x.deleted[id] || err == nil
	}
}

func (x *chaos) upload(ctx context.Context, id, content string) func() {
	err := x.c.Upload(ctx, id, "kept.txt", strings.NewReader(content), int64(len(content)))
	return func() {
		if err == nil {
			x.files[id] = content
		} else {
			delete(x.files, id) // the old or the new one
		}
	}
}

func (x *chaos) terminal(ctx context.Context, id, name string) func() {
	if conn, err := x.c.PTY(ctx, id, name); err == nil {
		_ = conn.Write(ctx, websocket.MessageBinary, []byte("echo hello\n"))
		_, _, _ = conn.Read(ctx)
		conn.CloseNow()
	}
	return nothing
}

func (x *chaos) call(ctx context.Context, method, path string) func() {
	_ = x.c.Call(ctx, method, path, nil, nil)
	return nothing
}

// check holds what must be true after a restart.
func (x *chaos) check(round int) {
	x.t.Helper()
	ctx, cancel := context.WithTimeout(x.t.Context(), patience)
	defer cancel()
	all, err := x.settled(ctx)
	if err != nil {
		x.errorf(round, "%v", err)
		x.t.FailNow()
	}
	found := map[string]bool{}
	var answers sync.WaitGroup
	for _, s := range all {
		found[s.ID] = true
		x.known[s.ID] = true // made, though the answer did not arrive
		if x.deleted[s.ID] {
			x.errorf(round, "sandbox %s is back, its deletion was confirmed", s.ID)
		}
		switch s.State {
		case "started":
			answers.Go(func() { x.answers(ctx, round, s.ID) })
		case "stopped":
		case "error":
			if s.ErrorReason == "" {
				x.errorf(round, "sandbox %s is in state error without a reason", s.ID)
			}
		default:
			x.errorf(round, "sandbox %s is %s", s.ID, s.State)
		}
	}
	answers.Wait()
	for id := range x.known {
		if !found[id] {
			x.errorf(round, "sandbox %s is lost", id)
			delete(x.known, id)
		}
	}
	x.leftovers(ctx, round, found)
	if len(all) > 12 { // keep the rounds short
		for _, s := range all[:6] {
			if err := x.c.Delete(ctx, s.ID); err != nil {
				x.errorf(round, "delete %s: %v", s.ID, err)
			}
			delete(x.known, s.ID)
			delete(x.files, s.ID)
			x.deleted[s.ID] = true
		}
	}
}

// answers holds that a started sandbox runs commands and has its file.
func (x *chaos) answers(ctx context.Context, round int, id string) {
	want := x.files[id]
	r, err := x.c.Exec(ctx, id, "cat kept.txt 2>/dev/null; true")
	for try := 0; try < 3 && isStatus(err, http.StatusConflict); try++ { // the server looks after it at this moment, and starts it again
		if _, err = x.c.WaitState(ctx, id, "started"); err == nil {
			r, err = x.c.Exec(ctx, id, "cat kept.txt 2>/dev/null; true")
		}
	}
	if err != nil || r.ExitCode != 0 {
		x.errorf(round, "sandbox %s is started and does not answer: %+v, %v", id, r, err)
	} else if want != "" && r.Result != want {
		x.errorf(round, "sandbox %s has %q where %q was confirmed", id, r.Result, want)
	}
}

// settled lists the sandboxes once none is between two states.
func (x *chaos) settled(ctx context.Context) ([]rawclient.Sandbox, error) {
	for {
		all, err := x.c.List(ctx)
		if err != nil {
			return nil, err
		}
		unsettled := ""
		for _, s := range all {
			switch s.State {
			case "started", "stopped", "error":
			default:
				unsettled = s.ID + " is " + s.State
			}
		}
		if unsettled == "" {
			return all, nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return nil, fmt.Errorf("sandbox %s: %w", unsettled, ctx.Err())
		}
	}
}

// leftovers holds that the engine holds nothing of sandboxes that are not listed.
func (x *chaos) leftovers(ctx context.Context, round int, listed map[string]bool) {
	x.t.Helper()
	for {
		held, err := x.held()
		if err != nil {
			x.t.Fatal(err)
		}
		left := slices.DeleteFunc(held, func(id string) bool { return listed[id] || !x.known[id] && !x.deleted[id] })
		if len(left) == 0 {
			return
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			x.errorf(round, "the engine still holds %v", left)
			return
		}
	}
}

// empty deletes everything and holds that nothing is left.
func (x *chaos) empty() {
	all, err := x.c.List(x.t.Context())
	if err != nil {
		x.t.Fatal(err)
	}
	for _, s := range all {
		if err := x.c.Delete(x.t.Context(), s.ID); err != nil {
			x.t.Errorf("delete %s: %v", s.ID, err)
		}
		x.deleted[s.ID] = true
	}
	ctx, cancel := context.WithTimeout(x.t.Context(), patience)
	defer cancel()
	x.leftovers(ctx, -1, nil)
}
