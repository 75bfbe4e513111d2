package manager_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/manager"
)

// pool makes a pool and waits until it is full.
func (b *bench) pool(snapshot string, size int) manager.PoolStatus {
	b.t.Helper()
	p, err := b.CreateWarmPool(b.t.Context(), org, snapshot, "", size)
	must(b.t, err)
	b.settle()
	return b.poolNow(p.ID, size)
}

// settle lets pools be filled.
func (b *bench) settle() { time.Sleep(3 * time.Second) }

func (b *bench) poolNow(id string, ready int) manager.PoolStatus {
	b.t.Helper()
	pools, err := b.WarmPools(b.t.Context(), org)
	must(b.t, err)
	for _, p := range pools {
		if p.ID == id {
			if p.Ready != ready {
				b.t.Errorf("the pool has %d members, want %d: %+v", p.Ready, ready, p)
			}
			return p
		}
	}
	b.t.Fatalf("there is no pool %s in %v", id, pools)
	return manager.PoolStatus{}
}

func TestClaim(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		p := b.pool(manager.SnapshotSmall, 2)
		if p.Resources != (sandbox.Resources{CPU: 1, MemoryGiB: 1, DiskGiB: 3}) || p.Target != "local" {
			t.Errorf("the pool is %+v", p)
		}
		events, stop := b.Subscribe(org)
		defer stop()
		b.docker.SetDelay("create", time.Minute)
		before := time.Now()
		s := b.create(manager.CreateRequest{
			Snapshot: "daytona-small", Name: "web", Env: map[string]string{"A": "1"}, Labels: map[string]string{"l": "1"}, AutoStop: minutes(3),
			Network: sandbox.Network{BlockAll: true}, Target: "us", TTL: minutes(9), Public: true,
		})
		if time.Since(before) != 0 {
			t.Error("it was not there at once")
		}
		h, _ := b.docker.Held(s.ID)
		if h.Env["A"] != "1" || !h.Spec.Network.BlockAll {
			t.Errorf("the engine has %+v", h)
		}
		if s.WarmPool != "" || s.Name != "web" || s.Labels["l"] != "1" || s.Intervals.AutoStop != 3*time.Minute || s.Target != "us" || !s.Public ||
			s.DestroyAt != before.Add(9*time.Minute) || !s.Network.BlockAll {
			t.Errorf("claimed %+v", s)
		}
		if e := <-events; e.Kind != manager.EventCreated || e.NewState != "started" || e.Sandbox.ID != s.ID {
			t.Errorf("the first event is %+v", e)
		}
		b.poolNow(p.ID, 1)
		time.Sleep(62 * time.Second)
		b.poolNow(p.ID, 2)
		time.Sleep(time.Hour) // members have no timers, claimed ones have
		b.poolNow(p.ID, 2)
		b.gone(s)
	})
}

func TestWhatIsNotClaimed(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		p := b.pool("sandpiper-small", 1)
		for name, r := range map[string]manager.CreateRequest{
			"another snapshot": {Snapshot: "sandpiper-medium"}, "more cores": {Resources: sandbox.Resources{CPU: 2}},
			"another user": {User: "root"}, "volumes": {Volumes: []sandbox.VolumeMount{{Volume: "v", Path: "/data"}}},
			"another engine": {Snapshot: "wasm"}, "a main process": {Entrypoint: []string{"sleep", "1"}},
		} {
			b.create(r)
			if t.Log(name); b.poolNow(p.ID, 1).Ready != 1 {
				t.Errorf("%s: a member was claimed", name)
			}
		}
	})
}

func TestClaimWithAMainProcess(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		_, err := b.CreateSnapshot(t.Context(), manager.SnapshotRequest{Organization: org, Name: "server", Image: "nginx:1", Entrypoint: []string{"nginx"}})
		must(t, err)
		p := b.pool("server", 1)
		s := b.create(manager.CreateRequest{Snapshot: "server", Env: map[string]string{"A": "1"}})
		if h, _ := b.docker.Held(s.ID); h.Spec.Env["A"] != "1" {
			t.Errorf("its main process runs without the environment: %+v", h)
		}
		b.poolNow(p.ID, 1)
		b.docker.SetDelay("create", time.Minute)
		b.create(manager.CreateRequest{Snapshot: "server"}) // at once
	})
}

