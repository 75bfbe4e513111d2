package runner

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"sandpiper/sandbox"
	"sandpiper/sandbox/toolbox/attach"
)

// member is a started sandbox that has run no program yet.
type member struct{ id, token string }

// pool is what waits for programs.
type pool struct {
	mu     sync.Mutex
	ready  []member
	wanted chan struct{} // has something in it when one was taken
}

// take returns a member that waits, if one does.
func (p *pool) take() (m member, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.ready) == 0 {
		return m, false
	}
	m, p.ready = p.ready[0], p.ready[1:]
	select {
	case p.wanted <- struct{}{}:
	default:
	}
	return m, true
}

func (p *pool) put(m member) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ready = append(p.ready, m)
}

func (p *pool) size() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.ready)
}

const (
	createTimeout  = 2 * time.Minute
	destroyTimeout = 2 * time.Minute

	// fillPause is how long the pool is left alone after a failure.
	fillPause = 5 * time.Second
)

// keepWarm fills the pool whenever there is room in it, until ctx ends.
func (r *Runner) keepWarm(ctx context.Context) {
	for {
		for r.pool.size() < r.cfg.Warm {
			m, err := r.create(ctx)
			if ctx.Err() != nil {
				return // Close destroys what there is
			}
			if err != nil {
				r.cfg.Log.Warn("no member for the pool of containers", "error", err)
				break
			}
			r.pool.put(m)
		}
		var again <-chan time.Time
		if r.pool.size() < r.cfg.Warm {
			again = time.After(fillPause)
		}
		select {
		case <-r.pool.wanted:
		case <-again:
		case <-ctx.Done():
			return
		}
	}
}

// claim returns a member for one program: one that waits, or a new one.
func (r *Runner) claim(ctx context.Context) (member, error) {
	for {
		m, ok := r.pool.take()
		if !ok {
			return r.create(ctx)
		}
		conn, err := r.cfg.Engine.Dial(ctx, m.id, sandbox.ToolboxPort)
		if err == nil {
			conn.Close()
			return m, nil
		}
		r.destroy(m) // it died while it waited
		if ctx.Err() != nil {
			return member{}, context.Cause(ctx)
		}
	}
}

func (r *Runner) create(ctx context.Context) (member, error) {
	ctx, cancel := context.WithTimeout(ctx, createTimeout)
	defer cancel()
	m := member{id: uuid.NewString(), token: sandbox.NewID()}
	return m, r.cfg.Engine.Create(ctx, sandbox.Spec{
		ID: m.id, Name: "run", Ref: r.cfg.Image, Token: m.token, Network: r.cfg.Network,
		Resources: sandbox.Resources{CPU: 1, MemoryGiB: memberGiB, DiskGiB: 1},
	})
}

// destroy removes a member, off everybody's path. What fails is left to the next
// start.
func (r *Runner) destroy(m member) {
	destroy := func(context.Context) {
		ctx, cancel := context.WithTimeout(context.Background(), destroyTimeout)
		defer cancel()
		if err := r.cfg.Engine.Destroy(ctx, m.id); err != nil {
			r.cfg.Log.Warn("a container of a run is left", "sandbox", m.id, "error", err)
		}
	}
	r.background(destroy) // once the runner closes, Close destroys all
}

// destroyAll removes all that the engine has.
func (r *Runner) destroyAll(ctx context.Context) error {
	all, err := r.cfg.Engine.List(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, found := range all {
		errs = append(errs, r.cfg.Engine.Destroy(ctx, found.ID))
	}
	return errors.Join(errs...)
}

// attach starts a process in a member.
func (r *Runner) attach(ctx context.Context, m member, c attach.Command) (*attach.Process, error) {
	conn, err := r.cfg.Engine.Dial(ctx, m.id, sandbox.ToolboxPort)
	if err != nil {
		return nil, fmt.Errorf("reach the container of a run: %w", err)
	}
	return attach.Start(ctx, conn, m.token, c)
}
