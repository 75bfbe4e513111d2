package scheduler

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sandpiper/sandbox"
)

// When to come back where room is short, and where an engine does not answer.
const (
	retryRoom   = 15 * time.Second
	retryEngine = 10 * time.Second
)

// Ask asks for a place.
type Ask struct {
	ID           string // of the sandbox
	Organization string
	Client       string             // who asks, in whose line it stands; "" for the server itself
	Engine       sandbox.EngineName // that its snapshot needs
	Runner       string             // where its files are; "" for a new one
	Resources    sandbox.Resources  // that it will hold
	Holds        sandbox.Resources  // of them, what it holds already
}

// Ticket is a place with a turn: room is held for a sandbox, and its creation or
// start waits until it is its turn.
type Ticket struct {
	p      *Placer
	ask    Ask
	runner *runner
	reason string

	turn  chan struct{} // closed when it is its turn
	state ticketState   // guarded by p.mu
}

type ticketState int

const (
	ticketWaiting ticketState = iota
	ticketRunning
	ticketOver
)

// Reserve finds a place for a sandbox, holds the room, and puts its creation or
// start in the queue. The room is held until Hold says otherwise.
//
// # Errors
//
//   - KindForbidden: the organization's quota is used up.
//   - KindUnprocessed: no host of this server is as large, whatever is free.
//   - KindBusy: the host has no room now, or the queue is full; see RetryAfter.
//   - KindUnavailable: there is no such engine, or it does not answer.
func (p *Placer) Reserve(ctx context.Context, a Ask) (*Ticket, error) {
	p.ReadFirst(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.withinQuota(a); err != nil {
		return nil, err
	}
	r, reason, err := p.place(a)
	if err != nil {
		return nil, err
	}
	if err := p.queueRefusal(a.Client); err != nil {
		return nil, err
	}
	t := &Ticket{p: p, ask: a, runner: r, reason: reason, turn: make(chan struct{})}
	p.held[a.ID] = holding{a.Organization, r.id, a.Resources}
	p.queue.push(t)
	p.letStart()
	return t, nil
}

// withinQuota returns why an organization may not hold what a asks for, or nil.
// Preconditions: p.mu must be held.
func (p *Placer) withinQuota(a Ask) error {
	if p.cfg.Quota == nil {
		return nil
	}
	quota := p.cfg.Quota(a.Organization)
	var used sandbox.Resources
	for id, h := range p.held {
		if h.organization == a.Organization && id != a.ID {
			used = used.Plus(h.resources)
		}
	}
	for _, c := range compare(a.Resources, a.Holds, used, quota) {
		if c.limit > 0 && c.asked > 0 && c.used+c.wanted > c.limit {
			return sandbox.Errorf(sandbox.KindForbidden, "the organization's quota of %s is used up: %d of %d are in use and %d more were asked for; %s",
				c.what, c.used, c.limit, c.wanted, c.advice)
		}
	}
	return nil
}

// place chooses the runner and says why. Preconditions: p.mu must be held.
func (p *Placer) place(a Ask) (*runner, string, error) {
	candidates, err := p.candidates(a)
	if err != nil {
		return nil, "", err
	}
	var refused error
	for _, r := range p.byRoom(candidates) {
		err := r.usable()
		if err == nil {
			err = p.fits(r, a)
		}
		if err == nil {
			return r, placeReason(a, len(candidates)), nil
		}
		if refused == nil || sandbox.KindOf(err) == sandbox.KindBusy {
			refused = err
		}
	}
	return nil, "", refused
}

func placeReason(a Ask, candidates int) string {
	switch {
	case a.Runner != "":
		return "its files are there"
	case candidates == 1:
		return fmt.Sprintf("the only %s engine", a.Engine)
	default:
		return fmt.Sprintf("the %s engine with the most memory left", a.Engine)
	}
}

func (p *Placer) candidates(a Ask) ([]*runner, error) {
	var found []*runner
	for _, r := range p.runners {
		if r.engine.Name() == a.Engine && (a.Runner == "" || a.Runner == r.id) {
			found = append(found, r)
		}
	}
	switch {
	case len(found) > 0:
		return found, nil
	case a.Runner != "":
		return nil, sandbox.Errorf(sandbox.KindUnavailable, "the runner %s, where the sandbox's files are, is not part of this server now", a.Runner)
	default:
		return nil, sandbox.Errorf(sandbox.KindUnavailable, "%s", lacks(a.Engine))
	}
}

// fits returns why a's sandbox cannot be on a runner, or nil. Preconditions:
// p.mu must be held.
func (p *Placer) fits(r *runner, a Ask) error {
	limit, most := p.limit(r), r.print.MaxEach
	used, sandboxes := p.promised(r.id)
	if h, ok := p.held[a.ID]; ok && h.runner == r.id {
		used = used.Minus(h.resources)
	}
	for _, c := range compare(a.Resources, a.Holds, used, limit) {
		switch {
		case c.asked <= 0:
		case c.of(most) > 0 && c.wanted > c.of(most), c.limit > 0 && c.wanted > c.limit:
			return sandbox.FieldErrorf(c.field, "no sandbox on this server can have %d %s", c.wanted, c.what)
		case c.limit > 0 && c.used+c.wanted > c.limit:
			return busy("the host has no room for that: %d %s were asked for and %d of %d that it can promise are free, with %d sandboxes on it; %s",
				c.wanted, c.what, max(0, c.limit-c.used), c.limit, sandboxes, c.advice)
		case c.real && c.of(r.print.Capacity) > 0 && c.of(r.print.Available) < floorGiB:
			return busy("the host has no %s left: %d were asked for, %d of its %d are free, and it keeps %d for itself; %s",
				c.what, c.wanted, c.of(r.print.Available), c.of(r.print.Capacity), floorGiB, c.advice)
		}
	}
	return nil
}

func busy(format string, args ...any) error {
	return &sandbox.Error{Kind: sandbox.KindBusy, RetryAfter: retryRoom, Message: fmt.Sprintf(format, args...)}
}

// A comparison is one resource of what is asked, what is used and what there is.
type comparison struct {
	field, what, advice        string
	wanted, asked, used, limit int // asked is the part of wanted that is not held yet
	real                       bool
	of                         func(sandbox.Resources) int
}

func compare(wanted, holds, used, limit sandbox.Resources) []comparison {
	const free = "stop or delete sandboxes that are not needed, or ask for less"
	all := []comparison{
		{field: "cpu", what: "CPU cores", advice: free, of: func(r sandbox.Resources) int { return r.CPU }},
		{field: "memory", what: "GiB of memory", advice: free, real: true, of: func(r sandbox.Resources) int { return r.MemoryGiB }},
		{field: "disk", what: "GiB of disk", advice: "delete or archive sandboxes that are not needed, or ask for less", real: true,
			of: func(r sandbox.Resources) int { return r.DiskGiB }},
	}
	for i := range all {
		c := &all[i]
		c.wanted, c.used, c.limit = c.of(wanted), c.of(used), c.of(limit)
		c.asked = c.wanted - c.of(holds)
	}
	return all
}

// queueRefusal returns why a client may have nobody more wait, or nil.
// Preconditions: p.mu must be held.
func (p *Placer) queueRefusal(client string) error {
	if p.queue.waiting(client) < p.cfg.QueuePerClient && p.queue.n < p.cfg.QueueTotal {
		return nil
	}
	return busy("%d sandboxes wait to be created or started already, %d of them yours; try again in a moment", p.queue.n, p.queue.waiting(client))
}

// letStart gives turns to those that may have one. Preconditions: p.mu must be
// held.
func (p *Placer) letStart() {
	for {
		t, ok := p.queue.pop(func(string) bool { return true })
		if !ok {
			return
		}
		t.state = ticketRunning
		t.runner.taken++
		close(t.turn)
	}
}

// lineOf, size and isReady are what the queue asks of a ticket.
func (t *Ticket) lineOf() string { return t.ask.Client }
func (t *Ticket) size() int64    { return 0 }
func (t *Ticket) isReady() bool  { return t.runner.taken < t.p.cfg.Parallel }

// Runner returns where the place is.
func (t *Ticket) Runner() string { return t.runner.id }

// Engine returns the engine of the place.
func (t *Ticket) Engine() sandbox.Engine { return t.runner.engine }

// Reason returns why the place was chosen, for people.
func (t *Ticket) Reason() string { return t.reason }

// Position returns where it stands in the queue of its runner, from 1; 0 when it
// is its turn.
func (t *Ticket) Position() int {
	t.p.mu.Lock()
	defer t.p.mu.Unlock()
	found := 0
	sameRunner := func(o *Ticket) bool { return o.runner == t.runner }
	t.p.queue.inOrder(sameRunner, func(o *Ticket, position int) {
		if o == t {
			found = position
		}
	})
	return found
}

// Wait waits for the turn, or returns ctx's cause when ctx is done first; the
// ticket stands in the queue until Done.
func (t *Ticket) Wait(ctx context.Context) error {
	select {
	case <-t.turn:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Done gives the turn back, or leaves the queue. It may be called again.
func (t *Ticket) Done() {
	t.p.mu.Lock()
	defer t.p.mu.Unlock()
	switch t.state {
	case ticketWaiting:
		t.p.queue.remove(t)
	case ticketRunning:
		t.runner.taken--
	}
	t.state = ticketOver
	t.p.letStart()
}

// messageOf returns what may be shown of an error.
func messageOf(err error) string {
	var e *sandbox.Error
	if errors.As(err, &e) {
		return e.Message
	}
	return "it does not answer; the cause is in the server's log"
}
