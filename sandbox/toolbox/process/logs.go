package process

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sandpiper/sandbox/session"
	"sandpiper/sandbox/toolbox/answer"
	"sandpiper/sandbox/toolbox/toolboxtype"
)

// Prefixes tell the streams of a multiplexed log apart: each stands before bytes
// of its stream, up to the next prefix.
const (
	stdoutPrefix = "\x01\x01\x01"
	stderrPrefix = "\x02\x02\x02"
)

// Headers of an answer with a log: the offset of its first byte, the one after
// its last, with which a client goes on, and how many bytes that the client asked
// for are no longer there. A stream has only the first; the package's documentation says how a
// follower goes on where it was.
const (
	offsetHeader  = "X-Log-Offset"
	nextHeader    = "X-Log-Next-Offset"
	droppedHeader = "X-Log-Dropped"
)

func (h *Handler) commandLogs(w http.ResponseWriter, r *http.Request) error {
	c, err := h.command(r)
	if err != nil {
		return err
	}
	return h.logs(w, r, c.Log(), multiplexedUntil)
}

func (h *Handler) entrypointLogs(w http.ResponseWriter, r *http.Request) error {
	return h.logs(w, r, h.sessions.EntrypointLog(), entrypointMultiplexedUntil)
}

// logs answers with a log: what is there so far as JSON, or as text for clients
// before a version; or all that comes until its end, over a WebSocket or as a
// stream. It begins at an offset, so that a follower can go on where it was.
func (h *Handler) logs(w http.ResponseWriter, r *http.Request, log *session.Log, until version) error {
	follow, _ := strconv.ParseBool(r.FormValue("follow"))
	offset, err := logOffset(r, log)
	switch {
	case err != nil:
		return err
	case isUpgrade(r):
		return h.followSocket(w, r, log, offset)
	case follow:
		return followStream(w, r, log, offset)
	}
	logs := read(log, offset)
	for name, value := range map[string]int64{offsetHeader: logs.start, nextHeader: logs.end, droppedHeader: logs.dropped} {
		w.Header().Set(name, strconv.FormatInt(value, 10))
	}
	if wantsPrefixes(r, until) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, err := io.WriteString(w, logs.multiplexed)
		return err
	}
	return answer.JSON(w, http.StatusOK, toolboxtype.SessionCommandLogsResponse{Output: logs.output, Stdout: logs.stdout, Stderr: logs.stderr})
}

// logOffset returns the offset that a request asks for; 0 when it does not.
func logOffset(r *http.Request, log *session.Log) (int64, error) {
	text := r.FormValue("offset")
	if text == "" {
		return 0, nil
	}
	offset, err := strconv.ParseInt(text, 10, 64)
	if _, end := log.Bounds(); err != nil || offset < 0 || offset > end {
		return 0, answer.BadRequest("offset must be a number from 0 to %d, where the log ends now, not %q", end, text)
	}
	return offset, nil
}

// logText is what a log holds, in all forms.
type logText struct {
	stdout, stderr, output, multiplexed string
	start, end, dropped                 int64
}

// read returns what a log holds from an offset on. What was dropped before is
// told on stderr.
func read(log *session.Log, offset int64) logText {
	var stdout, stderr, output, multiplexed strings.Builder
	chunks, start := log.Pieces()
	t := logText{start: max(start, offset), end: start}
	if t.dropped = max(0, start-offset); t.dropped > 0 {
		note := droppedNote(t.dropped)
		stderr.WriteString(note)
		output.WriteString(note)
		multiplexed.WriteString(stderrPrefix + note)
	}
	for _, c := range chunks {
		t.end = c.Offset + int64(len(c.Data))
		if skip := offset - c.Offset; skip > 0 {
			c.Data = c.Data[min(skip, int64(len(c.Data))):]
		}
		if len(c.Data) == 0 {
			continue
		}
		output.Write(c.Data)
		multiplexed.Write(prefixed(c))
		if c.Stream == session.Stderr {
			stderr.Write(c.Data)
		} else {
			stdout.Write(c.Data)
		}
	}
	t.end = max(t.end, t.start)
	t.stdout, t.stderr, t.output, t.multiplexed = stdout.String(), stderr.String(), output.String(), multiplexed.String()
	return t
}

// prefixed returns a chunk behind its stream's prefix.
func prefixed(c session.Chunk) []byte {
	prefix := stdoutPrefix
	if c.Stream == session.Stderr {
		prefix = stderrPrefix
	}
	return append([]byte(prefix), c.Data...)
}

// followStream streams a log as the body of the answer.
func followStream(w http.ResponseWriter, r *http.Request, log *session.Log, offset int64) error {
	start, _ := log.Bounds()
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set(offsetHeader, strconv.FormatInt(max(start, offset), 10))
	w.WriteHeader(http.StatusOK)
	control := http.NewResponseController(w)
	defer func() { _ = control.SetWriteDeadline(time.Time{}) }()
	if err := control.Flush(); err != nil {
		return err
	}
	counts, next := r.FormValue("offset") != "", max(start, offset)
	err := eachChunk(r.Context(), log, offset, func(c session.Chunk, dropped int64) error {
		data := withNote(c, dropped)
		if counts && len(c.Data) > 0 {
			if c.Offset != next {
				panic(http.ErrAbortHandler) // there is no other way to tell a client that it lost some: it asks again
			}
			data, next = prefixed(c), c.Offset+int64(len(c.Data))
		}
		// Not every server can limit the time of a write; the log waits for
		// nobody for long in any case.
		_ = control.SetWriteDeadline(time.Now().Add(writeTime))
		if _, err := w.Write(data); err != nil {
			return err
		}
		return control.Flush()
	})
	if r.Context().Err() != nil {
		return nil // who followed has left
	}
	return err
}

// eachChunk passes on a log from an offset to its end, with how many bytes before
// each chunk were lost. A chunk may be empty when some were.
func eachChunk(ctx context.Context, log *session.Log, offset int64, pass func(c session.Chunk, dropped int64) error) error {
	reader := log.Reader(offset)
	defer reader.Close()
	for {
		chunk, dropped, err := reader.Next(ctx)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if err := pass(chunk, dropped); err != nil {
			return err
		}
	}
}

// withNote returns a chunk, multiplexed, after a note of what was lost before it.
func withNote(c session.Chunk, dropped int64) (data []byte) {
	if dropped > 0 {
		data = append(data, stderrPrefix+droppedNote(dropped)...)
	}
	if len(c.Data) > 0 {
		data = append(data, prefixed(c)...)
	}
	return data
}
