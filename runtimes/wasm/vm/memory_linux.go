package vm

import "golang.org/x/sys/unix"

const mapNoReserve = unix.MAP_NORESERVE

// prefault maps the pages of b in one go, which costs a fraction of a fault for
// each of them. It is an optimisation: kernels that cannot do it leave it be.
func prefault(b []byte) {
	const most = 16 << 20 // a guest that takes more may never touch it
	if len(b) > 0 && len(b) <= most {
		_ = unix.Madvise(b, unix.MADV_POPULATE_WRITE)
	}
}
