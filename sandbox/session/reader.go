package session

import (
	"context"
	"io"
	"math"
	"sort"
)

// Chunk is a part of a log.
type Chunk struct {
	Stream Stream
	Offset int64 // of its first byte
	Data   []byte
}

// Reader follows a log. Only one goroutine may use it.
type Reader struct {
	log  *Log
	next int64 // offset of the first byte that it has not got
	kept int64 // offset of the first byte that it may want again; see Keep
	slow bool  // it is not waited for
}

// Reader returns a reader from an offset on; one that lies beyond the end waits
// for the bytes there. The caller must Close it.
func (l *Log) Reader(from int64) *Reader {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := &Reader{log: l, next: max(0, from), kept: math.MaxInt64}
	l.readers[r] = struct{}{}
	return r
}

// Keep makes the log keep what the reader got from an offset on as if it had not
// got it yet, for a client that is known to have all before it: should the client
// be cut off, another reader can go on there. It never goes back.
func (r *Reader) Keep(from int64) {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	if r.kept == math.MaxInt64 || from > r.kept {
		r.kept = max(0, from)
		wake(&r.log.progress)
	}
}

// needs returns the offset of the first byte that must not be dropped while the
// reader is waited for. Precondition: its log's lock is held.
func (r *Reader) needs() int64 { return min(r.next, r.kept) }

// Close lets the log forget the reader.
func (r *Reader) Close() {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	delete(r.log.readers, r)
	wake(&r.log.progress)
}

// Next returns what comes next, when it is there: at most 32 KiB of one stream.
// The number of bytes that the log had to drop before the reader could get them
// is 0 but for the first bytes of a flooded log, or after a pause of the
// reader's. After the last byte the error is io.EOF.
func (r *Reader) Next(ctx context.Context) (chunk Chunk, dropped int64, err error) {
	for {
		chunk, dropped, changed, ended := r.take()
		switch {
		case len(chunk.Data) > 0 || dropped > 0:
			return chunk, dropped, nil
		case ended:
			return Chunk{}, 0, io.EOF
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return Chunk{}, 0, ctx.Err()
		}
	}
}

// take returns what is there now, or else what to wait for.
func (r *Reader) take() (chunk Chunk, dropped int64, changed <-chan struct{}, ended bool) {
	l := r.log
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.next < l.start {
		dropped = l.start - r.next
		r.next = l.start
	}
	chunk.Offset = r.next // also where nothing is left to hand out
	i := sort.Search(len(l.pieces), func(i int) bool { return l.pieces[i].end() > r.next })
	if i < len(l.pieces) && l.pieces[i].offset <= r.next {
		p := l.pieces[i]
		chunk.Stream, chunk.Data = p.stream, append([]byte(nil), p.data[r.next-p.offset:]...)
		r.next = p.end()
		r.slow = r.slow && r.next < l.end
		wake(&l.progress)
	}
	return chunk, dropped, l.changed, l.closed
}
