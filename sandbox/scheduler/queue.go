package scheduler

import "slices"

// A fairQueue holds the runs that wait for a place: clients take turns, and
// within a client the first come is the first served. It is not safe for
// concurrent use.
type fairQueue struct {
	lines map[string]*line
	turns []*line // those that wait; the first has its turn next
	n     int
	bytes int64 // of the programs that wait
}

// A line is what one client has waiting, oldest first. It is never empty.
type line struct {
	client string
	runs   []*Run
}

func newFairQueue() fairQueue { return fairQueue{lines: make(map[string]*line)} }

// push puts r at the end of its client's line.
func (q *fairQueue) push(r *Run) {
	l := q.lines[r.client]
	if l == nil {
		l = &line{client: r.client}
		q.lines[r.client] = l
		q.turns = append(q.turns, l)
	}
	l.runs = append(l.runs, r)
	q.n++
	q.bytes += r.bytes
}

// waiting returns how many runs a client has in the queue.
func (q *fairQueue) waiting(client string) int {
	if l := q.lines[client]; l != nil {
		return len(l.runs)
	}
	return 0
}

// pop takes the next run that is ready, of a client that may start one, and
// ends that client's turn. It returns nil when there is none.
func (q *fairQueue) pop(mayStart func(client string) bool) *Run {
	for i, l := range q.turns {
		if !mayStart(l.client) {
			continue
		}
		k := slices.IndexFunc(l.runs, (*Run).isReady)
		if k < 0 {
			continue
		}
		r := l.runs[k]
		q.turns = append(slices.Delete(q.turns, i, i+1), l)
		q.remove(r)
		return r
	}
	return nil
}

// remove takes r out and reports whether it was there.
func (q *fairQueue) remove(r *Run) bool {
	l := q.lines[r.client]
	if l == nil {
		return false
	}
	k := slices.Index(l.runs, r)
	if k < 0 {
		return false
	}
	l.runs = slices.Delete(l.runs, k, k+1)
	q.n--
	q.bytes -= r.bytes
	if len(l.runs) == 0 {
		delete(q.lines, l.client)
		q.turns = slices.DeleteFunc(q.turns, func(o *line) bool { return o == l })
	}
	return true
}

// all returns the runs in no particular order.
func (q *fairQueue) all() []*Run {
	runs := make([]*Run, 0, q.n)
	for _, l := range q.turns {
		runs = append(runs, l.runs...)
	}
	return runs
}

// inOrder calls yield for each run that is ready, in the order in which they
// would start if nothing else came: the position is the number of the call.
func (q *fairQueue) inOrder(yield func(r *Run, position int)) {
	position := 0
	for round := 0; ; round++ {
		more := false
		for _, l := range q.turns {
			if r := nthReady(l.runs, round); r != nil {
				more = true
				position++
				yield(r, position)
			}
		}
		if !more {
			return
		}
	}
}

func nthReady(runs []*Run, n int) *Run {
	for _, r := range runs {
		if !r.isReady() {
			continue
		}
		if n == 0 {
			return r
		}
		n--
	}
	return nil
}
