package desktop

import (
	"context"
	"sync"
	"time"

	"sandpiper/sandbox"
)

// maxPeople is how many connections one screen may have: each costs its sandbox
// the work of encoding the picture.
const maxPeople = 32

// controlTime is how long after the last key or click somebody is said to be in
// control.
const controlTime = 10 * time.Second

// person is a connection to a screen.
type person struct {
	link string                  // with which it watches; "" for a member
	end  context.CancelCauseFunc // of the connection

	mu    sync.Mutex
	acted time.Time // the last key, click or text
}

// act notes that a person's hands did something, and reports whether the last
// note is older than d.
func (p *person) act(now time.Time, d time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	old := now.Sub(p.acted) > d
	if old {
		p.acted = now
	}
	return old
}

func (p *person) controls(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return now.Sub(p.acted) <= controlTime
}

// rooms know who is connected to which screen. The zero value is ready.
type rooms struct {
	mu     sync.Mutex
	people map[string]map[*person]bool // by sandbox
}

// enter adds somebody to a sandbox's screen until leave.
func (r *rooms) enter(id string, p *person) (leave func(), err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.people[id]) >= maxPeople {
		return nil, &sandbox.Error{Kind: sandbox.KindBusy, Message: "as many people as can be are at this desktop already; try again later", RetryAfter: time.Minute}
	}
	if r.people == nil {
		r.people = map[string]map[*person]bool{}
	}
	if r.people[id] == nil {
		r.people[id] = map[*person]bool{}
	}
	r.people[id][p] = true
	return func() { r.leave(id, p) }, nil
}

func (r *rooms) leave(id string, p *person) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.people[id], p)
	if len(r.people[id]) == 0 {
		delete(r.people, id)
	}
}

// dismiss ends the connections that a link opened.
func (r *rooms) dismiss(id, link string, cause error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for p := range r.people[id] {
		if p.link == link {
			p.end(cause)
		}
	}
}

// attendance is who is at a screen.
type attendance struct {
	members  int            // connections of members
	watching map[string]int // by link
	control  int            // members who used keys or pointer just now
}

func (r *rooms) attendance(id string, now time.Time) attendance {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := attendance{watching: map[string]int{}}
	for p := range r.people[id] {
		if p.link != "" {
			a.watching[p.link]++
			continue
		}
		a.members++
		if p.controls(now) {
			a.control++
		}
	}
	return a
}
