package files

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"unicode/utf8"

	"sandpiper/sandbox/toolbox/answer"
	"sandpiper/sandbox/toolbox/toolboxtype"
)

const (
	maxLine    = 1 << 20 // bytes of a line in which a text is looked for
	maxContent = 4 << 10 // bytes of a line that are returned
	sniffed    = 8 << 10 // bytes in which a NUL tells a binary file
)

// errFull ends a search that has found as much as it may return.
var errFull = errors.New("enough was found")

// find answers with the lines that contain a text, in a file or in all files of
// a folder and below. The text is taken as it is, not as a regular expression.
// Binary files and links are passed over.
func (h *Handler) find(w http.ResponseWriter, r *http.Request) error {
	root, err := h.resolveQuery(r, "path")
	if err != nil {
		return err
	}
	text := r.URL.Query().Get("pattern")
	if text == "" {
		return answer.BadRequest("the query parameter pattern is required")
	}
	info, err := h.fs.Stat(root)
	if err != nil {
		return answer.FileError(root, err)
	}
	f := &finder{h: h, text: []byte(text), matches: []toolboxtype.Match{}}
	cut, err := h.bounded(r.Context(), func(ctx context.Context) (bool, error) {
		f.ctx = ctx
		if !info.IsDir() {
			return false, f.file(root, info)
		}
		s := walk{fs: h.fs, left: h.limits.entries}
		err := s.folder(ctx, root, f.visit)
		return s.cut, err
	})
	if err != nil {
		return answer.FileError(root, err)
	}
	markCut(w, cut)
	return answer.JSON(w, http.StatusOK, f.matches)
}

// bounded runs a search within its time. It reports whether the search ended
// before it had seen everything.
func (h *Handler) bounded(ctx context.Context, search func(context.Context) (cut bool, err error)) (bool, error) {
	limited, cancel := context.WithTimeout(ctx, h.limits.searchTime)
	defer cancel()
	cut, err := search(limited)
	if errors.Is(err, errFull) || limited.Err() != nil && ctx.Err() == nil {
		return true, nil
	}
	return cut, err
}

func markCut(w http.ResponseWriter, cut bool) {
	if cut {
		w.Header().Set(truncated, "true")
	}
}

// finder is one search for a text. Its context is that of the request, which it
// lives as long as.
type finder struct {
	h       *Handler
	ctx     context.Context
	text    []byte
	matches []toolboxtype.Match
	bytes   int // of the matches
	line    []byte
}

func (f *finder) visit(name string, e fs.DirEntry) error {
	if !e.Type().IsRegular() {
		return nil
	}
	info, err := e.Info()
	if err != nil {
		return nil // it has just gone
	}
	err = f.file(name, info)
	if errors.Is(err, errFull) || f.ctx.Err() != nil {
		return err
	}
	return nil // a file that cannot be read is passed over
}

// file looks into one file. Empty ones are not even opened: those of /proc say
// that they are empty, and reading some of them never ends.
func (f *finder) file(name string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() || info.Size() == 0 {
		return nil
	}
	file, err := f.h.open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	r := bufio.NewReaderSize(file, 64<<10)
	head, err := r.Peek(sniffed)
	if err != nil && err != io.EOF {
		return err
	}
	if bytes.IndexByte(head, 0) >= 0 {
		return nil
	}
	return f.lines(name, r)
}

func (f *finder) lines(name string, r *bufio.Reader) error {
	for number := 1; ; number++ {
		if err := f.ctx.Err(); err != nil {
			return err
		}
		err := f.readLine(r)
		if at := bytes.Index(f.line, f.text); at >= 0 {
			if err := f.add(name, number, at); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// readLine reads the next line into f.line without its end; of a line longer
// than maxLine, the beginning.
func (f *finder) readLine(r *bufio.Reader) error {
	f.line = f.line[:0]
	for {
		piece, err := r.ReadSlice('\n')
		if room := maxLine - len(f.line); room > 0 {
			f.line = append(f.line, piece[:min(room, len(piece))]...)
		}
		if err == bufio.ErrBufferFull {
			if cerr := f.ctx.Err(); cerr != nil {
				return cerr
			}
			continue
		}
		f.line = bytes.TrimRight(f.line, "\r\n")
		return err
	}
}

// add notes a match at an offset of f.line.
func (f *finder) add(name string, number, at int) error {
	content := excerpt(f.line, at)
	f.bytes += len(content) + len(name)
	if len(f.matches) >= f.h.limits.matches || f.bytes > f.h.limits.matchBytes {
		return errFull
	}
	f.matches = append(f.matches, toolboxtype.Match{File: name, Line: number, Content: string(content)})
	return nil
}

// excerpt returns a line, or of a long one a part around a position.
func excerpt(line []byte, at int) []byte {
	if len(line) <= maxContent {
		return line
	}
	start := max(0, min(at-maxContent/4, len(line)-maxContent))
	part := line[start : start+maxContent]
	for len(part) > 0 && !utf8.RuneStart(part[0]) {
		part = part[1:]
	}
	return part
}
