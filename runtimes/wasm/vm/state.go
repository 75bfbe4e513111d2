package vm

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/klauspost/compress/s2"
)

// state is what an instance has become since its image: the pages that differ,
// the size of its memory, its globals, and its monotonic clock, which goes on in
// an instance that gets the state.
type state struct {
	size    uint64
	clock   time.Duration
	globals map[string]uint64
	pages   []uint32

	live   *space   // where the pages are, unless it is nil
	copies [][]byte // of the pages, one after another, in chunks
}

// page returns what is in the page with number s.pages[k].
func (s *state) page(k int) []byte {
	if s.live != nil {
		return s.live.page(s.pages[k])
	}
	return s.copies[k/chunkPages][k%chunkPages*pageSize:][:pageSize]
}

// look returns the guest's state, with the pages where they are: it holds until the
// guest goes on. Preconditions: i.mu must be held, and there is a guest.
func (i *Instance) look() *state {
	m := i.own.memory
	return &state{
		size: m.size, clock: time.Since(i.epoch), globals: readGlobals(i.own.guest, i.module.globals),
		pages: slices.Collect(m.space.changed(m.size)), live: m.space,
	}
}

// state returns a copy of the guest's state, which must be released, or ErrNoRoom.
// Preconditions: i.mu must be held, and there is a guest.
func (i *Instance) state() (*state, error) {
	s := i.look()
	if !s.reserve() {
		return nil, ErrNoRoom
	}
	from := s.live
	s.live = nil
	for k, page := range s.pages {
		copy(s.page(k), from.page(page))
	}
	return s, nil
}

// reserve gets room for copies of the pages, and reports whether there is some.
func (s *state) reserve() (ok bool) {
	s.copies, ok = chunks.take((len(s.pages) + chunkPages - 1) / chunkPages)
	return ok
}

func (s *state) release() {
	chunks.give(s.copies)
	s.copies = nil
}

// apply gives a fresh instance a state.
func (i *Instance) apply(s *state) error {
	have := i.own.memory.size
	if s.size < have {
		return fmt.Errorf("the state has %d bytes of memory, the image has %d", s.size, have)
	}
	if more := (s.size - have) / wasmPage; more > 0 {
		if _, ok := i.own.guest.Memory().Grow(uint32(more)); !ok {
			return fmt.Errorf("the state needs %d MiB of memory, which is more than there is for it", s.size>>20)
		}
	}
	i.own.memory.space.populate(s.pages)
	for k, page := range s.pages {
		copy(i.own.memory.space.page(page), s.page(k))
	}
	setGlobals(i.own.guest, s.globals)
	return nil
}

// Errors of Restore.
var (
	// ErrOtherImage is for a state that goes on from another image than the
	// module's, such as that of another version.
	ErrOtherImage = errors.New("the state belongs to another image")

	// ErrBadState is for what is not a state, or a damaged one.
	ErrBadState = errors.New("the state is damaged")
)

// stateMagic begins a saved state, stateFamily one of any version. The image's id
// follows, and then an S2 stream, whose checksums find damage, of a header and the
// pages. A state is saved after every pause in somebody's work, so that the time which this
// takes weighs more than the size: zstd makes it a quarter smaller and takes three
// times as long.
const (
	stateFamily = "spstate"
	stateMagic  = stateFamily + "4"
)

// The header of a state, all of it little-endian: the size of the memory and the
// clock in nanoseconds (u64 each), the number of globals and of pages (u32 each), the globals in the order of
// their names (u64 each), and the numbers of the pages, rising (u32 each).
const stateHeader = 8 + 8 + 4 + 4

// maxClock bounds the clock of a state: nothing runs for a hundred years.
const maxClock = 100 * 365 * 24 * time.Hour

// Save writes the instance's state for Restore: what differs from the image,
// compressed.
func (i *Instance) Save(w io.Writer) error {
	if !i.begin() {
		return ErrBusy
	}
	defer i.end()
	if i.closed() {
		return ErrClosed
	}
	s := i.snapshot()
	if _, err := io.WriteString(w, stateMagic+string(i.module.image.id[:])); err != nil {
		return err
	}
	z := compressors.Get().(*s2.Writer)
	defer func() {
		z.Reset(nil)
		compressors.Put(z)
	}()
	z.Reset(w)
	_, err := z.Write(s.header())
	for k := range s.pages {
		if err != nil {
			break
		}
		_, err = z.Write(s.page(k))
	}
	return errors.Join(err, z.Close())
}

