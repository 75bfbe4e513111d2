package sandboxtest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"sandpiper/sandbox"
)

func snapshot(id, organization, name string, aliases ...string) sandbox.Snapshot {
	return sandbox.Snapshot{
		ID: id, Organization: organization, Name: name, Aliases: aliases, Engine: sandbox.EngineContainer, Ref: "image:1", Image: "image:1",
		Entrypoint: []string{"sleep"}, Runtime: "crun", Resources: sandbox.Resources{CPU: 1, MemoryGiB: 1, DiskGiB: 3},
		State: sandbox.SnapshotActive, SizeBytes: 5, Source: "source", CreatedAt: epoch, UpdatedAt: epoch,
	}
}

func snapshotsAreKept(t *testing.T, s sandbox.Store) {
	_, err := s.FindSnapshot(t.Context(), "org", "small")
	wantKind(t, err, sandbox.KindNotFound)
	general, own := snapshot("1", "", "small", "tiny"), snapshot("2", "org", "mine")
	must(t, s.AddSnapshot(t.Context(), general))
	must(t, s.AddSnapshot(t.Context(), own))
	for _, name := range []string{"1", "small", "tiny"} {
		got, err := s.FindSnapshot(t.Context(), "org", name)
		must(t, err)
		wantSame(t, got, general)
	}
	for _, name := range []string{"2", "mine"} {
		_, err := s.FindSnapshot(t.Context(), "another", name)
		wantKind(t, err, sandbox.KindNotFound)
	}
	wantKind(t, s.AddSnapshot(t.Context(), snapshot("3", "org", "mine")), sandbox.KindConflict)
	wantKind(t, s.AddSnapshot(t.Context(), snapshot("3", "", "tiny")), sandbox.KindConflict)
	must(t, s.AddSnapshot(t.Context(), snapshot("4", "org", "tiny")))
	got, err := s.FindSnapshot(t.Context(), "org", "tiny")
	must(t, err)
	if got.ID != "4" {
		t.Errorf("a general snapshot hides the organization's own: %+v", got)
	}
	before, after, err := s.UpdateSnapshot(t.Context(), "4", func(n *sandbox.Snapshot) error {
		n.Name, n.LastUsedAt = "renamed", epoch.Add(time.Hour)
		return nil
	})
	must(t, err)
	got, err = s.FindSnapshot(t.Context(), "org", "renamed")
	must(t, err)
	wantSame(t, got, after)
	if before.Name != "tiny" {
		t.Errorf("before it was %+v", before)
	}
	_, _, err = s.UpdateSnapshot(t.Context(), "4", func(n *sandbox.Snapshot) error {
		n.Name = "mine"
		return nil
	})
	wantKind(t, err, sandbox.KindConflict)
	must(t, s.DeleteSnapshot(t.Context(), "4"))
	wantKind(t, s.DeleteSnapshot(t.Context(), "4"), sandbox.KindNotFound)
	_, err = s.FindSnapshot(t.Context(), "org", "renamed")
	wantKind(t, err, sandbox.KindNotFound)
}

func snapshotPages(t *testing.T, s sandbox.Store) {
	for i := range 5 {
		n := snapshot(fmt.Sprint(i), "org", fmt.Sprintf("Snap-%d", i))
		n.CreatedAt = epoch.Add(-time.Duration(i) * time.Minute)
		if i%2 == 1 {
			n.LastUsedAt, n.Source = epoch.Add(time.Duration(i)*time.Minute), "another"
		}
		must(t, s.AddSnapshot(t.Context(), n))
	}
	must(t, s.AddSnapshot(t.Context(), snapshot("x", "other", "snap-x")))
	for _, tt := range []struct {
		name  string
		f     sandbox.SnapshotFilter
		want  []string
		total int
	}{
		{"by use", sandbox.SnapshotFilter{}, []string{"3", "1", "4", "2", "0"}, 5},
		{"by name", sandbox.SnapshotFilter{Sort: sandbox.SnapshotsByName, Ascending: true}, []string{"0", "1", "2", "3", "4"}, 5},
		{"by creation", sandbox.SnapshotFilter{Sort: sandbox.SnapshotsByCreated, Ascending: true, Limit: 2, Page: 2}, []string{"2", "1"}, 5},
		{"a name", sandbox.SnapshotFilter{Name: "sNAP-3"}, []string{"3"}, 1},
		{"a source", sandbox.SnapshotFilter{Source: "another", Limit: 1}, []string{"3"}, 2},
		{"beyond the end", sandbox.SnapshotFilter{Page: 9}, []string{}, 5},
	} {
		tt.f.Organization = "org"
		page, err := s.Snapshots(t.Context(), tt.f)
		must(t, err)
		got := []string{}
		for _, n := range page.Items {
			got = append(got, n.ID)
		}
		if page.Total != tt.total || !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %v of %d, want %v of %d", tt.name, got, page.Total, tt.want, tt.total)
		}
	}
	_, err := s.Snapshots(t.Context(), sandbox.SnapshotFilter{Sort: "colour"})
	wantKind(t, err, sandbox.KindUnprocessed)
}

func poolsAreKept(t *testing.T, s sandbox.Store) {
	_, err := s.WarmPool(t.Context(), "1")
	wantKind(t, err, sandbox.KindNotFound)
	a := sandbox.WarmPool{ID: "1", Organization: "org", Snapshot: "small", Target: "us", Size: 2, CreatedAt: epoch, UpdatedAt: epoch}
	b := a
	b.ID, b.Target = "2", "eu"
	must(t, s.AddWarmPool(t.Context(), a))
	must(t, s.AddWarmPool(t.Context(), b))
	again := a
	again.ID = "3"
	wantKind(t, s.AddWarmPool(t.Context(), again), sandbox.KindConflict)
	again.Organization = "other"
	must(t, s.AddWarmPool(t.Context(), again))
	before, after, err := s.UpdateWarmPool(t.Context(), "2", func(p *sandbox.WarmPool) error {
		p.Size, p.ErrorReason = 0, "no room"
		return nil
	})
	must(t, err)
	wantSame(t, before, b)
	pools, err := s.WarmPools(t.Context(), "org")
	must(t, err)
	wantSame(t, pools, []sandbox.WarmPool{a, after})
	pools, err = s.WarmPools(t.Context(), "")
	must(t, err)
	if len(pools) != 3 {
		t.Errorf("all pools are %v", pools)
	}
	must(t, s.DeleteWarmPool(t.Context(), "1"))
	wantKind(t, s.DeleteWarmPool(t.Context(), "1"), sandbox.KindNotFound)
	_, _, err = s.UpdateWarmPool(t.Context(), "1", func(*sandbox.WarmPool) error { return nil })
	wantKind(t, err, sandbox.KindNotFound)
}
