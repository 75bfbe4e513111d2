package scheduler

import "slices"

// A waiter is what can stand in a fairQueue.
type waiter interface {
	comparable
	lineOf() string // the client in whose line it stands
	size() int64    // in bytes of memory
	isReady() bool  // it could start now
}

// A fairQueue holds those that wait for a place: clients take turns, and within
// a client the first come is the first served. It is not safe for concurrent
// use.
type fairQueue[W waiter] struct {
	lines map[string]*line[W]
	turns []*line[W] // those that wait; the first has its turn next
	n     int
	bytes int64 // of all that wait
}

// A line is what one client has waiting, oldest first. It is never empty.
type line[W waiter] struct {
	client string
	all    []W
}

func newFairQueue[W waiter]() fairQueue[W] { return fairQueue[W]{lines: make(map[string]*line[W])} }

// push puts r at the end of its client's line.
func (q *fairQueue[W]) push(r W) {
	l := q.lines[r.lineOf()]
	if l == nil {
		l = &line[W]{client: r.lineOf()}
		q.lines[r.lineOf()] = l
		q.turns = append(q.turns, l)
	}
	l.all = append(l.all, r)
	q.n++
	q.bytes += r.size()
}

// waiting returns how many a client has in the queue.
func (q *fairQueue[W]) waiting(client string) int {
	if l := q.lines[client]; l != nil {
		return len(l.all)
	}
	return 0
}

// pop takes the next that is ready, of a client that may start one, and
// ends that client's turn. It returns false when there is none.
func (q *fairQueue[W]) pop(mayStart func(client string) bool) (next W, ok bool) {
	for i, l := range q.turns {
		if !mayStart(l.client) {
			continue
		}
		k := slices.IndexFunc(l.all, W.isReady)
		if k < 0 {
			continue
		}
		r := l.all[k]
		q.turns = append(slices.Delete(q.turns, i, i+1), l)
		q.remove(r)
		return r, true
	}
	return next, false
}

// remove takes r out and reports whether it was there.
func (q *fairQueue[W]) remove(r W) bool {
	l := q.lines[r.lineOf()]
	if l == nil {
		return false
	}
	k := slices.Index(l.all, r)
	if k < 0 {
		return false
	}
	l.all = slices.Delete(l.all, k, k+1)
	q.n--
	q.bytes -= r.size()
	if len(l.all) == 0 {
		delete(q.lines, l.client)
		q.turns = slices.DeleteFunc(q.turns, func(o *line[W]) bool { return o == l })
	}
	return true
}

// all returns them in no particular order.
func (q *fairQueue[W]) all() []W {
	runs := make([]W, 0, q.n)
	for _, l := range q.turns {
		runs = append(runs, l.all...)
	}
	return runs
}

// inOrder calls yield for each that counts, in the order in which they would
// start if nothing else came: the position is the number of the call.
func (q *fairQueue[W]) inOrder(counts func(W) bool, yield func(w W, position int)) {
	position := 0
	for round := 0; ; round++ {
		more := false
		for _, l := range q.turns {
			if w, ok := nth(l.all, round, counts); ok {
				more = true
				position++
				yield(w, position)
			}
		}
		if !more {
			return
		}
	}
}

// nth returns the nth of those that count, from 0.
func nth[W waiter](all []W, n int, counts func(W) bool) (w W, ok bool) {
	for _, w := range all {
		if !counts(w) {
			continue
		}
		if n == 0 {
			return w, true
		}
		n--
	}
	return w, false
}