func TestClaimByTheNameOfTheUser(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		p := b.pool("sandpiper-small", 1)
		if s := b.create(manager.CreateRequest{User: "daytona"}); s.User != "daytona" {
			t.Errorf("its user is %q", s.User)
		}
		b.poolNow(p.ID, 0)
	})
}

func TestMembersAreClaimedOnce(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		p := b.pool("wasm", 5)
		b.wasm.SetDelay("create", time.Second)
		var all sync.WaitGroup
		var mu sync.Mutex
		seen, quick := map[string]bool{}, 0
		for range 12 {
			all.Go(func() {
				began := time.Now()
				s, err := b.Create(t.Context(), manager.CreateRequest{Organization: org, Snapshot: "wasm"})
				mu.Lock()
				defer mu.Unlock()
				if err != nil || s.State != sandbox.StateStarted || seen[s.ID] {
					t.Errorf("%s %s, %v", s.ID, s.State, err)
				}
				seen[s.ID] = true
				if time.Since(began) == 0 {
					quick++
				}
			})
		}
		all.Wait()
		if quick != 5 {
			t.Errorf("%d members were claimed, want 5", quick)
		}
		time.Sleep(10 * time.Second)
		b.poolNow(p.ID, 5)
	})
}

func TestMemberThatCannotBeEquipped(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		p := b.pool("wasm", 1)
		b.wasm.FailNext("dial", errors.New("no"))
		s := b.create(manager.CreateRequest{Snapshot: "wasm", Env: map[string]string{"SECRET": "1"}})
		if h, _ := b.wasm.Held(s.ID); h.Spec.Env["SECRET"] != "1" || h.Env != nil {
			t.Errorf("it was not created afresh: %+v", h)
		}
		b.settle()
		b.poolNow(p.ID, 1)
		if held, _ := b.wasm.Count(); held != 2 {
			t.Errorf("the engine has %d sandboxes", held)
		}
	})
}

func TestClaimIsNotSeenBeforeItsWalls(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		b.pool("sandpiper-small", 1)
		b.docker.SetDelay("network", time.Second)
		events, stop := b.Subscribe(org)
		defer stop()
		made := make(chan sandbox.Sandbox, 1)
		go func() { made <- b.create(manager.CreateRequest{Network: sandbox.Network{BlockAll: true}}) }()
		time.Sleep(500 * time.Millisecond)
		page, err := b.List(t.Context(), sandbox.SandboxFilter{Organization: org})
		must(t, err)
		if len(page.Items) != 0 || len(events) != 0 {
			t.Errorf("there are %d sandboxes and %d events before the network is blocked", len(page.Items), len(events))
		}
		s := <-made
		if h, _ := b.docker.Held(s.ID); !h.Spec.Network.BlockAll || !s.Network.BlockAll || !strings.HasPrefix(sequence(b.docker), "create network") {
			t.Errorf("claimed %+v by %q, the engine has %+v", s, sequence(b.docker), h)
		}
	})
}

func TestClaimThatACrashCutOff(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		p := b.pool("sandpiper-small", 1)
		warm, err := b.List(t.Context(), sandbox.SandboxFilter{Organization: org, IncludeWarm: true})
		must(t, err)
		used := warm.Items[0]
		must(t, b.Close())
		_, _, err = b.store.UpdateSandbox(t.Context(), used.ID, func(s *sandbox.Sandbox) error {
			s.Env = map[string]string{"SECRET": "of somebody else"}
			return nil
		})
		must(t, err)
		b.open()
		if s := b.create(manager.CreateRequest{}); s.ID == used.ID {
			t.Error("it was claimed again")
		}
		b.settle()
		b.poolNow(p.ID, 1)
		b.gone(used)
	})
}

