package reply

import (
	"bufio"
	"net"
	"net/http"
	"time"
)

// writeTimeout is how long a client may take to accept writeChunk bytes.
const (
	writeTimeout = 30 * time.Second
	writeChunk   = 64 << 10
)

// Recorder is a ResponseWriter that remembers what was answered, and that
// gives the client a fresh, bounded time for each piece written, so that a
// stream may last but a client that stops reading may not.
type Recorder struct {
	http.ResponseWriter
	control *http.ResponseController
	status  int
	bytes   int64
	err     error
}

// NewRecorder returns a Recorder that writes to w.
func NewRecorder(w http.ResponseWriter) *Recorder {
	return &Recorder{ResponseWriter: w, control: http.NewResponseController(w)}
}

// Started reports whether the status is out, so that no other can follow.
func (r *Recorder) Started() bool { return r.status != 0 }

// Status returns the status that was sent; 200 when nothing was.
func (r *Recorder) Status() int {
	if r.status == 0 {
		return http.StatusOK
	}
	return r.status
}

// Bytes returns the size of the body so far.
func (r *Recorder) Bytes() int64 { return r.bytes }

// Err returns the error that the handler returned, if any.
func (r *Recorder) Err() error { return r.err }

// Unwrap lets http.ResponseController reach the writer below.
func (r *Recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (r *Recorder) WriteHeader(status int) {
	if r.status == 0 && status >= 200 || status == http.StatusSwitchingProtocols {
		r.status = status
	}
	r.extend()
	r.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (r *Recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	written := 0
	for {
		piece := p[written:min(len(p), written+writeChunk)]
		r.extend()
		n, err := r.ResponseWriter.Write(piece)
		written += n
		r.bytes += int64(n)
		if err != nil || written == len(p) {
			return written, err
		}
	}
}

// Flush implements http.Flusher.
func (r *Recorder) Flush() { _ = r.FlushError() }

// FlushError sends what is buffered, and tells when that is not possible.
func (r *Recorder) FlushError() error {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	r.extend()
	return r.control.Flush()
}

// Hijack implements http.Hijacker.
func (r *Recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := r.control.Hijack()
	if err == nil {
		r.status = http.StatusSwitchingProtocols
	}
	return conn, rw, err
}

// extend moves the write deadline on. Writers without one, such as those of
// tests, are fine.
func (r *Recorder) extend() { _ = r.control.SetWriteDeadline(time.Now().Add(writeTimeout)) }

// recorderOf returns the Recorder that is w or below it, or nil.
func recorderOf(w http.ResponseWriter) *Recorder {
	for {
		if rec, ok := w.(*Recorder); ok {
			return rec
		}
		below, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return nil
		}
		w = below.Unwrap()
	}
}
