package rfb

import (
	"bufio"
	"io"
)

// copyBuffer is how much is read, and written, at once.
const copyBuffer = 32 << 10

// pipes returns buffers for a copy. Whatever is to be written is written before
// the copy waits for more to read, so nothing is held back.
func pipes(dst io.Writer, src io.Reader) (*bufio.Reader, *bufio.Writer) {
	out := bufio.NewWriterSize(dst, copyBuffer)
	return bufio.NewReaderSize(&promptReader{src, out}, copyBuffer), out
}

// promptReader flushes out before it reads.
type promptReader struct {
	src io.Reader
	out *bufio.Writer
}

// Read implements io.Reader.
func (p *promptReader) Read(b []byte) (int, error) {
	if err := p.out.Flush(); err != nil {
		return 0, err
	}
	return p.src.Read(b)
}

// forward moves n bytes. io.CopyN would read into the writer's own buffer, out
// of which promptReader writes meanwhile.
func forward(out *bufio.Writer, in *bufio.Reader, n int64) error {
	for n > 0 {
		if _, err := in.Peek(1); err != nil {
			return err
		}
		chunk, err := in.Peek(int(min(n, int64(in.Buffered()))))
		if err != nil {
			return err
		}
		if _, err := out.Write(chunk); err != nil {
			return err
		}
		if _, err := in.Discard(len(chunk)); err != nil {
			return err
		}
		n -= int64(len(chunk))
	}
	return nil
}
