package vm

import "golang.org/x/sys/unix"

const mapNoReserve = unix.MAP_NORESERVE

// How much memory is mapped at once. A guest uses what its module starts with,
// most of which is filled with data, but it may never touch what it grows by.
const (
	maxPrefaultStart = 96 << 20
	maxPrefaultMore  = 16 << 20
)

// prefault maps the pages of b in one go, which costs a fraction of a fault for
// each of them; start says that b is what the guest starts with. Where b is
// large it asks for huge pages instead, so that filling it, which nothing can
// interrupt, does not take a fault for every 4 KiB. It is an optimisation:
// kernels that cannot do it leave it be.
func prefault(b []byte, start bool) {
	most := maxPrefaultMore
	if start {
		most = maxPrefaultStart
	}
	switch {
	case len(b) == 0:
	case len(b) <= most:
		_ = unix.Madvise(b, unix.MADV_POPULATE_WRITE)
	default:
		_ = unix.Madvise(b, unix.MADV_HUGEPAGE)
	}
}
