package gitrepo

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// maxObject is the largest object that is taken from a remote or read into
// memory, in bytes. A few kilobytes of a repository can unfold into any number,
// and go-git keeps objects in memory. It is a little more than what the large
// hosts take.
const maxObject = 128 << 20

func tooLarge(size, limit int64) error {
	return errorf(KindInvalid, "the repository has an object of %d MiB; %d MiB is the most here", size>>20, limit>>20)
}

// limitedStorage is go-git's view of a .git folder, without objects that are too
// large.
type limitedStorage struct {
	*filesystem.Storage
	limit int64

	mu      sync.Mutex
	checked map[plumbing.Hash]bool
}

// EncodedObject implements storer.EncodedObjectStorer.
func (s *limitedStorage) EncodedObject(t plumbing.ObjectType, h plumbing.Hash) (plumbing.EncodedObject, error) {
	if err := s.check(h); err != nil {
		return nil, err
	}
	return s.Storage.EncodedObject(t, h)
}

// DeltaObject implements storer.DeltaObjectStorer.
func (s *limitedStorage) DeltaObject(t plumbing.ObjectType, h plumbing.Hash) (plumbing.EncodedObject, error) {
	if err := s.check(h); err != nil {
		return nil, err
	}
	return s.Storage.DeltaObject(t, h)
}

func (s *limitedStorage) check(h plumbing.Hash) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.checked[h] {
		return nil
	}
	size, err := s.EncodedObjectSize(h)
	if err != nil {
		return err
	}
	if size > s.limit {
		return tooLarge(size, s.limit)
	}
	s.checked[h] = true
	return nil
}

// PackfileWriter implements storer.PackfileWriter: what a remote sends is looked
// through before go-git unfolds it.
func (s *limitedStorage) PackfileWriter() (io.WriteCloser, error) {
	w, err := s.Storage.PackfileWriter()
	if err != nil {
		return nil, err
	}
	r, feed := io.Pipe()
	p := &packGuard{WriteCloser: w, feed: feed, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		_ = r.CloseWithError(checkPack(r, s.limit))
	}()
	return p, nil
}

// packGuard passes a pack on piece by piece, each after it was looked through.
type packGuard struct {
	io.WriteCloser
	feed *io.PipeWriter
	done chan struct{}
}

// errChecked ends the looking through of a pack that was good to its end.
var errChecked = errors.New("the pack was looked through")

// Write implements io.Writer.
func (p *packGuard) Write(b []byte) (int, error) {
	if _, err := p.feed.Write(b); err != nil && err != errChecked {
		return 0, err
	}
	return p.WriteCloser.Write(b)
}

// Close implements io.Closer.
func (p *packGuard) Close() error {
	_ = p.feed.Close()
	<-p.done
	return p.WriteCloser.Close()
}

// checkPack reads a pack and returns errChecked at its end, or an error as soon
// as an object in it is too large, itself or when its changes are made to
// another.
func checkPack(r io.Reader, limit int64) error {
	s := packfile.NewScanner(r)
	_, count, err := s.Header()
	if err != nil {
		return fmt.Errorf("read the remote's objects: %w", err)
	}
	for range count {
		h, err := s.NextObjectHeader()
		if err != nil {
			return fmt.Errorf("read the remote's objects: %w", err)
		}
		if h.Length > limit {
			return tooLarge(h.Length, limit)
		}
		var start deltaStart
		if _, _, err := s.NextObject(&start); err != nil {
			return fmt.Errorf("read the remote's objects: %w", err)
		}
		if size := start.target(); h.Type.IsDelta() && size > limit {
			return tooLarge(size, limit)
		}
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		return err
	}
	return errChecked
}

// deltaStart keeps the beginning of an object and drops the rest.
type deltaStart struct {
	bytes [2 * binary.MaxVarintLen64]byte
	n     int
}

// Write implements io.Writer.
func (d *deltaStart) Write(p []byte) (int, error) {
	d.n += copy(d.bytes[d.n:], p)
	return len(p), nil
}

// target returns the size of what a delta makes, which it begins with after the
// size of what it is made from.
func (d *deltaStart) target() int64 {
	_, n := binary.Uvarint(d.bytes[:d.n])
	if n <= 0 {
		return 0 // not a delta that anything can be made of
	}
	size, _ := binary.Uvarint(d.bytes[n:d.n])
	return int64(min(size, 1<<62))
}
