package manager_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/manager"
	"sandpiper/sandbox/scheduler"
)

func TestResize(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		s := b.create(manager.CreateRequest{})
		s = b.do(sandbox.StateStarted)(b.Resize(t.Context(), org, s.ID, sandbox.Resources{CPU: 2, MemoryGiB: 4}))
		if h, _ := b.docker.Held(s.ID); s.Resources != (sandbox.Resources{CPU: 2, MemoryGiB: 4, DiskGiB: 3}) || h.Spec.Resources != s.Resources {
			t.Errorf("resized to %+v, in the engine %+v", s.Resources, h.Spec.Resources)
		}
		for field, r := range map[string]sandbox.Resources{"cpu": {CPU: 1}, "memory": {MemoryGiB: 2}, "disk": {DiskGiB: 5}} {
			_, err := b.Resize(t.Context(), org, s.ID, r)
			if e := wantKind(t, err, sandbox.KindUnprocessed); e.Field != field {
				t.Errorf("%s: %v", field, e)
			}
		}
		_, err := b.Resize(t.Context(), org, s.ID, sandbox.Resources{CPU: 5})
		wantKind(t, err, sandbox.KindUnprocessed)
		b.do(sandbox.StateStopped)(b.Stop(t.Context(), org, s.ID, false))
		s = b.do(sandbox.StateStopped)(b.Resize(t.Context(), org, s.ID, sandbox.Resources{CPU: 1, DiskGiB: 6}))
		_, err = b.Resize(t.Context(), org, s.ID, sandbox.Resources{DiskGiB: 3})
		wantKind(t, err, sandbox.KindUnprocessed)
		if used := b.usage().Used; used != (sandbox.Resources{DiskGiB: 6}) {
			t.Errorf("it holds %+v", used)
		}
		b.docker.FailNext("resize", errors.New("no"))
		if _, err = b.Resize(t.Context(), org, s.ID, sandbox.Resources{CPU: 2}); err == nil {
			t.Error("resized although the engine failed")
		}
		b.do(sandbox.StateStarted)(b.Start(t.Context(), org, s.ID))
		if got := b.usage().Used; got != (sandbox.Resources{CPU: 1, MemoryGiB: 4, DiskGiB: 6}) {
			t.Errorf("it holds %+v", got)
		}
	})
}

func TestNetwork(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		yes, no := true, false
		list, none := []string{"10.0.0.0/8"}, []string{}
		s := b.create(manager.CreateRequest{})
		for i, step := range []struct {
			update manager.NetworkUpdate
			want   sandbox.Network
		}{
			{manager.NetworkUpdate{Allow: &list}, sandbox.Network{Allow: list}},
			{manager.NetworkUpdate{BlockAll: &yes}, sandbox.Network{BlockAll: true}},
			{manager.NetworkUpdate{BlockAll: &yes, Allow: &list}, sandbox.Network{BlockAll: true}},
			{manager.NetworkUpdate{Allow: &list}, sandbox.Network{Allow: list}},
			{manager.NetworkUpdate{Allow: &none}, sandbox.Network{}},
			{manager.NetworkUpdate{Allow: &list, BlockAll: &no}, sandbox.Network{Allow: list}},
			{manager.NetworkUpdate{BlockAll: &no}, sandbox.Network{}},
		} {
			s, err := b.SetNetwork(t.Context(), org, s.ID, step.update)
			must(t, err)
			h, _ := b.docker.Held(s.ID)
			for where, got := range map[string]sandbox.Network{"the record": s.Network, "the engine": h.Spec.Network} {
				if got.BlockAll != step.want.BlockAll || !slices.Equal(got.Allow, step.want.Allow) {
					t.Errorf("step %d: %s has %+v, want %+v", i, where, got, step.want)
				}
			}
		}
		_, err := b.SetNetwork(t.Context(), org, s.ID, manager.NetworkUpdate{})
		wantKind(t, err, sandbox.KindUnprocessed)
		bad := []string{"example.com"}
		_, err = b.SetNetwork(t.Context(), org, s.ID, manager.NetworkUpdate{Allow: &bad})
		if e := wantKind(t, err, sandbox.KindUnprocessed); e.Field != "networkAllowList" {
			t.Errorf("got %+v", e)
		}
		b.docker.FailNext("network", errors.New("no nft"))
		if _, err := b.SetNetwork(t.Context(), org, s.ID, manager.NetworkUpdate{BlockAll: &yes}); err == nil || b.now(s, sandbox.StateStarted).Network.BlockAll {
			t.Error("the record promises a wall that is not there")
		}
	})
}

