package vm

import (
	"context"
	"time"

	"github.com/tetratelabs/wazero/api"

	"sandpiper/sandbox"
)

// grace is how long a run may go on after it was told that its time is over.
func (cfg *RunConfig) grace() time.Duration {
	if cfg.Soft == nil {
		return 0
	}
	return sandbox.InterruptGrace
}

// watchWall has the run stopped when its wall time is over, and told so a grace
// earlier. The caller calls the result when the run has ended.
func (r *Run) watchWall() (done func()) {
	hard := time.AfterFunc(time.Until(r.end), func() { r.stop(errWallLimit) })
	if r.cfg.Soft == nil {
		return func() { hard.Stop() }
	}
	soft := time.AfterFunc(r.cfg.Limits.Wall, func() {
		r.interrupt(func(ctx context.Context, _ api.Module) { r.warn(ctx, errWallLimit) })
	})
	return func() {
		soft.Stop()
		hard.Stop()
	}
}

// checkCPU stops the run when it has used its CPU time, which it is told of a
// grace earlier.
func (r *Run) checkCPU(ctx context.Context) {
	limit := r.cfg.Limits.CPU
	if r.seat.used <= limit {
		return
	}
	if r.cfg.Soft != nil && !r.warned {
		r.warned = true
		r.warn(ctx, errCPULimit)
	}
	if r.seat.used > limit+r.cfg.grace() {
		r.stop(errCPULimit)
		r.unwind()
	}
}

func (r *Run) warn(ctx context.Context, limit error) {
	r.cfg.Soft(ctx, r.guest, sandbox.Outcome{
		Status: sandbox.StatusTimeout, ExitCode: exitKilled, Signal: "SIGKILL", Message: r.timeoutText(limit),
	})
}
