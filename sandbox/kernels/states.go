package kernels

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"sandpiper/sandbox"
)

// states is a folder of saved states, a file for each session: magic, the SHA-256
// of the rest, the rest. The sum finds damage; a state that somebody has tampered
// with is the engine's to refuse.
type states struct {
	dir  string
	max  int64                  // bytes of one state
	sync func(f *os.File) error // makes what was written to a file or a folder last: (*os.File).Sync
}

const stateMagic = "sandpiper session state 1\n"

const stateHeader = len(stateMagic) + sha256.Size

func (s states) path(id string) string { return filepath.Join(s.dir, id) }

// write replaces the state of a session by what save writes, and returns its size. The
// state outlives a crash of the machine from then on. When it fails, the older state
// is still there.
func (s states) write(ctx context.Context, id string, save func(ctx context.Context, w io.Writer) error) (size int64, err error) {
	f, err := os.CreateTemp(s.dir, "new-*") // mode 0600; what a crash leaves is swept at the next start
	if err != nil {
		return 0, unsaved(err)
	}
	size, err = s.fill(ctx, f, save)
	if err = errors.Join(err, f.Close()); err != nil {
		return 0, errors.Join(unsaved(err), os.Remove(f.Name()))
	}
	if err := os.Rename(f.Name(), s.path(id)); err != nil {
		return 0, errors.Join(unsaved(err), os.Remove(f.Name()))
	}
	if err := s.syncFolder(); err != nil {
		return 0, unsaved(err)
	}
	return size, nil
}

// fill writes a state into a new file, and makes it last.
func (s states) fill(ctx context.Context, f *os.File, save func(ctx context.Context, w io.Writer) error) (size int64, err error) {
	if _, err := f.Write(make([]byte, stateHeader)); err != nil {
		return 0, err
	}
	w := &stateWriter{w: f, sum: sha256.New(), room: s.max}
	if err := save(ctx, w); err != nil {
		return 0, errors.Join(w.err, err)
	}
	if _, err := f.WriteAt(w.sum.Sum([]byte(stateMagic)), 0); err != nil {
		return 0, err
	}
	return w.size + int64(stateHeader), s.sync(f)
}

// syncFolder makes the names of the states last.
func (s states) syncFolder() error {
	dir, err := os.Open(s.dir)
	if err != nil {
		return err
	}
	return errors.Join(s.sync(dir), dir.Close())
}

// unsaved is the error for a state that could not be saved because of err.
func unsaved(err error) error {
	err = fullDisk(err, "so the session was not saved; it is still there and goes on as long as the server does")
	return fmt.Errorf("save a state: %w", err)
}

// fullDisk returns err, with words for the user where its cause is a full disk: so
// says what follows from that.
func fullDisk(err error, so string) error {
	if !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) {
		return err
	}
	return errors.Join(&sandbox.Error{Kind: sandbox.KindUnavailable, RetryAfter: time.Minute, Message: "the server's disk is full, " + so}, err)
}

// stateWriter counts and sums what it writes.
type stateWriter struct {
	w    io.Writer
	sum  hash.Hash
	size int64
	room int64
	err  error // why it took no more
}

// Write implements io.Writer.
func (w *stateWriter) Write(p []byte) (int, error) {
	if w.size+int64(len(p)) > w.room {
		w.err = &sandbox.Error{Kind: sandbox.KindTooLarge, Message: fmt.Sprintf("the state of the session has more than %d MiB, which is too much to be saved", w.room>>20)}
		return 0, w.err
	}
	n, err := w.w.Write(p)
	w.sum.Write(p[:n])
	w.size += int64(n)
	w.err = err
	return n, err
}

// Errors of states.
var (
	errDamaged = sandbox.Errorf(sandbox.KindUnprocessed, "the saved state of this session is damaged; restart the session: its files are still there")
	errMissing = sandbox.Errorf(sandbox.KindUnprocessed, "the saved state of this session is missing; restart the session: its files are still there")
)

// open returns the state of a session for reading, after it was checked, with its
// size; nil when there is none.
func (s states) open(id string) (io.ReadCloser, error) {
	f, err := os.Open(s.path(id))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read a state: %w", err)
	}
	if err := check(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// check reads a state to its end and leaves f behind the header.
func check(f *os.File) error {
	header := make([]byte, stateHeader)
	if _, err := io.ReadFull(f, header); err != nil {
		return errDamaged
	}
	magic, want := header[:len(stateMagic)], header[len(stateMagic):]
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return fmt.Errorf("read a state: %w", err)
	}
	if string(magic) != stateMagic || !bytes.Equal(sum.Sum(nil), want) {
		return errDamaged
	}
	_, err := f.Seek(int64(stateHeader), io.SeekStart)
	return err
}

// copy gives a session the state of another one, if that has one. States are replaced
// and never changed, so the two can be one file.
func (s states) copy(from, to string) error {
	err := os.Link(s.path(from), s.path(to))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err = errors.Join(err, s.syncFolder()); err != nil {
		return fmt.Errorf("copy a state: %w", err)
	}
	return nil
}

// remove forgets the state of a session.
func (s states) remove(id string) error {
	if err := os.Remove(s.path(id)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove a state: %w", err)
	}
	return nil
}