func (s *state) header() []byte {
	b := binary.LittleEndian.AppendUint64(nil, s.size)
	b = binary.LittleEndian.AppendUint64(b, uint64(s.clock))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(s.globals)))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(s.pages)))
	for _, name := range slices.Sorted(maps.Keys(s.globals)) {
		b = binary.LittleEndian.AppendUint64(b, s.globals[name])
	}
	for _, page := range s.pages {
		b = binary.LittleEndian.AppendUint32(b, page)
	}
	return b
}

// Restore makes an instance with a state that Save wrote; cfg is what Open says.
// The state is not trusted: it can be any state of a guest, and no more.
func (m *Module) Restore(ctx context.Context, cfg RunConfig, r io.Reader) (*Instance, error) {
	if m.image == nil {
		return nil, errors.New(m.name + " was not loaded with an image")
	}
	s, err := m.readState(r, uint64(min(cfg.Limits.MemoryBytes, m.host.cfg.MaxMemoryBytes)))
	if err != nil {
		return nil, err
	}
	defer s.release()
	return m.openWith(ctx, cfg, s)
}

// stateBlock is how much of a state is compressed at once, in bytes.
const stateBlock = 64 << 10

// Compressors and their opposites are kept: making one costs as much as it then does
// with a small state.
var (
	compressors = sync.Pool{New: func() any {
		return s2.NewWriter(nil, s2.WriterConcurrency(1), s2.WriterBlockSize(stateBlock))
	}}
	decompressors = sync.Pool{New: func() any { return s2.NewReader(nil, s2.ReaderMaxBlockSize(stateBlock)) }}
)

func (m *Module) readState(r io.Reader, limit uint64) (*state, error) {
	var start [len(stateMagic) + sha256.Size]byte
	if _, err := io.ReadFull(r, start[:]); err != nil || !bytes.HasPrefix(start[:], []byte(stateFamily)) {
		return nil, ErrBadState
	}
	if string(start[:len(stateMagic)]) != stateMagic || !bytes.Equal(start[len(stateMagic):], m.image.id[:]) {
		return nil, ErrOtherImage
	}
	z := decompressors.Get().(*s2.Reader)
	defer func() {
		z.Reset(nil)
		decompressors.Put(z)
	}()
	z.Reset(r)
	d := &stateReader{r: z}
	s := d.read(m.image, limit)
	if d.err != nil {
		s.release()
		return nil, fmt.Errorf("%w: %w", ErrBadState, d.err)
	}
	return s, nil
}

// stateReader reads a state; its first error sticks.
type stateReader struct {
	r   io.Reader
	err error
}

func (d *stateReader) fill(b []byte) []byte {
	if d.err == nil {
		_, d.err = io.ReadFull(d.r, b)
	}
	if d.err != nil {
		clear(b)
	}
	return b
}

func (d *stateReader) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf(format, args...)
	}
}

func (d *stateReader) read(image *Image, limit uint64) *state {
	s := &state{globals: map[string]uint64{}}
	b := d.fill(make([]byte, stateHeader))
	s.size = binary.LittleEndian.Uint64(b)
	s.clock = time.Duration(binary.LittleEndian.Uint64(b[8:]))
	globals, pages := binary.LittleEndian.Uint32(b[16:]), binary.LittleEndian.Uint32(b[20:])
	switch {
	case s.clock < 0 || s.clock > maxClock:
		d.fail("a clock of %d ns", s.clock)
	case s.size > limit:
		d.fail("%d bytes of memory, at most %d are allowed", s.size, limit)
	case s.size%wasmPage != 0 || s.size < uint64(image.Size()):
		d.fail("%d bytes of memory", s.size)
	case int(globals) != len(image.globals):
		d.fail("%d globals", globals)
	case uint64(pages) > s.size/pageSize:
		d.fail("%d pages in %d bytes of memory", pages, s.size)
	}
	if d.err != nil {
		return s
	}
	for _, name := range slices.Sorted(maps.Keys(image.globals)) {
		s.globals[name] = binary.LittleEndian.Uint64(d.fill(b[:8]))
	}
	d.pages(s, int(pages))
	return s
}

func (d *stateReader) pages(s *state, n int) {
	numbers := d.fill(make([]byte, 4*n))
	s.pages = make([]uint32, n)
	for k := range s.pages {
		s.pages[k] = binary.LittleEndian.Uint32(numbers[4*k:])
		if uint64(s.pages[k]) >= s.size/pageSize || k > 0 && s.pages[k] <= s.pages[k-1] {
			d.fail("page %d", s.pages[k])
		}
	}
	if d.err != nil {
		return
	}
	if !s.reserve() {
		d.fail("no memory for %d pages", n)
		return
	}
	for k := range s.pages {
		d.fill(s.page(k))
	}
}