// TestNetworkIsPutRight changes a network in the engine alone, as a crash between
// the engine and the record does.
func TestNetworkIsPutRight(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		s := b.create(manager.CreateRequest{Network: sandbox.Network{BlockAll: true}})
		must(t, b.docker.SetNetwork(t.Context(), s.ID, sandbox.Network{}))
		look()
		if h, _ := b.docker.Held(s.ID); !h.Spec.Network.BlockAll {
			t.Errorf("the engine has %+v", h.Spec.Network)
		}
		look()
		if got := sequence(b.docker); got != "create network network" {
			t.Errorf("the engine was told %q", got)
		}
	})
}

func TestSmallChanges(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		s := b.create(manager.CreateRequest{Labels: map[string]string{"a": "1"}})
		s = b.do(sandbox.StateStarted)(b.SetLabels(t.Context(), org, s.ID, map[string]string{"b": "2"}))
		if len(s.Labels) != 1 || s.Labels["b"] != "2" {
			t.Errorf("labels %v", s.Labels)
		}
		if s = b.do(sandbox.StateStarted)(b.SetPublic(t.Context(), org, s.ID, true)); !s.Public {
			t.Error("not public")
		}
		key, preview, toolbox := b.SigningKey(s), b.PreviewToken(s), b.ToolboxToken(s)
		s = b.do(sandbox.StateStarted)(b.RotateSigningKey(t.Context(), org, s.ID))
		if b.SigningKey(s) == key || b.PreviewToken(s) == preview || b.ToolboxToken(s) != toolbox {
			t.Error("rotation changed the wrong keys")
		}
		s = b.do(sandbox.StateStarted)(b.SetIntervals(t.Context(), org, s.ID, manager.IntervalUpdate{AutoPause: minutes(5)}))
		if s.Intervals.AutoStop != 0 || s.Intervals.AutoPause != 5*time.Minute {
			t.Errorf("intervals %+v", s.Intervals)
		}
		s = b.do(sandbox.StateStarted)(b.SetIntervals(t.Context(), org, s.ID, manager.IntervalUpdate{AutoStop: minutes(5)}))
		if s.Intervals.AutoPause != 0 || s.Intervals.AutoStop != 5*time.Minute {
			t.Errorf("intervals %+v", s.Intervals)
		}
		_, err := b.SetIntervals(t.Context(), org, s.ID, manager.IntervalUpdate{AutoArchive: minutes(43201)})
		wantKind(t, err, sandbox.KindUnprocessed)
	})
}

func TestForks(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		root := b.create(manager.CreateRequest{Name: "root", Env: map[string]string{"A": "1"}, TTL: minutes(30)})
		child := b.do(sandbox.StateStarted)(b.Fork(t.Context(), org, root.ID, "child"))
		grandchild := b.do(sandbox.StateStarted)(b.Fork(t.Context(), org, "child", ""))
		b.now(root, sandbox.StateStarted)
		if h, _ := b.docker.Held(child.ID); h.Spec.Env["A"] != "1" || h.Spec.Token == b.ToolboxToken(root) {
			t.Errorf("the engine has %+v", h)
		}
		_, err := b.Destroy(t.Context(), org, "root")
		if e := wantKind(t, err, sandbox.KindConflict); !strings.Contains(e.Message, "1 forks") {
			t.Errorf("got %v", e)
		}
		ancestors, err := b.Ancestors(t.Context(), org, grandchild.ID)
		must(t, err)
		parent, err := b.Parent(t.Context(), org, grandchild.ID)
		must(t, err)
		_, noParent := b.Parent(t.Context(), org, "root")
		wantKind(t, noParent, sandbox.KindNotFound)
		if len(ancestors) != 2 || ancestors[0].ID != child.ID || ancestors[1].ID != root.ID || parent.ID != child.ID {
			t.Errorf("ancestors %v, parent %s", names(ancestors), parent.Name)
		}
		time.Sleep(10 * time.Minute)
		second := b.do(sandbox.StateStarted)(b.Fork(t.Context(), org, "root", "second"))
		time.Sleep(21 * time.Minute) // the root's time has ended, but it has forks
		if _, err := b.Sandbox(t.Context(), org, "root"); err != nil {
			t.Errorf("the root is gone before its forks: %v", err)
		}
		time.Sleep(10 * time.Minute)
		for _, s := range []sandbox.Sandbox{grandchild, child, second, root} {
			b.gone(s)
		}
	})
}

