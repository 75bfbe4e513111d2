//go:build !unix

package vm

import (
	"io"
	"os"
)

// imageFile is an image's memory, on systems without mmap.
type imageFile struct{ bytes []byte }

func newImageFile(mem []byte) (*imageFile, error) {
	return &imageFile{append([]byte(nil), mem...)}, nil
}

// openImageFile takes the first size bytes of a file, which the caller closes.
func openImageFile(f *os.File, size int64) (*imageFile, error) {
	b := make([]byte, size)
	_, err := io.ReadFull(io.NewSectionReader(f, 0, size), b)
	return &imageFile{b}, err
}

func (f *imageFile) close() error {
	f.bytes = nil
	return nil
}

// space is memory for one instance after another, which begins as a copy of an
// image.
type space struct {
	image *imageFile
	b     []byte
}

func newSpace(image *imageFile, size uint64) *space {
	if size < uint64(len(image.bytes)) {
		return nil
	}
	s := &space{image, make([]byte, size)}
	copy(s.b, image.bytes)
	return s
}

func (s *space) unmap() { s.b = nil }

func (s *space) zero(b []byte) { clear(b) }

func (s *space) written(size uint64) []uint32 { return allPages(size) }

func (s *space) populate([]uint32) {}

func (s *space) forget(uint32, int) {}
