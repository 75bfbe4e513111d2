package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/sandboxtest"
	"sandpiper/sandbox/scheduler"
)

// newPlacer returns a placer over a container engine with little room and a
// roomy wasm engine.
func newPlacer(change func(*scheduler.PlacerConfig, *sandboxtest.Engine)) *scheduler.Placer {
	docker := sandboxtest.NewEngine(sandbox.EngineContainer)
	docker.SetPrint(func(p *sandbox.Fingerprint) {
		p.Capacity = sandbox.Resources{CPU: 2, MemoryGiB: 8, DiskGiB: 20}
		p.Available, p.MaxEach = p.Capacity, sandbox.Resources{CPU: 2, MemoryGiB: 8, DiskGiB: 30}
	})
	cfg := scheduler.PlacerConfig{
		Engines: []sandbox.Engine{docker, sandboxtest.NewEngine(sandbox.EngineWasm)}, Region: sandbox.Region{ID: "local"},
		CPUShare: 2, MemoryShare: 1, DiskShare: 2, Log: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&cfg, docker)
	}
	return scheduler.NewPlacer(cfg)
}

func ask(id string, r sandbox.Resources) scheduler.Ask {
	return scheduler.Ask{ID: id, Organization: "org", Engine: sandbox.EngineContainer, Resources: r}
}

// reserve reserves and gives the turn back.
func reserve(t *testing.T, p *scheduler.Placer, a scheduler.Ask) error {
	t.Helper()
	ticket, err := p.Reserve(t.Context(), a)
	if err == nil {
		ticket.Done()
	}
	return err
}

func wantBusy(t *testing.T, err error, kind sandbox.Kind, words ...string) {
	t.Helper()
	var e *sandbox.Error
	if !errors.As(err, &e) || e.Kind != kind || (kind == sandbox.KindBusy) != (e.RetryAfter > 0) {
		t.Fatalf("the error is %v, want %s", err, kind)
	}
	for _, w := range words {
		if !strings.Contains(e.Message, w) {
			t.Errorf("%q does not say %q", e.Message, w)
		}
	}
}

func TestRoom(t *testing.T) {
	p := newPlacer(nil)
	small := sandbox.Resources{CPU: 1, MemoryGiB: 2, DiskGiB: 5}
	for i := range 4 {
		if err := reserve(t, p, ask(fmt.Sprint(i), small)); err != nil {
			t.Fatal(err)
		}
	}
	wantBusy(t, reserve(t, p, ask("more", small)), sandbox.KindBusy, "1 CPU cores", "0 of 4", "4 sandboxes", "stop or delete")
	p.Hold("0", "org", "local-container", sandbox.Resources{DiskGiB: 5}) // it stopped
	if err := reserve(t, p, ask("more", small)); err != nil {
		t.Errorf("there is room after a stop: %v", err)
	}
	again := ask("0", small)
	again.Runner, again.Holds = "local-container", sandbox.Resources{DiskGiB: 5}
	wantBusy(t, reserve(t, p, again), sandbox.KindBusy, "CPU")
	p.Hold("1", "org", "local-container", sandbox.Resources{})
	if err := reserve(t, p, again); err != nil {
		t.Errorf("it cannot start again: %v", err)
	}
	wantBusy(t, reserve(t, p, ask("disk", sandbox.Resources{DiskGiB: 31})), sandbox.KindUnprocessed, "31 GiB of disk")
	wantBusy(t, reserve(t, p, ask("disk", sandbox.Resources{DiskGiB: 25})), sandbox.KindBusy, "20 of 40", "archive")
	if err := reserve(t, p, scheduler.Ask{ID: "w", Organization: "org", Engine: sandbox.EngineWasm, Resources: small}); err != nil {
		t.Errorf("the other engine: %v", err)
	}
	runners := p.Runners()
	if r := runners[0]; r.ID != "local-container" || r.Started != 4 || r.Used.CPU != 4 || r.State != "ready" || r.Region != "local" {
		t.Errorf("the runner is %+v", r)
	}
	if used := p.Used("org"); used[sandbox.EngineWasm] != small || used[sandbox.EngineContainer].CPU != 4 || len(p.Used("another")) != 0 {
		t.Errorf("used is %v", used)
	}
}

func TestWhatTheHostReallyHas(t *testing.T) {
	p := newPlacer(func(_ *scheduler.PlacerConfig, e *sandboxtest.Engine) {
		e.SetPrint(func(p *sandbox.Fingerprint) { p.Available.MemoryGiB = 0 })
	})
	small := sandbox.Resources{CPU: 1, MemoryGiB: 1, DiskGiB: 1}
	wantBusy(t, reserve(t, p, ask("a", small)), sandbox.KindBusy, "no GiB of memory left", "0 of its 8 are free")
	held := ask("b", small)
	held.Holds = small // it is there already: a crash has lost its ticket
	if err := reserve(t, p, held); err != nil {
		t.Error(err)
	}
}

func TestQuota(t *testing.T) {
	p := newPlacer(func(c *scheduler.PlacerConfig, _ *sandboxtest.Engine) {
		c.Quota = func(org string) sandbox.Resources {
			if org == "org" {
				return sandbox.Resources{CPU: 2, DiskGiB: 4}
			}
			return sandbox.Resources{}
		}
	})
	small := sandbox.Resources{CPU: 1, MemoryGiB: 1, DiskGiB: 1}
	for i := range 2 {
		if err := reserve(t, p, ask(fmt.Sprint(i), small)); err != nil {
			t.Fatal(err)
		}
	}
	wantBusy(t, reserve(t, p, ask("more", small)), sandbox.KindForbidden, "quota of CPU cores", "2 of 2", "1 more")
	p.Hold("0", "org", "local-container", sandbox.Resources{DiskGiB: 4})
	wantBusy(t, reserve(t, p, ask("more", small)), sandbox.KindForbidden, "disk", "5 of 4")
	other := ask("other", small)
	other.Organization = "another"
	if err := reserve(t, p, other); err != nil {
		t.Error(err)
	}
}

func TestEnginesThatCannotBeUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var docker *sandboxtest.Engine
		p := newPlacer(func(_ *scheduler.PlacerConfig, e *sandboxtest.Engine) { docker = e })
		docker.SetDown(sandbox.Errorf(sandbox.KindUnavailable, "Docker does not run: start it"))
		small := sandbox.Resources{CPU: 1}
		if sandbox.KindOf(reserve(t, p, ask("a", small))) != sandbox.KindUnavailable {
			t.Error("reserved on an engine that is down")
		}
		if r := p.Runners()[0]; r.State != "unresponsive" || !strings.Contains(r.Reason, "Docker does not run: start it") {
			t.Errorf("the runner is %+v", r)
		}
		docker.SetDown(nil)
		p.Refresh(t.Context())
		if _, err := p.Print(sandbox.EngineContainer); err == nil {
			t.Error("read again too soon")
		}
		time.Sleep(scheduler.DefaultReading)
		p.Refresh(t.Context())
		if err := reserve(t, p, ask("a", small)); err != nil {
			t.Error(err)
		}
		none := ask("b", small)
		none.Engine = "ferry"
		if sandbox.KindOf(reserve(t, p, none)) != sandbox.KindUnavailable {
			t.Error("reserved on an engine that is not there")
		}
		gone := ask("c", small)
		gone.Runner = "elsewhere"
		if err := reserve(t, p, gone); sandbox.KindOf(err) != sandbox.KindUnavailable || !strings.Contains(err.Error(), "elsewhere") {
			t.Errorf("got %v", err)
		}
	})
}

func TestSeveralRunners(t *testing.T) {
	p := newPlacer(func(c *scheduler.PlacerConfig, docker *sandboxtest.Engine) {
		c.Engines = append(c.Engines, sandboxtest.NewEngine(sandbox.EngineContainer))
	})
	ticket, err := p.Reserve(t.Context(), ask("a", sandbox.Resources{CPU: 1, MemoryGiB: 1}))
	if err != nil || ticket.Runner() != "local-container-2" || !strings.Contains(ticket.Reason(), "most memory") {
		t.Fatalf("placed on %+v, %v", ticket, err)
	}
	if e, ok := p.Engine(ticket.Runner()); !ok || e != ticket.Engine() {
		t.Error("the runner has another engine")
	}
}

// TestTurns lets two clients of one organization ask at once: they take turns, whoever asks
// for more, and nobody waits for another engine.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlacer(func(c *scheduler.PlacerConfig, e *sandboxtest.Engine) {
			c.Parallel, c.QueuePerClient, c.QueueTotal = 1, 5, 6
			e.SetPrint(func(p *sandbox.Fingerprint) { p.Capacity = sandbox.Resources{CPU: 99, MemoryGiB: 99, DiskGiB: 99} })
		})
		var mu sync.Mutex
		var order []string
		ctx := context.Background()
		take := func(client, id string) *scheduler.Ticket {
			a := ask(id, sandbox.Resources{CPU: 1})
			a.Client = client
			ticket, err := p.Reserve(t.Context(), a)
			if err != nil {
				t.Fatal(err)
			}
			wait := ctx
			go func() {
				if ticket.Wait(wait) == nil {
					mu.Lock()
					order = append(order, id)
					mu.Unlock()
					time.Sleep(time.Second)
				}
				ticket.Done()
			}()
			synctest.Wait()
			return ticket
		}
		take("ada", "a0")
		var tickets []*scheduler.Ticket
		for i := range 3 {
			tickets = append(tickets, take("ada", fmt.Sprint("a", i+1)))
		}
		impatient, cut := context.WithCancel(ctx)
		ctx = impatient
		tickets = append(tickets, take("ada", "a4"))
		ctx = context.Background()
		bob := take("bob", "b1")
		if tickets[3].Position() != 5 || bob.Position() != 2 || tickets[0].Position() != 1 {
			t.Errorf("positions %d, %d, %d", tickets[0].Position(), bob.Position(), tickets[3].Position())
		}
		take("bob", "b2")
		wantBusy(t, reserve(t, p, ask("more", sandbox.Resources{CPU: 1})), sandbox.KindBusy, "wait to be created")
		other := scheduler.Ask{ID: "w", Organization: "org", Client: "carol", Engine: sandbox.EngineWasm, Resources: sandbox.Resources{CPU: 1}}
		if _, err := p.Reserve(t.Context(), other); err == nil {
			t.Error("the queue has no end")
		}
		time.Sleep(1500 * time.Millisecond)
		wasm, err := p.Reserve(t.Context(), other)
		if err != nil || wasm.Position() != 0 {
			t.Fatalf("another engine waits: %v", err)
		}
		wasm.Done()
		cut() // the last one leaves the queue
		synctest.Wait()
		if err := tickets[3].Wait(impatient); !errors.Is(err, context.Canceled) {
			t.Errorf("the wait ended with %v", err)
		}
		tickets[3].Done()
		time.Sleep(time.Minute)
		mu.Lock()
		defer mu.Unlock()
		if got := strings.Join(order, " "); got != "a0 a1 b1 a2 b2 a3" {
			t.Errorf("the order is %s", got)
		}
	})
}