func TestEphemeralParentWaitsForItsForks(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		zero := time.Duration(0)
		parent := b.create(manager.CreateRequest{AutoDelete: &zero})
		fork := b.do(sandbox.StateStarted)(b.Fork(t.Context(), org, parent.ID, ""))
		b.now(parent, sandbox.StateStarted)
		before := time.Now()
		b.do(sandbox.StateStopped)(b.Stop(t.Context(), org, parent.ID, false))
		if took := time.Since(before); took > 0 {
			t.Errorf("the stop was waited for %v", took)
		}
		look()
		b.now(parent, sandbox.StateStopped)
		b.Stop(t.Context(), org, fork.ID, false) // which is ephemeral too
		look()
		b.gone(fork)
		b.gone(parent)
	})
}

func TestForksAreListed(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		root := b.create(manager.CreateRequest{Name: "root"})
		for _, name := range []string{"a", "b"} {
			b.do(sandbox.StateStarted)(b.Fork(t.Context(), org, root.ID, name))
		}
		b.do(sandbox.StateDestroyed)(b.Destroy(t.Context(), org, "a"))
		live, err := b.Forks(t.Context(), org, root.ID, false)
		must(t, err)
		all, err := b.Forks(t.Context(), org, root.ID, true)
		must(t, err)
		if !slices.Equal(names(live), []string{"b"}) || !slices.Equal(names(all), []string{"a", "b"}) {
			t.Errorf("forks %v and %v", names(live), names(all))
		}
		b.docker.FailNext("fork", errors.New("no"))
		b.do(sandbox.StateError)(b.Fork(t.Context(), org, root.ID, "c"))
		b.now(root, sandbox.StateStarted)
		b.docker.SetDelay("fork", time.Hour)
		d := b.do(sandbox.StateCreating)(b.Fork(t.Context(), org, root.ID, "d"))
		b.now(root, sandbox.StateForking)
		b.do(sandbox.StateDestroyed)(b.Destroy(t.Context(), org, d.ID))
		synctest.Wait()
		b.now(root, sandbox.StateStarted)
	})
}

func TestSnapshotOfASandbox(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		events, stop := b.Subscribe(org)
		defer stop()
		s := b.create(manager.CreateRequest{Name: "web"})
		b.docker.SetDelay("snapshot", 20*time.Second)
		b.do(sandbox.StateSnapping)(b.Snapshot(t.Context(), org, "web", "snap", false))
		_, err := b.Snapshot(t.Context(), org, "web", "snap", false)
		wantKind(t, err, sandbox.KindConflict)
		time.Sleep(20 * time.Second)
		b.now(s, sandbox.StateStarted)
		snap, err := b.SnapshotByNameOrID(t.Context(), org, "snap")
		must(t, err)
		if snap.State != sandbox.SnapshotActive || snap.Ref != "snapshot/snap" || snap.Source != s.ID {
			t.Errorf("the snapshot is %+v", snap)
		}
		from := b.create(manager.CreateRequest{Snapshot: "snap"})
		_, err = b.RemoveSnapshot(t.Context(), org, "snap")
		wantKind(t, err, sandbox.KindConflict)
		b.do(sandbox.StateDestroyed)(b.Destroy(t.Context(), org, from.ID))
		_, err = b.RemoveSnapshot(t.Context(), org, "snap")
		must(t, err)
		_, err = b.Snapshot(t.Context(), org, "web", "more", true)
		wantKind(t, err, sandbox.KindUnprocessed)
		_, err = b.Snapshot(t.Context(), org, "web", "wasm", false)
		wantKind(t, err, sandbox.KindConflict)
		var kinds []string
		for len(events) > 0 {
			e := <-events
			kinds = append(kinds, strings.TrimPrefix(e.Kind, "sandbox.")+" "+e.NewState)
		}
		got := strings.Join(kinds, ", ")
		for _, want := range []string{"created creating, state.updated started", "snapshot.created snapshotting", "state.updated snapshotting",
			"snapshot.state.updated active", "snapshot.removed removing"} {
			if !strings.Contains(got, want) {
				t.Errorf("the events %s lack %q", got, want)
			}
		}
	})
}

