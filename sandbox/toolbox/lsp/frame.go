package lsp

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

const (
	// maxFrame is the largest message of a language server, in bytes.
	maxFrame = 32 << 20

	// maxHeader bounds the lines before a message, all together.
	maxHeader = 4 << 10
)

// readFrame reads one message: header lines, of which Content-Length says how
// many bytes follow, an empty line, and those bytes. Its error is io.EOF when
// the stream ends before a message begins.
func readFrame(r *bufio.Reader) ([]byte, error) {
	length, left := -1, maxHeader
	for first := true; ; first = false {
		line, err := readLine(r, left)
		if err != nil {
			if first && err == io.EOF && line == "" {
				return nil, io.EOF
			}
			return nil, fmt.Errorf("read the header of a message: %w", noEOF(err))
		}
		if left -= len(line); line == "\r\n" || line == "\n" {
			break
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return nil, fmt.Errorf("a message begins with %.80q, which is no header", line)
		}
		if !strings.EqualFold(strings.TrimSpace(name), "Content-Length") {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 32)
		if err != nil || n > maxFrame {
			return nil, fmt.Errorf("a message has the length %.40q; %d is the most", strings.TrimSpace(value), maxFrame)
		}
		length = int(n)
	}
	if length < 0 {
		return nil, fmt.Errorf("a message has no Content-Length")
	}
	return readBody(r, length)
}

// readBody reads exactly length bytes. Memory grows with what has arrived, not
// with what was announced.
func readBody(r io.Reader, length int) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, int64(length)))
	if err == nil && len(body) < length {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, fmt.Errorf("read a message: %w", err)
	}
	return body, nil
}

// readLine reads a line with its end, of at most limit bytes.
func readLine(r *bufio.Reader, limit int) (string, error) {
	var line []byte
	for len(line) < limit {
		c, err := r.ReadByte()
		if err != nil {
			return string(line), err
		}
		if line = append(line, c); c == '\n' {
			return string(line), nil
		}
	}
	return "", fmt.Errorf("it is longer than %d bytes", maxHeader)
}

func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// frame returns a message as it is sent.
func frame(body []byte) []byte {
	return append(fmt.Appendf(nil, "Content-Length: %d\r\n\r\n", len(body)), body...)
}
