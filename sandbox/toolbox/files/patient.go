package files

import (
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"sandpiper/sandbox/toolbox/answer"
)

// patientReader reads a request's body for as long as something arrives, however
// long all of it takes. It remembers its own error, so that it can be told from
// one of the file that the body goes to.
type patientReader struct {
	body io.Reader
	rc   *http.ResponseController
	idle time.Duration
	err  error
	over bool // whether the end was reached
}

func (h *Handler) body(w http.ResponseWriter, r *http.Request) *patientReader {
	return &patientReader{body: r.Body, rc: http.NewResponseController(w), idle: h.limits.idle}
}

// Read implements io.Reader.
func (p *patientReader) Read(b []byte) (int, error) {
	_ = p.rc.SetReadDeadline(time.Now().Add(p.idle)) // where the connection has deadlines
	n, err := p.body.Read(b)
	if p.over = err == io.EOF; err != nil && !p.over {
		p.err = err
	}
	return n, err
}

// done gives the connection back to its server. Where something of the body is
// left, which the server then reads to throw it away, the time limit stays.
func (p *patientReader) done() {
	if p.over {
		_ = p.rc.SetReadDeadline(time.Time{})
	}
}

// bodyError turns an error of a request's body into one to show.
func bodyError(err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &answer.Error{Status: http.StatusRequestTimeout, Code: "REQUEST_TIMEOUT", Message: "the upload stopped for too long", Err: err}
	default:
		return &answer.Error{Status: http.StatusBadRequest, Code: "INVALID_REQUEST_BODY", Message: "the upload is not whole or not what it should be: " + err.Error(), Err: err}
	}
}

// patientWriter is a ResponseWriter that waits for a client as long as that
// takes something.
type patientWriter struct {
	http.ResponseWriter
	rc   *http.ResponseController
	idle time.Duration
}

// Write implements io.Writer.
func (p *patientWriter) Write(b []byte) (int, error) {
	_ = p.rc.SetWriteDeadline(time.Now().Add(p.idle)) // where the connection has deadlines
	return p.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the writer below.
func (p *patientWriter) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// done gives the connection back to its server.
func (p *patientWriter) done() { _ = p.rc.SetWriteDeadline(time.Time{}) }
