//go:build unix && !linux

package vm

import "os"

// anonymousFile returns a temporary file without a name.
func anonymousFile() (*os.File, error) {
	f, err := os.CreateTemp("", "sandpiper-image-")
	if err != nil {
		return nil, err
	}
	return f, os.Remove(f.Name())
}

// written returns all pages: the system does not tell which were written.
func (s *space) written(size uint64) []uint32 { return allPages(size) }

func (s *space) populate([]uint32) {}

func (s *space) forget(uint32, int) {}
