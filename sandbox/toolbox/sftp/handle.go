package sftp

import (
	"io"
	"sync"

	"sandpiper/sandbox/guest"
)

// handle is an open file. The protocol's side calls it from several goroutines.
type handle struct {
	guest.File
	appends bool
	release func()

	mu sync.Mutex // held to write where the file has one position
}

// ReadAt implements io.ReaderAt.
func (h *handle) ReadAt(p []byte, off int64) (int, error) {
	n, err := h.File.ReadAt(p, off)
	return n, status(err)
}

// WriteAt implements io.WriterAt. What is opened to append ignores the offset, as
// the protocol says.
func (h *handle) WriteAt(p []byte, off int64) (int, error) {
	if at, ok := h.File.(io.WriterAt); ok && !h.appends {
		n, err := at.WriteAt(p, off)
		return n, status(err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.appends {
		if _, err := h.Seek(off, io.SeekStart); err != nil {
			return 0, status(err)
		}
	}
	return h.writeAll(p)
}

// writeAll writes all of p, also where the file takes less at a time.
func (h *handle) writeAll(p []byte) (written int, err error) {
	for written < len(p) {
		n, err := h.File.Write(p[written:])
		written += n
		if err != nil {
			return written, status(err)
		}
		if n == 0 {
			return written, io.ErrShortWrite
		}
	}
	return written, nil
}

// Close implements io.Closer. The protocol's side calls it once.
func (h *handle) Close() error {
	h.release()
	return status(h.File.Close())
}
