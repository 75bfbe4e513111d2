package session

import (
	"sync"
	"time"
)

// Stream is one of a command's two outputs.
type Stream byte

// The streams. Terminals have only the first.
const (
	Stdout Stream = 1
	Stderr Stream = 2
)

const (
	// pieceSize is the most that a log keeps and hands out in one piece.
	pieceSize = 32 << 10

	// pieceCost is what a piece costs besides its bytes: a program that
	// alternates between its outputs makes many small ones.
	pieceCost = 64

	// patience is how long a writer waits for a reader that takes nothing.
	patience = 10 * time.Second
)

// piece is a run of bytes of one stream.
type piece struct {
	stream Stream
	offset int64 // of its first byte
	data   []byte
}

func (p piece) end() int64 { return p.offset + int64(len(p.data)) }
func (p piece) cost() int  { return cap(p.data) + pieceCost }

// Log is the bounded output of one command or terminal. Offsets count the bytes
// of both streams together, in the order in which they came. It is safe for
// concurrent use.
type Log struct {
	store *store

	mu       sync.Mutex
	limit    int
	pieces   []piece // the oldest first
	cost     int
	start    int64 // offset of the oldest byte that is still there
	end      int64
	closed   bool
	modes    *modes // of the screen before start; nil for a log that is no terminal's
	readers  map[*Reader]struct{}
	changed  chan struct{} // closed and renewed when readers have something to see
	progress chan struct{} // closed and renewed when a reader has taken something
}

func newLog(s *store, limit int) *Log {
	return &Log{store: s, limit: limit, readers: map[*Reader]struct{}{}, changed: make(chan struct{}), progress: make(chan struct{})}
}

// Bounds returns the offset of the oldest byte that is still there, and the one
// after the newest.
func (l *Log) Bounds() (start, end int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.start, l.end
}

// Pieces returns a copy of all that is still there, and how many bytes before
// it were dropped.
func (l *Log) Pieces() (chunks []Chunk, dropped int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.pieces {
		chunks = append(chunks, Chunk{Stream: p.stream, Offset: p.offset, Data: append([]byte(nil), p.data...)})
	}
	return chunks, l.start
}

// writer returns a writer to one of the streams.
func (l *Log) writer(s Stream) writer { return writer{l, s} }

type writer struct {
	log    *Log
	stream Stream
}

// Write implements io.Writer. It waits for readers that are about to miss
// something, but not for ever.
func (w writer) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		n := min(len(rest), pieceSize)
		w.log.add(w.stream, rest[:n])
		rest = rest[n:]
	}
	return len(p), nil
}

// add appends at most one piece's worth of data.
func (l *Log) add(s Stream, data []byte) {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return // nobody reads on
	}
	if last := len(l.pieces) - 1; last >= 0 && l.pieces[last].stream == s && len(l.pieces[last].data)+len(data) <= pieceSize {
		p := &l.pieces[last]
		l.cost -= p.cost()
		p.data = append(p.data, data...)
		l.cost += p.cost()
	} else {
		p := piece{stream: s, offset: l.end, data: append(make([]byte, 0, len(data)), data...)}
		l.pieces = append(l.pieces, p)
		l.cost += p.cost()
	}
	l.end += int64(len(data))
	wake(&l.changed)
	l.shrink()
	cost := l.cost
	l.mu.Unlock()
	l.store.changed(l, cost)
}

// shrink drops the oldest pieces until the log is within its limit.
// Precondition: l.mu is held; it is let go while a reader is waited for.
func (l *Log) shrink() {
	for l.cost > l.limit && len(l.pieces) > 1 {
		if late := l.late(); len(late) > 0 && !l.closed {
			l.waitFor(late)
			continue
		}
		l.dropOldest()
	}
}

// late returns the readers that are worth waiting for and need the oldest piece.
// Precondition: l.mu is held.
func (l *Log) late() (late []*Reader) {
	for r := range l.readers {
		if !r.slow && r.needs() < l.pieces[0].end() {
			late = append(late, r)
		}
	}
	return late
}

// waitFor waits until some reader has taken something. When none does for long,
// those that are late are not waited for again until they have caught up.
// Precondition: l.mu is held; it is let go meanwhile.
func (l *Log) waitFor(late []*Reader) {
	progress := l.progress
	l.mu.Unlock()
	timer := time.NewTimer(patience)
	select {
	case <-progress:
		l.mu.Lock()
	case <-timer.C:
		l.mu.Lock()
		for _, r := range late {
			r.slow = true
		}
	}
	timer.Stop()
}

// Precondition: l.mu is held and there is a piece.
func (l *Log) dropOldest() {
	oldest := l.pieces[0]
	if l.modes != nil {
		l.modes.watch(oldest.data)
	}
	l.pieces[0] = piece{} // for the garbage collector
	l.pieces = l.pieces[1:]
	l.cost -= oldest.cost()
	l.start = oldest.end()
}

// close says that nothing more will come. Readers read to the end.
func (l *Log) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	wake(&l.changed)
	wake(&l.progress)
}

// squeeze drops the oldest pieces, whoever reads, until the rest costs no more
// than keep, and returns what it costs.
func (l *Log) squeeze(keep int) (cost int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.cost > keep {
		l.dropOldest()
	}
	wake(&l.changed)
	return l.cost
}

// wake tells all that wait on a channel that something has changed.
func wake(c *chan struct{}) {
	close(*c)
	*c = make(chan struct{})
}
