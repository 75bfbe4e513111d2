package vm

import (
	"context"
	"time"

	"github.com/tetratelabs/wazero/api"
)

// WASI's clocks.
const (
	clockRealtime  = 0
	clockMonotonic = 1
	clockProcess   = 2 // CPU time
	clockThread    = 3
)

var processStart = time.Now()

// now returns the time of a WASI clock in nanoseconds: real time since 1970,
// monotonic time since the run or its instance began, and CPU time since the run
// began. For the runs of an Instance
// monotonic time began in 1970.
func (r *Run) now(clock uint32) (int64, bool) {
	switch clock {
	case clockRealtime:
		return time.Now().UnixNano(), true
	case clockMonotonic:
		if r.wake != nil { // an instance's clock goes on from run to run, and when it is resumed
			return int64(time.Since(processStart)) + processStart.UnixNano(), true
		}
		return int64(time.Since(r.epoch)), true
	case clockProcess, clockThread:
		return int64(r.clock.elapsed()), true
	}
	return 0, false
}

// clockTimeGet implements WASI's clock_time_get(id, precision, result).
func clockTimeGet(ctx context.Context, mem api.Memory, args []uint64) errno {
	t, ok := Current(ctx).now(uint32(args[0]))
	if !ok {
		return errnoInval
	}
	if !mem.WriteUint64Le(uint32(args[2]), uint64(t)) {
		return errnoFault
	}
	return errnoSuccess
}

// clockResGet implements WASI's clock_res_get(id, result).
func clockResGet(ctx context.Context, guest api.Module, stack []uint64) {
	id, result := uint32(stack[0]), uint32(stack[1])
	resolution := uint64(1)
	if probe := Current(ctx).cfg.Probe; probe != nil {
		resolution = probe(ctx, guest, id)
	}
	switch {
	case id > clockThread:
		stack[0] = uint64(errnoInval)
	case !guest.Memory().WriteUint64Le(result, resolution):
		stack[0] = uint64(errnoFault)
	default:
		stack[0] = uint64(errnoSuccess)
	}
}