func TestSnapshots(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		page, err := b.Snapshots(t.Context(), sandbox.SnapshotFilter{Organization: org, Sort: sandbox.SnapshotsByName, Ascending: true})
		must(t, err)
		var got []string
		for _, s := range page.Items {
			got = append(got, s.Name+" "+string(s.State))
		}
		if want := "sandpiper-desktop active, sandpiper-hardened error, sandpiper-large active, sandpiper-medium active, sandpiper-small active, wasm active"; strings.Join(got, ", ") != want {
			t.Errorf("there are %v", got)
		}
		_, err = b.CreateSnapshot(t.Context(), manager.SnapshotRequest{Organization: org, Name: "mine", Image: "none:1"})
		if e := wantKind(t, err, sandbox.KindUnprocessed); !strings.Contains(e.Message, "docker pull") {
			t.Errorf("got %v", e)
		}
		_, err = b.CreateSnapshot(t.Context(), manager.SnapshotRequest{Organization: org, Name: "mine", Dockerfile: "FROM debian:12\n"})
		must(t, err)
		_, err = b.DeactivateSnapshot(t.Context(), org, "mine")
		must(t, err)
		_, err = b.Create(t.Context(), manager.CreateRequest{Organization: org, Snapshot: "mine"})
		if e := wantKind(t, err, sandbox.KindConflict); !strings.Contains(e.Message, "activate") {
			t.Errorf("got %v", e)
		}
		_, err = b.ActivateSnapshot(t.Context(), org, "mine")
		must(t, err)
		b.create(manager.CreateRequest{Snapshot: "mine"})
		s, err := b.SnapshotByNameOrID(t.Context(), org, "mine")
		must(t, err)
		if s.LastUsedAt.IsZero() {
			t.Error("its use was not noted")
		}
		_, err = b.RemoveSnapshot(t.Context(), org, manager.SnapshotSmall)
		wantKind(t, err, sandbox.KindForbidden)
		_, err = b.RemoveSnapshot(t.Context(), "another", "mine")
		wantKind(t, err, sandbox.KindNotFound)
		if u := b.usage(); u.Snapshots != 1 {
			t.Errorf("usage %+v", u)
		}
	})
}

