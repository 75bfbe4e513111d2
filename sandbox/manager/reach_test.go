package manager_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/manager"
	"sandpiper/sandbox/sandboxtest"
	"sandpiper/sandbox/scheduler"
)

func TestFieldsOfACreation(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		for field, r := range map[string]manager.CreateRequest{
			"name":                {Name: "a/b"},
			"target":              {Target: "a b"},
			"user":                {User: "a b"},
			"env":                 {Env: map[string]string{"=": ""}},
			"labels":              {Labels: map[string]string{"": ""}},
			"networkAllowList":    {Network: sandbox.Network{Allow: []string{"::/0"}}},
			"domainAllowList":     {Network: sandbox.Network{Domains: []string{"*"}}},
			"volumes[0].volumeId": {Volumes: []sandbox.VolumeMount{{Path: "/data"}}},
			"cpu":                 {Resources: sandbox.Resources{CPU: 5}},
			"gpu":                 {Resources: sandbox.Resources{GPU: 1}},
			"autoStopInterval":    {AutoStop: minutes(-1)},
			"autoPauseInterval":   {AutoStop: minutes(1), AutoPause: minutes(1)},
			"ttlMinutes":          {TTL: minutes(-1)},
			"linkedSandbox":       {Linked: "nobody", AutoDelete: minutes(0)},
		} {
			r.Organization = org
			_, err := b.Create(t.Context(), r)
			if e := wantKind(t, err, sandbox.KindUnprocessed); e.Field != field {
				t.Errorf("the field at fault is %q, want %q: %v", e.Field, field, e)
			}
		}
		_, err := b.Create(t.Context(), manager.CreateRequest{Organization: org, Snapshot: "nothing"})
		if e := wantKind(t, err, sandbox.KindNotFound); e.Field != "snapshot" {
			t.Errorf("got %+v", e)
		}
		b.create(manager.CreateRequest{Name: "web"})
		_, err = b.Create(t.Context(), manager.CreateRequest{Organization: org, Name: "web"})
		if e := wantKind(t, err, sandbox.KindConflict); e.Field != "name" {
			t.Errorf("got %+v", e)
		}
		if u := b.usage(); u.Used.CPU != 1 || u.Sandboxes != 1 {
			t.Errorf("what was refused holds something: %+v", u)
		}
		_, err = b.CreateSnapshot(t.Context(), manager.SnapshotRequest{Organization: org, Name: "mine"})
		if e := wantKind(t, err, sandbox.KindUnprocessed); e.Field != "imageName" {
			t.Errorf("got %+v", e)
		}
	})
}

func TestListKnowsTheRegion(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		for _, target := range []string{"us", "eu", ""} {
			b.create(manager.CreateRequest{Name: "in-" + target, Target: target})
		}
		for region, want := range map[string][]string{"us": {"in-us"}, "local": {"in-", "in-eu", "in-us"}, "mars": nil} {
			page, err := b.List(t.Context(), sandbox.SandboxFilter{Organization: org, Targets: []string{region}})
			must(t, err)
			if got := names(page.Items); !slices.Equal(got, want) {
				t.Errorf("region %s has %v, want %v", region, got, want)
			}
		}
		if r := b.Regions(); len(r) != 1 || r[0].ID != "local" {
			t.Errorf("regions %v", r)
		}
	})
}

func TestDialAndByID(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		s := b.create(manager.CreateRequest{})
		conn, err := b.Dial(t.Context(), s.ID, sandbox.ToolboxPort)
		must(t, err)
		conn.Close()
		_, err = b.Dial(t.Context(), s.ID, 8000)
		wantKind(t, err, sandbox.KindNotFound)
		_, err = b.Dial(t.Context(), "nobody", 8000)
		wantKind(t, err, sandbox.KindNotFound)
		if got, err := b.ByID(t.Context(), s.ID); err != nil || got.ID != s.ID {
			t.Errorf("got %+v, %v", got, err)
		}
		other := b.create(manager.CreateRequest{})
		if b.ToolboxToken(s) == b.ToolboxToken(other) || b.ToolboxToken(s) == b.SigningKey(s) || len(b.ToolboxToken(s)) != 32 {
			t.Error("two secrets are the same")
		}
	})
}

func TestWaitState(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		s := b.create(manager.CreateRequest{})
		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := b.WaitState(soon, s.ID, sandbox.StatePaused); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the wait ended with %v", err)
		}
		b.docker.FailNext("stop", sandbox.Errorf(sandbox.KindUnavailable, "stuck"))
		go b.Stop(background(), org, s.ID, false)
		_, err := b.WaitState(t.Context(), s.ID, sandbox.StateStopped)
		if e := wantKind(t, err, sandbox.KindConflict); !strings.Contains(e.Message, "stuck") {
			t.Errorf("got %v", e)
		}
		b.do(sandbox.StateError)(b.WaitState(t.Context(), s.ID, sandbox.StateError))
		b.docker.SetDelay("destroy", time.Second)
		go b.Destroy(background(), org, s.ID)
		synctest.Wait()
		_, err = b.WaitState(t.Context(), s.ID, sandbox.StatePaused)
		wantKind(t, err, sandbox.KindNotFound)
		b.do(sandbox.StateDestroyed)(b.WaitState(t.Context(), s.ID, sandbox.StateDestroyed))
		_, err = b.WaitState(t.Context(), "nobody", sandbox.StateStarted)
		wantKind(t, err, sandbox.KindNotFound)
	})
}

// pickyEngine has no image but its own.
type pickyEngine struct{ *sandboxtest.Engine }

func (e pickyEngine) HasRef(ctx context.Context, ref string) (sandbox.RefInfo, error) {
	if ref != manager.DefaultImage {
		ref = "none"
	}
	return e.Engine.HasRef(ctx, ref)
}

func TestUpstreamImageIsOurs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		must(t, b.Close())
		b.cfg.Engines = []sandbox.Engine{pickyEngine{b.docker}}
		b.cfg.Placer = scheduler.NewPlacer(scheduler.PlacerConfig{Engines: b.cfg.Engines, Log: b.cfg.Log})
		b.boot()
		s := b.create(manager.CreateRequest{Image: "daytonaio/sandbox:0.5.0"})
		if s.Ref != manager.DefaultImage || s.Snapshot != "daytonaio/sandbox:0.5.0" {
			t.Errorf("got %+v", s)
		}
		_, err := b.Create(t.Context(), manager.CreateRequest{Organization: org, Image: "daytonaio/sandboxes:1"})
		wantKind(t, err, sandbox.KindUnprocessed)
	})
}

func TestPoolBeyondTheQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(b *bench) {
			b.docker.SetPrint(func(p *sandbox.Fingerprint) { p.Capacity.MemoryGiB = 1 })
		})
		p, err := b.CreateWarmPool(t.Context(), org, manager.SnapshotSmall, "", 6)
		must(t, err)
		b.settle()
		if p = b.poolNow(p.ID, 4); !strings.Contains(p.ErrorReason, "no room") { // four times what the host has
			t.Errorf("the pool gives the reason %q", p.ErrorReason)
		}
	})
}

func TestSecretMustBeLong(t *testing.T) {
	if _, err := manager.New(t.Context(), manager.Config{Secret: []byte("short")}); err == nil {
		t.Error("accepted")
	}
}