func TestPoolLife(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		p := b.pool("wasm", 3)
		_, err := b.CreateWarmPool(t.Context(), org, "wasm", "eu", 1)
		wantKind(t, err, sandbox.KindConflict)
		_, err = b.CreateWarmPool(t.Context(), org, "nothing", "", 1)
		wantKind(t, err, sandbox.KindNotFound)
		_, err = b.CreateWarmPool(t.Context(), org, "wasm", "", 0)
		wantKind(t, err, sandbox.KindUnprocessed)
		_, err = b.ResizeWarmPool(t.Context(), "another", p.ID, 1)
		wantKind(t, err, sandbox.KindNotFound)
		if u := b.usage(); u.Used.CPU != 3 {
			t.Errorf("members do not count: %+v", u.Used)
		}
		page, err := b.List(t.Context(), sandbox.SandboxFilter{Organization: org})
		must(t, err)
		warm, err := b.List(t.Context(), sandbox.SandboxFilter{Organization: org, IncludeWarm: true})
		must(t, err)
		if len(page.Items) != 0 || len(warm.Items) != 3 {
			t.Errorf("lists have %d and %d", len(page.Items), len(warm.Items))
		}
		for _, size := range []int{1, 4, 0} {
			_, err = b.ResizeWarmPool(t.Context(), org, p.ID, size)
			must(t, err)
			b.settle()
			b.poolNow(p.ID, size)
		}
		_, err = b.ResizeWarmPool(t.Context(), org, p.ID, 2)
		must(t, err)
		b.settle()
		must(t, b.DeleteWarmPool(t.Context(), org, p.ID))
		b.settle()
		if held, _ := b.wasm.Count(); held != 0 {
			t.Errorf("the engine has %d sandboxes", held)
		}
	})
}

func TestMembersThatAreLostAreReplaced(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		p := b.pool("wasm", 2)
		warm, err := b.List(t.Context(), sandbox.SandboxFilter{Organization: org, IncludeWarm: true})
		must(t, err)
		b.wasm.Vanish(warm.Items[0].ID)
		b.wasm.Become(warm.Items[1].ID, sandbox.StateStopped)
		look()
		time.Sleep(10 * time.Second)
		b.poolNow(p.ID, 2)
		b.reopen()
		b.settle()
		b.poolNow(p.ID, 2)
		if held, _ := b.wasm.Count(); held != 2 {
			t.Errorf("the engine has %d sandboxes", held)
		}
	})
}

func TestPoolThatCannotBeFilled(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		for range 5 {
			b.wasm.FailNext("create", sandbox.Errorf(sandbox.KindUnavailable, "no room on the disk"))
		}
		p, err := b.CreateWarmPool(t.Context(), org, "wasm", "", 1)
		must(t, err)
		b.settle()
		if p = b.poolNow(p.ID, 0); p.ErrorReason != "no room on the disk" {
			t.Errorf("the pool gives the reason %q", p.ErrorReason)
		}
		time.Sleep(10 * time.Minute)
		if p = b.poolNow(p.ID, 1); p.ErrorReason != "" {
			t.Errorf("the full pool still says %q", p.ErrorReason)
		}
		if n := strings.Count(sequence(b.wasm), "create"); n != 6 {
			t.Errorf("it was tried %d times", n)
		}
	})
}

func TestPoolGoesWithItsSnapshot(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		_, err := b.CreateSnapshot(t.Context(), manager.SnapshotRequest{Organization: org, Name: "mine", Image: "debian:12"})
		must(t, err)
		b.pool("mine", 2)
		_, err = b.RemoveSnapshot(t.Context(), org, "mine")
		must(t, err)
		synctest.Wait()
		pools, err := b.WarmPools(t.Context(), org)
		must(t, err)
		if held, _ := b.docker.Count(); held != 0 || len(pools) != 0 {
			t.Errorf("%d sandboxes and %d pools are left", held, len(pools))
		}
	})
}

func TestPoolStaysWithASnapshotThatIsInUse(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		source := b.create(manager.CreateRequest{})
		_, err := b.Snapshot(t.Context(), org, source.ID, "mine", false)
		must(t, err)
		p := b.pool("mine", 2)
		claimed := b.create(manager.CreateRequest{Snapshot: "mine"})
		b.settle()
		_, err = b.RemoveSnapshot(t.Context(), org, "mine")
		if e := wantKind(t, err, sandbox.KindConflict); !strings.HasPrefix(e.Message, "1 sandboxes") {
			t.Errorf("got %v", e)
		}
		b.settle()
		b.poolNow(p.ID, 2)
		_, err = b.Destroy(t.Context(), org, claimed.ID)
		must(t, err)
		_, err = b.RemoveSnapshot(t.Context(), org, "mine")
		must(t, err)
	})
}