func TestCreateFromImages(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		s := b.create(manager.CreateRequest{Image: "ghcr.io/someone/worker:latest", Entrypoint: []string{"run"}})
		if h, _ := b.docker.Held(s.ID); h.Spec.Ref != "ghcr.io/someone/worker:latest" || !slices.Equal(h.Spec.Entrypoint, []string{"run"}) {
			t.Errorf("the engine has %+v", h)
		}
		s = b.create(manager.CreateRequest{Dockerfile: "# a comment\nfrom alpine:3.20 \n\n"})
		if s.Ref != "alpine:3.20" || s.Snapshot != "alpine:3.20" {
			t.Errorf("got %+v", s)
		}
		for name, r := range map[string]manager.CreateRequest{
			"a build": {Dockerfile: "FROM a:1\nRUN true\n"}, "no image": {Dockerfile: "# nothing\n"}, "an argument": {Dockerfile: "FROM $IMAGE"},
			"an option": {Image: "--help"}, "not there": {Image: "none:1"},
		} {
			r.Organization = org
			if _, err := b.Create(t.Context(), r); sandbox.KindOf(err) != sandbox.KindUnprocessed {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// TestHardened starts a sandbox of gVisor where the engine has it, and says what
// to do where it has not.
func TestMainProcessOfAnImage(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		for name, image := range map[string]string{"own": "server:1", "none": "debian:12"} {
			_, err := b.CreateSnapshot(t.Context(), manager.SnapshotRequest{Organization: org, Name: name, Image: image})
			must(t, err)
		}
		_, err := b.CreateSnapshot(t.Context(), manager.SnapshotRequest{Organization: org, Name: "other", Image: "server:1", Entrypoint: []string{"other"}})
		must(t, err)
		for name, tt := range map[string]struct {
			request manager.CreateRequest
			want    string
		}{
			"an image's":              {manager.CreateRequest{Image: "server:1"}, "/server --port 80"},
			"a snapshot's":            {manager.CreateRequest{Snapshot: "own"}, "/server --port 80"},
			"of another image":        {manager.CreateRequest{Snapshot: "none"}, ""},
			"instead, in a snapshot":  {manager.CreateRequest{Snapshot: "other"}, "other"},
			"instead, in a request":   {manager.CreateRequest{Image: "server:1", Entrypoint: []string{"run"}}, "run"},
			"with a command":          {manager.CreateRequest{Image: "server:1", Command: []string{"--port", "90"}}, "/server --port 90"},
			"a command alone":         {manager.CreateRequest{Image: "debian:12", Command: []string{"run"}}, "run"},
			"the snapshots' own":      {manager.CreateRequest{}, ""},
			"a command of a snapshot": {manager.CreateRequest{Snapshot: "own", Command: []string{"-h"}}, "/server -h"},
		} {
			s := b.create(tt.request)
			if h, _ := b.docker.Held(s.ID); strings.Join(h.Spec.Entrypoint, " ") != tt.want {
				t.Errorf("%s: the main process is %q, want %q", name, h.Spec.Entrypoint, tt.want)
			}
			b.Destroy(t.Context(), org, s.ID)
		}
	})
}

func TestHardened(t *testing.T) {
	for name, tt := range map[string]struct {
		runtimes []string
		refused  string
	}{
		"with gVisor":    {[]string{"crun", "runsc"}, ""},
		"without gVisor": {[]string{"crun"}, "make gvisor"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, func(b *bench) {
					b.docker.SetPrint(func(f *sandbox.Fingerprint) { f.Runtimes = tt.runtimes })
				})
				_, wrong := b.CreateSnapshot(t.Context(), manager.SnapshotRequest{Organization: org, Name: "wrong", Image: "alpine:3", Runtime: "kata"})
				if e := wantKind(t, wrong, sandbox.KindUnprocessed); e.Field != "runtime" {
					t.Errorf("got %v", e)
				}
				s, err := b.Create(t.Context(), manager.CreateRequest{Organization: org, Snapshot: manager.SnapshotHardened})
				if tt.refused != "" {
					if e := wantKind(t, err, sandbox.KindConflict); !strings.Contains(e.Message, tt.refused) {
						t.Errorf("got %v", e)
					}
					return
				}
				must(t, err)
				if held, ok := b.docker.Held(s.ID); !ok || held.Spec.Runtime != "runsc" || s.Resources.MemoryGiB != 4 {
					t.Errorf("the engine has %+v", held)
				}
			})
		})
	}
}

func TestWithoutDocker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(b *bench) {
			b.docker.SetDown(sandbox.Errorf(sandbox.KindUnavailable, "Docker does not run; start it with: systemctl start docker"))
		})
		if s := b.create(manager.CreateRequest{}); s.Engine != sandbox.EngineWasm || s.Snapshot != "wasm" {
			t.Errorf("created %+v", s)
		}
		for _, name := range []string{"daytona-small", "sandpiper-large"} {
			_, err := b.Create(t.Context(), manager.CreateRequest{Organization: org, Snapshot: name})
			if e := wantKind(t, err, sandbox.KindUnavailable); !strings.Contains(e.Message, "systemctl start docker") {
				t.Errorf("got %v", e)
			}
		}
		s, err := b.SnapshotByNameOrID(t.Context(), org, "daytona-small")
		must(t, err)
		if s.State != sandbox.SnapshotError || !strings.Contains(s.ErrorReason, "Docker does not run") {
			t.Errorf("the snapshot is %+v", s)
		}
		runners, err := b.Runners(t.Context())
		must(t, err)
		if runners[0].State != "unresponsive" || runners[1].State != "ready" || runners[1].Started != 1 {
			t.Errorf("runners %+v", runners)
		}
		b.docker.SetDown(nil)
		look()
		b.create(manager.CreateRequest{Snapshot: "daytona-small"})
	})
}

