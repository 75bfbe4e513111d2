package metrics

import (
	"testing"

	"sandpiper/sandbox"
)

func TestDiskOfItsOwn(t *testing.T) {
	const gib = 1 << 30
	s := sandbox.Sandbox{Resources: sandbox.Resources{DiskGiB: 8}, DiskBytes: 123}
	for _, tt := range []struct {
		name        string
		total, used int64
		wantTotal   int64
		wantUsed    int64
	}{
		{"the host's disk", 252 * gib, 28 * gib, 8 * gib, 123},
		{"a disk with the limit", 8 * gib, 3 * gib, 8 * gib, 3 * gib},
		{"a disk a little larger than asked for", 8*gib + gib/2, 3 * gib, 8*gib + gib/2, 3 * gib},
	} {
		got := ofItsOwn(Sample{DiskTotal: tt.total, DiskUsed: tt.used}, s)
		if got.DiskTotal != tt.wantTotal || got.DiskUsed != tt.wantUsed {
			t.Errorf("%s: %d of %d", tt.name, got.DiskUsed, got.DiskTotal)
		}
	}
}
