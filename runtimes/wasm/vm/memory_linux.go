package vm

import "golang.org/x/sys/unix"

const mapNoReserve = unix.MAP_NORESERVE

// How much memory is mapped at once. A guest uses what its module starts with,
// most of which is filled with data, but it may never touch what it grows by.
const (
	maxPrefaultStart = 96 << 20
	maxPrefaultMore  = 16 << 20
)

// preferHugePages has the kernel back b with huge pages where it can. A guest's
// memory lives for a moment and is filled at once, so faults are much of what it
// costs, and a fill of it, which nothing can interrupt, takes few of them.
func preferHugePages(b []byte) { _ = unix.Madvise(b, unix.MADV_HUGEPAGE) }

// prefault maps the pages of b in one go, which costs a fraction of a fault for
// each of them; start says that b is what the guest starts with. It is an
// optimisation: kernels that cannot do it leave it be.
func prefault(b []byte, start bool) {
	most := maxPrefaultMore
	if start {
		most = maxPrefaultStart
	}
	if len(b) > 0 && len(b) <= most {
		_ = unix.Madvise(b, unix.MADV_POPULATE_WRITE)
	}
}