func TestWithoutTheImage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(b *bench) { b.cfg.Image = "none:1" })
		if s := b.create(manager.CreateRequest{}); s.Snapshot != "wasm" {
			t.Errorf("created %+v", s)
		}
		_, err := b.Create(t.Context(), manager.CreateRequest{Organization: org, Snapshot: "daytona-small"})
		if e := wantKind(t, err, sandbox.KindConflict); !strings.Contains(e.Message, "make docker") {
			t.Errorf("got %v", e)
		}
		b.create(manager.CreateRequest{Image: "debian:12"})
	})
}

func TestPowersThatAnEngineLacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(b *bench) {
			b.wasm.SetPrint(func(p *sandbox.Fingerprint) { p.Can = sandbox.Powers{} })
		})
		s := b.create(manager.CreateRequest{Snapshot: "wasm", Network: sandbox.Network{BlockAll: true}})
		var errs []error
		try := func(_ sandbox.Sandbox, err error) { errs = append(errs, err) }
		try(b.Pause(t.Context(), org, s.ID))
		try(b.Archive(t.Context(), org, s.ID))
		try(b.Fork(t.Context(), org, s.ID, ""))
		try(b.Snapshot(t.Context(), org, s.ID, "x", false))
		try(b.Resize(t.Context(), org, s.ID, sandbox.Resources{CPU: 2}))
		try(b.SetIntervals(t.Context(), org, s.ID, manager.IntervalUpdate{AutoPause: minutes(1)}))
		try(b.Create(t.Context(), manager.CreateRequest{Organization: org, Snapshot: "wasm", AutoPause: minutes(1)}))
		try(b.Create(t.Context(), manager.CreateRequest{Organization: org, Snapshot: "wasm", Network: sandbox.Network{Allow: []string{"10.0.0.0/8"}}}))
		for i, err := range errs {
			if e := wantKind(t, err, sandbox.KindUnprocessed); !strings.Contains(e.Message, "container") {
				t.Errorf("%d: it names no way out: %v", i, e)
			}
		}
	})
}

func TestQuotaAndRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		must(t, b.Close())
		b.cfg.Placer = scheduler.NewPlacer(scheduler.PlacerConfig{
			Engines: b.cfg.Engines, Region: b.cfg.Region, Log: b.cfg.Log,
			Quota: func(string) sandbox.Resources { return sandbox.Resources{CPU: 3, DiskGiB: 12} },
		})
		b.boot()
		all := []sandbox.Sandbox{b.create(manager.CreateRequest{}), b.create(manager.CreateRequest{}), b.create(manager.CreateRequest{})}
		_, err := b.Create(t.Context(), manager.CreateRequest{Organization: org})
		if e := wantKind(t, err, sandbox.KindForbidden); !strings.Contains(e.Message, "3 of 3") {
			t.Errorf("got %v", e)
		}
		b.do(sandbox.StateStopped)(b.Stop(t.Context(), org, all[0].ID, false))
		b.create(manager.CreateRequest{})
		_, err = b.Start(t.Context(), org, all[0].ID)
		wantKind(t, err, sandbox.KindForbidden)
		b.do(sandbox.StateDestroyed)(b.Destroy(t.Context(), org, all[1].ID))
		b.do(sandbox.StateStarted)(b.Start(t.Context(), org, all[0].ID))
		b.do(sandbox.StateStopped)(b.Stop(t.Context(), org, all[0].ID, false))
		b.create(manager.CreateRequest{})
		_, err = b.Create(t.Context(), manager.CreateRequest{Organization: org})
		wantKind(t, err, sandbox.KindForbidden) // the disk of the stopped one
		b.do(sandbox.StateArchived)(b.Archive(t.Context(), org, all[0].ID))
		if used := b.usage().Used; used.DiskGiB != 9 {
			t.Errorf("used %+v", used)
		}
	})
}

func TestSlowSubscribersAreDropped(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		slow, stopSlow := b.Subscribe(org)
		other, stop := b.Subscribe("another")
		for range 150 {
			s := b.create(manager.CreateRequest{Snapshot: "wasm"})
			b.do(sandbox.StateDestroyed)(b.Destroy(t.Context(), org, s.ID))
		}
		n := 0
		for range slow {
			n++
		}
		if n == 0 || n > 256 || len(other) != 0 {
			t.Errorf("the slow one has %d events, the other %d", n, len(other))
		}
		stop()
		stop()
		stopSlow()
		if _, open := <-other; open {
			t.Error("a subscription that has ended goes on")
		}
	})
}
